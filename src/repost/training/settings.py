"""What a training is told besides its recipe."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from repost.core.errors import UsageError

Schedule: TypeAlias = Literal["constant", "cosine"]
Precision: TypeAlias = Literal["32", "bf16-mixed", "16-mixed"]
Accelerator: TypeAlias = Literal["auto", "cpu", "cuda"]

WHERE_IT_RUNS = ("accelerator", "devices", "workers", "checkpoint_every", "keep")
"""Settings that may change between a training and its resumption: they do not say what is computed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """How long, how fast and where a training runs.

    The unit is the step, which is one batch: a recipe may update several networks in it. Epochs follow from the number
    of items. Learning rates belong to the recipe's optimisers; `schedule` and `warmup_steps` multiply them.

    Attributes:
        steps: How many batches to train on, 1 or more.
        batch_size: Items of a batch, over all devices together; a multiple of `devices`.
        seed: Of the initial weights, the order of the items and all draws within steps.
        schedule: "constant", or "cosine", which falls to 0 at the last step.
        warmup_steps: For so many steps the learning rates rise linearly, 0 to `steps`.
        clip_norm: The gradients of each update are scaled down to this Euclidean norm; None leaves them.
        average_decay: Decay of an exponential moving average of the weights, above 0 and below 1. The averaged weights
            are then those that are validated and shipped. None ships the weights as trained.
        precision: "32", "bf16-mixed", or "16-mixed" with scaled losses, which needs a GPU.
        accelerator: "auto" takes a GPU where there is one.
        devices: How many GPUs, or processes on a CPU.
        workers: Processes that load items; 0 loads them in the training process.
        log_every: Steps between rows of losses in `metrics.csv`, which are means over these steps.
        validate_every: Steps between validations. The last step is always validated.
        checkpoint_every: Steps between checkpoints. The last step always has one.
        keep: How many checkpoints are kept, the newest; each also holds the best weights so far.
    """

    steps: int
    batch_size: int = 16
    seed: int = 0
    schedule: Schedule = "constant"
    warmup_steps: int = 0
    clip_norm: float | None = None
    average_decay: float | None = None
    precision: Precision = "32"
    accelerator: Accelerator = "auto"
    devices: int = 1
    workers: int = 0
    log_every: int = 50
    validate_every: int = 500
    checkpoint_every: int = 500
    keep: int = 2

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "devices", "log_every", "validate_every", "checkpoint_every", "keep"):
            _expect(name, getattr(self, name), getattr(self, name) >= 1, "1 or more")
        _expect("workers", self.workers, self.workers >= 0, "0 or more")
        _expect("warmup_steps", self.warmup_steps, 0 <= self.warmup_steps <= self.steps, f"0 to steps={self.steps}")
        for name, choices in (("schedule", Schedule), ("precision", Precision), ("accelerator", Accelerator)):
            _expect(name, getattr(self, name), getattr(self, name) in get_args(choices), f"one of {get_args(choices)}")
        limit, decay = self.clip_norm, self.average_decay
        _expect("clip_norm", limit, limit is None or 0 < limit < math.inf, "a number above 0, or None")
        _expect("average_decay", decay, decay is None or 0 < decay < 1, "a number above 0 and below 1, or None")
        whole = self.batch_size % self.devices == 0
        _expect("batch_size", self.batch_size, whole, f"a multiple of devices={self.devices}")


def _expect(name: str, got: object, holds: bool, expected: str) -> None:
    if not holds:
        raise UsageError(f"got {name}={got!r}, expected {expected}")


def learning_rate_factor(settings: TrainingSettings, step: int) -> float:
    """What the recipe's learning rates are multiplied by.

    Args:
        settings: `steps`, `schedule` and `warmup_steps` are read.
        step: The update it is for, from 0 to `steps` - 1.

    Returns:
        In the warm-up (step + 1) / (warmup_steps + 1); after it 1, or half a cosine from 1 that would reach 0 at
        step `steps`.
    """
    if step < settings.warmup_steps:
        return (step + 1) / (settings.warmup_steps + 1)
    if settings.schedule == "constant":
        return 1.0
    passed = (step - settings.warmup_steps) / max(1, settings.steps - settings.warmup_steps)
    return (1 + math.cos(math.pi * passed)) / 2
