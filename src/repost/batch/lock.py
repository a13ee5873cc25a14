"""One run at a time in an output folder."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from repost.batch.journal import STATE_FOLDER
from repost.core.lock import hold_lock


def output_lock(out: Path) -> AbstractContextManager[None]:
    """Hold an output folder for one run, creating it where needed.

    Args:
        out: The output folder.

    Returns:
        A context that holds the lock.

    Raises:
        OutputBusy: Another run holds it (on entering, as below).
        OutputUnwritable: The folder cannot be made.
    """
    return hold_lock(out / STATE_FOLDER / "lock", out=out)
