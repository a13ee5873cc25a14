"""The number of the epoch, where data-loader workers can see it."""

from __future__ import annotations

from ctypes import c_int64
from multiprocessing.context import get_spawning_popen
from multiprocessing.sharedctypes import RawValue


class SharedEpoch:
    """A number that one process sets and the workers it started see, also those that live on from epoch to epoch.

    A plain attribute would be copied when a worker starts: workers that live on (`persistent_workers=True`) would
    repeat the flips of their first epoch for ever.
    """

    def __init__(self, value: int = 0) -> None:
        self._cell: c_int64 = _cell(value)

    @property
    def value(self) -> int:
        """The epoch."""
        return self._cell.value

    @value.setter
    def value(self, value: int) -> None:
        self._cell.value = value

    def __getstate__(self) -> object:
        # Shared memory can be handed only to a process that is being started; any other copy gets the number.
        return self._cell if get_spawning_popen() is not None else self.value

    def __setstate__(self, state: c_int64 | int) -> None:
        self._cell = _cell(state) if isinstance(state, int) else state


def _cell(value: int) -> c_int64:
    # No lock: one process writes, and a machine word is never seen half written.
    return RawValue(c_int64, value)
