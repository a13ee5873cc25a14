"""What a batch is made of: items, the work, its rows, and the events of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

Status = Literal["done", "failed", "skipped"]

Advance: TypeAlias = Callable[[int, int | None], None]
"""Told how many rows are finished, in whatever order, and how many there are (None where nobody knows)."""


@dataclass(frozen=True, slots=True)
class Item:
    """One input, and the independent results wanted of it.

    Attributes:
        id: Unique in the output folder, and stable: a relative path with forward slashes.
        source: The file.
        parts: The results wanted, such as one per platform. They are computed in one call, so that decoding is shared.
        stem: What its outputs are named after, as `output_stems` decides it. Work done under another is done again.
    """

    id: str
    source: Path
    parts: tuple[str, ...] = ("",)
    stem: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one part of one item.

    Attributes:
        item: The item's id.
        part: The part.
        status: "done", "failed" or "skipped".
        error: Why it failed or was skipped.
        fields: What the manifest says besides `status` and `error`; JSON, without NaN and infinity. What the work gives
            is laid over its `blank`.
        outputs: The files written for this part, relative to the output folder, with forward slashes. No other item
            writes them. They are what is verified before the work is taken as done.
        verdict: What the manifest says as the status of a part that is done where "done" is not enough, such as
            "no_face" where there was nothing to write.
    """

    item: str
    part: str
    status: Status
    error: str | None = None
    fields: Mapping[str, object] = field(default_factory=dict[str, object])
    outputs: tuple[str, ...] = ()
    verdict: str | None = None

    def manifest_row(self) -> dict[str, object]:
        """The row as the manifest holds it."""
        return {**self.fields, "status": self.verdict or self.status, "error": self.error}


class Work(Protocol):
    """What is done to every item. It is pickled once for each worker process."""

    def settings(self, part: str) -> str:
        """Everything that decides the result besides the content and the names, as a stable string.

        Args:
            part: One of an item's parts.

        Returns:
            Such as the digest of the profile, the seed and the encoder versions. Where it changes, the work is redone.
        """
        ...

    def blank(self, item: Item, part: str) -> dict[str, object]:
        """The manifest row of a part of which nothing is known yet: every key, with its value or None.

        The engine uses it for the rows it makes up itself (an exception, a dead worker) and under every other row,
        so that all rows have the same keys. It must not raise.

        Args:
            item: The item.
            part: One of its parts.

        Returns:
            JSON values; `status` and `error` are added by the engine.
        """
        ...

    def run(self, item: Item, parts: tuple[str, ...]) -> Iterator[Row]:
        """Do the work on some parts of one item.

        Args:
            item: The item.
            parts: The parts to do: those of the item that are not done already.

        Yields:
            One row for each of `parts`, in any order, as soon as its outputs are on disk. An exception makes the
            parts not yet yielded fail; those already yielded stay.
        """
        ...


@dataclass(frozen=True, slots=True)
class Summary:
    """How many rows of this run ended how; `reused` counts those that needed no work."""

    done: int = 0
    failed: int = 0
    skipped: int = 0
    reused: int = 0


@dataclass(frozen=True, slots=True)
class Started:
    """The run has begun. `total` counts rows, and is None where the items came as an iterator."""

    total: int | None


@dataclass(frozen=True, slots=True)
class RowFinished:
    """One row is in the journal, on disk.

    Attributes:
        row: The row.
        reused: It was done before, under the same content and settings.
        finished: How many rows of this run are finished, this one included.
        total: As in `Started`.
    """

    row: Row
    reused: bool
    finished: int
    total: int | None


@dataclass(frozen=True, slots=True)
class Finished:
    """The run is complete and the manifest is written."""

    summary: Summary
    manifest: Path


Event = Started | RowFinished | Finished
