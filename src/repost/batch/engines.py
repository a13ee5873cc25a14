"""Who carries the tasks: this machine, or a Ray cluster."""

from __future__ import annotations

import importlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Protocol, cast

from repost.batch.model import Work
from repost.batch.worker import Outcome, Task
from repost.core.errors import UsageError

ENGINES = {
    "local": "repost.batch.local:run_items",
    "ray": "repost.batch.ray_engine:run_items",
}


class Engine(Protocol):
    """Performs tasks, with a bounded number of them in flight.

    It gives outcomes in batches as they come, in any order, and leaves nothing running when it is closed.
    """

    def __call__(
        self, tasks: Iterator[Task], work: Work, *, out: Path, jobs: int
    ) -> Generator[list[Outcome], None, None]:
        """Perform the tasks.

        Args:
            tasks: The tasks, read only as far as there is room in flight.
            work: What is done to each.
            out: The output folder, absolute.
            jobs: How many are worked on at once.

        Yields:
            Outcomes of one or more tasks.
        """
        ...


def resolve_engine(name: str) -> Engine:
    """The engine of a name.

    Args:
        name: One of `ENGINES`.

    Returns:
        The engine; its module is imported here and not before.

    Raises:
        UsageError: There is no engine of that name.
    """
    if name not in ENGINES:
        raise UsageError(f"got the engine '{name}', expected one of: {', '.join(sorted(ENGINES))}")
    module, _, attribute = ENGINES[name].partition(":")
    return cast("Engine", getattr(importlib.import_module(module), attribute))
