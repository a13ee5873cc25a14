"""What every `repost train` shows."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from repost.training import TrainingEvent
    from repost.training.events import Listener


@contextmanager
def training_progress() -> Generator[Listener, None, None]:
    """Show steps, the last losses and the best score on stderr."""
    from repost.cli.progress import progress
    from repost.training import CheckpointRefused, StepFinished, TrainingStarted, Validated

    with progress("training", "step") as advance:

        def listen(event: TrainingEvent) -> None:
            if isinstance(event, TrainingStarted | StepFinished):
                advance(event.step, event.steps)
            elif isinstance(event, Validated):
                scores = ", ".join(f"{name} {value:.3f}" for name, value in event.scores.items())
                typer.echo(f"step {event.step}: {scores}{' (best so far)' if event.best else ''}", err=True)
            elif isinstance(event, CheckpointRefused):
                typer.echo(f"checkpoint left out: {event.path}: {event.reason}", err=True)

        yield listen
