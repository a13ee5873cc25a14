"""How far the items in hand are: one small file per worker process, so that no worker can block another.

Videos take minutes each; without this a progress bar would stand still between rows. The files are for people only:
nothing depends on them, and a killed worker's is swept away when the next run begins.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path

from repost.batch.journal import STATE_FOLDER

_FOLDER = "working"
_EVERY_S = 0.5


class InFlight:
    """Says how far one worker is with the item in hand.

    Args:
        out: The output folder of the run.
        whole: What counts as done, such as the number of frames.
    """

    def __init__(self, out: Path, whole: float) -> None:
        self._path = out / STATE_FOLDER / _FOLDER / str(os.getpid())
        self._whole = max(whole, 1e-9)
        self._due = time.monotonic() + _EVERY_S

    def tell(self, done: float) -> None:
        """Say how much is done; what comes sooner than half a second after the last is not written.

        Args:
            done: In the unit of `whole`.
        """
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + _EVERY_S
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(f"{min(done / self._whole, 1):.4f}")

    def clear(self) -> None:
        """Say that the item is finished."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def items_in_flight(out: Path) -> float:
    """How many items' worth of work the unfinished items have behind them.

    Args:
        out: The output folder of the run.

    Returns:
        The sum of the shares done of all items in hand.
    """
    total = 0.0
    with contextlib.suppress(OSError):
        for path in (out / STATE_FOLDER / _FOLDER).iterdir():
            with contextlib.suppress(OSError, ValueError):
                total += float(path.read_text())
    return total


def sweep(out: Path) -> None:
    """Forget what an earlier run that was killed had in hand."""
    shutil.rmtree(out / STATE_FOLDER / _FOLDER, ignore_errors=True)
