"""Threads that a library starts: which they are, and whether they rest. Linux only, by /proc."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

_TASKS = Path("/proc/self/task")
_PAUSE_S = 0.0002
"""Between two looks: a fraction of what a frame of a small video takes."""

_labels = count(1)


def can_watch_threads() -> bool:
    """Whether threads of this process can be told apart and watched."""
    return os.access(_TASKS / str(threading.get_native_id()) / "comm", os.W_OK)


@contextmanager
def threads_started() -> Generator[list[int]]:
    """Find the threads that this thread starts in a block.

    A thread inherits the name of the one that starts it, so this thread has a name of its own for that long: what
    other threads start at the same time is not mistaken.

    Yields:
        A list that holds their identifiers once the block is left, in the order they were started.
    """
    own = _TASKS / str(threading.get_native_id()) / "comm"
    name, label = own.read_text(), f"repost-{next(_labels) % 10**8}"
    started: list[int] = []
    own.write_text(label)
    try:
        yield started
    finally:
        own.write_text(name.rstrip("\n"))
    # The kernel lists threads as they were started; identifiers begin again at 1 some time.
    started += [int(task.name) for task in _TASKS.iterdir() if _read(task / "comm") == f"{label}\n"]


def wait_until_asleep(threads: Sequence[int], *, patience_s: float) -> bool:
    """Wait until some threads have nothing to do.

    Args:
        threads: Their identifiers; those that ended rest for ever.
        patience_s: How long to wait at most.

    Returns:
        Whether all sleep. They do so at the same time, none having run between two looks at them.
    """
    end_s = time.monotonic() + patience_s
    before: list[str] | None = None
    while True:
        now = [_state(thread) for thread in threads]
        asleep = all("\nState:\tS" in state or not state for state in now)
        if asleep and now == before:
            return True
        if time.monotonic() > end_s:
            return False
        if not asleep:
            time.sleep(_PAUSE_S)
        before = now


def _state(thread: int) -> str:
    """What the kernel says of a thread, the number of times it was woken included; "" where it ended."""
    return _read(_TASKS / str(thread) / "status")


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
        return ""
