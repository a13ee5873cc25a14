"""The level that an H.264 stream of its size and frame rate needs, which encoders choose by themselves."""

from __future__ import annotations

import math

_LEVELS = (
    ("1.0", 1485, 99, 396), ("1.1", 3000, 396, 900), ("1.2", 6000, 396, 2376), ("1.3", 11880, 396, 2376),
    ("2.0", 11880, 396, 2376), ("2.1", 19800, 792, 4752), ("2.2", 20250, 1620, 8100), ("3.0", 40500, 1620, 8100),
    ("3.1", 108000, 3600, 18000), ("3.2", 216000, 5120, 20480), ("4.0", 245760, 8192, 32768),
    ("4.2", 522240, 8704, 34816), ("5.0", 589824, 22080, 110400), ("5.1", 983040, 36864, 184320),
    ("5.2", 2073600, 36864, 184320), ("6.0", 4177920, 139264, 696320), ("6.1", 8355840, 139264, 696320),
    ("6.2", 16711680, 139264, 696320),
)  # fmt: skip
"""Name, macroblocks a second, macroblocks of a frame, and of the decoded picture buffer (ITU-T H.264, table A-1).
4.1 differs from 4.0 in bitrate only."""

_PYRAMID_FRAMES = 4
"""Decoded pictures that x264 keeps where B-frames may refer to B-frames, its default."""


def needed_level(size: tuple[int, int], *, fps: float, references: int, b_frames: int) -> str:
    """The lowest level that allows a stream, its bitrate left out of account.

    Args:
        size: Width and height in pixels.
        fps: Frames a second.
        references: Reference frames.
        b_frames: Most B-frames in a row.

    Returns:
        Such as "3.1"; the highest where none allows it.
    """
    macroblocks = math.ceil(size[0] / 16) * math.ceil(size[1] / 16)
    kept = max(references, _PYRAMID_FRAMES if b_frames > 1 else 1 + (b_frames > 0))
    for name, rate, frame, buffer in _LEVELS:
        if macroblocks * fps <= rate and macroblocks <= frame and macroblocks * kept <= buffer:
            return name
    return _LEVELS[-1][0]
