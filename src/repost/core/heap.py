"""How glibc hands out memory, for codecs whose speed or output depends on it.

Elsewhere (musl, macOS, Windows) both functions do nothing: pictures take a little longer, and x264 may give videos
whose sides are no multiples of 16 other bytes after other work in the same process.
"""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_PERTURB = -1, -3, -6  # glibc's malloc.h

_KEPT_BYTES = 256 << 20
_LARGEST_THRESHOLD = 32 << 20  # the most that glibc takes

_current: dict[int, int] = {}


def keep_freed_memory() -> None:
    """Let what one picture frees be kept for the next: mapping fresh pages cost a tenth of the run.

    Pillow allocates large pictures in blocks of 16 MB, so those are kept as well. What is free at the end of the heap
    above 256 MB is given back.
    """
    _set(_M_TRIM_THRESHOLD, _KEPT_BYTES)
    _set(_M_MMAP_THRESHOLD, _LARGEST_THRESHOLD)
    _set(_M_PERTURB, 0)


def fresh_memory() -> None:
    """Let every block that is handed out hold zeros.

    x264's lookahead (macroblock tree, with assembly) reads memory it never wrote: beyond frames whose sides are no
    multiples of 16, and in small frames elsewhere too. What it finds there changes its output by up to a percent; zeros
    are what it finds in a process that did nothing else. glibc fills new blocks with the complement of M_PERTURB.
    """
    _set(_M_PERTURB, 0xFF)


def _set(parameter: int, value: int) -> None:
    if _current.get(parameter) == value:
        return  # glibc tidies all its lists at every call
    _current[parameter] = value
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:  # musl has none
        mallopt(parameter, value)
