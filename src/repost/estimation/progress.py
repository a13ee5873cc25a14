"""How far an estimate is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a phase is: `finished` of `total` pairs."""

    phase: str
    finished: int
    total: int | None
