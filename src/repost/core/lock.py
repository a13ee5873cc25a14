"""One process at a time in an output folder."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path

from repost.core.errors import OutputBusy, OutputUnwritable

try:
    import fcntl
except ImportError:  # Windows: two runs at once are then the caller's care
    fcntl = None


@contextlib.contextmanager
def hold_lock(lock: Path, *, out: Path) -> Generator[None, None, None]:
    """Hold a lock file, creating it and its folder where needed.

    The operating system drops the lock with the process, so a killed run leaves none behind. File systems without
    locks are used without.

    Args:
        lock: The lock file.
        out: The output folder it stands for, as errors name it.

    Yields:
        Nothing; the lock is held inside the block.

    Raises:
        OutputBusy: Another run holds it.
        OutputUnwritable: The folder cannot be made.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        stream = lock.open("ab")
    except OSError as error:
        raise OutputUnwritable(out, reason=error.strerror or str(error)) from error
    with stream:
        if fcntl is not None:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OutputBusy(out) from None
            except OSError:
                pass  # some network file systems have no locks
        yield
