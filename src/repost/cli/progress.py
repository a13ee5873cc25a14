"""Progress of long work, on stderr: phase, rate and time left."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager


@contextmanager
def progress(phase: str, unit: str) -> Generator[Callable[[int, int | None], None], None, None]:
    """Show a progress bar while the block runs; nothing where stderr is no terminal.

    Args:
        phase: What is being done, such as "sharing".
        unit: What is counted, in the singular.

    Yields:
        A function to call with how many are finished and how many there are.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(f"{speed:.1f} {unit}s/s" if speed else "")

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(phase, total=None)
        yield lambda finished, total: bar.update(task, completed=finished, total=total)
