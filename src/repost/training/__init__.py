"""One training loop for every network: resume, mixed precision, averages of weights, logs."""

from repost.core.extras import require

for _package in ("torch", "safetensors"):  # Fabric takes seconds to import, so it is asked for when a training starts
    require(_package, extra="torch")

from repost.training.events import (  # noqa: E402 - these need torch
    CheckpointRefused,
    CheckpointWritten,
    StepFinished,
    TrainingEvent,
    TrainingFinished,
    TrainingInterrupted,
    TrainingResult,
    TrainingStarted,
    Validated,
)
from repost.training.foreign import read_foreign_weights  # noqa: E402
from repost.training.loop import train  # noqa: E402
from repost.training.recipe import Items, Networks, Recipe, StepContext, Turn  # noqa: E402
from repost.training.settings import TrainingSettings  # noqa: E402
from repost.training.weights import Weights, WeightsCard, fit_into, read_weights, write_weights  # noqa: E402

__all__ = [
    "CheckpointRefused",
    "CheckpointWritten",
    "Items",
    "Networks",
    "Recipe",
    "StepContext",
    "StepFinished",
    "TrainingEvent",
    "TrainingFinished",
    "TrainingInterrupted",
    "TrainingResult",
    "TrainingSettings",
    "TrainingStarted",
    "Turn",
    "Validated",
    "Weights",
    "WeightsCard",
    "fit_into",
    "read_foreign_weights",
    "read_weights",
    "train",
    "write_weights",
]
