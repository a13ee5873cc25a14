"""What a training tells while it runs, and what it gives at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """A finished training.

    Attributes:
        folder: Where it is.
        steps: How many steps it took, those before a resumption included.
        best_step: The step whose weights are shipped: of the best validation, or the last where there is none.
        scores: What validation gave at that step; empty where the recipe has no validation data.
        weights: The shipped file of each network.
        sha256: The SHA-256 of each of these files.
        resumed_from: The step this run went on from; 0 where it started anew.
    """

    folder: Path
    steps: int
    best_step: int
    scores: Mapping[str, float]
    weights: Mapping[str, Path]
    sha256: Mapping[str, str] = field(default_factory=dict[str, str])
    resumed_from: int = 0


@dataclass(frozen=True, slots=True)
class TrainingStarted:
    """Networks and data are ready. `step` is 0, or where a resumed training goes on; `device` is such as "cuda:0"."""

    recipe: str
    step: int
    steps: int
    items: int
    device: str


@dataclass(frozen=True, slots=True)
class StepFinished:
    """A batch is learned from. `losses` are those of this batch, by component."""

    step: int
    steps: int
    losses: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Validated:
    """Validation is done. `best` says whether no earlier one was better."""

    step: int
    scores: Mapping[str, float]
    best: bool


@dataclass(frozen=True, slots=True)
class CheckpointWritten:
    """A checkpoint is on the disk."""

    step: int
    path: Path


@dataclass(frozen=True, slots=True)
class CheckpointRefused:
    """A warning: a checkpoint is damaged, so that the training goes on from an earlier one."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class TrainingInterrupted:
    """Ctrl-C or SIGTERM came; the step is finished and in a checkpoint. `KeyboardInterrupt` follows."""

    step: int


@dataclass(frozen=True, slots=True)
class TrainingFinished:
    """The weights are written."""

    result: TrainingResult


TrainingEvent: TypeAlias = (
    TrainingStarted
    | StepFinished
    | Validated
    | CheckpointWritten
    | CheckpointRefused
    | TrainingInterrupted
    | TrainingFinished
)
Listener: TypeAlias = Callable[[TrainingEvent], None]
