"""Progress of long work, on stderr: phase, rate and time left."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

_POLL_S = 0.5


@contextmanager
def progress(
    phase: str, unit: str, *, in_hand: Callable[[], float] | None = None
) -> Generator[Callable[[int, int | None], None], None, None]:
    """Show a progress bar while the block runs; nothing where stderr is no terminal.

    Args:
        phase: What is being done, such as "sharing".
        unit: What is counted, in the singular; "byte" is shown in larger units.
        in_hand: How many units' worth of work the unfinished ones have behind them; asked twice a second, so that the
            bar and the time left move while a long video is at work.

    Yields:
        A function to call with how many are finished and how many there are.
    """
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(*_columns(unit), console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(phase, total=None)
        finished_units, over = [0], threading.Event()

        def advance(finished: int, total: int | None) -> None:
            finished_units[0] = finished
            bar.update(task, completed=finished, total=total)

        def poll(ask: Callable[[], float]) -> None:
            while not over.wait(_POLL_S):
                bar.update(task, completed=finished_units[0] + ask())

        if in_hand is not None and console.is_terminal:
            threading.Thread(target=poll, args=(in_hand,), daemon=True).start()
        try:
            yield advance
        finally:
            over.set()


def _columns(unit: str) -> list[ProgressColumn]:
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(f"{speed:.1f} {unit}s/s" if speed else "")

    counted = (DownloadColumn(), TransferSpeedColumn()) if unit == "byte" else (MofNCompleteColumn(), Rate())
    return [TextColumn("{task.description}"), BarColumn(), *counted, TimeRemainingColumn()]
