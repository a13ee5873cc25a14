"""PNG written fast, for many small pictures. Pillow tries five filters for every line, and takes twice as long."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from repost.media.picture import Rgb8

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_UP = 2
"""The filter "up" for every line: of those without branches, the one that leaves photographs smallest."""
_MOST_MEMORY = 9
"""zlib's name for 256 KiB."""


def png_bytes(pixels: Rgb8) -> bytes:
    """Encode a picture without loss.

    Args:
        pixels: uint8 HWC RGB, at least 1 x 1.

    Returns:
        An 8-bit RGB PNG without metadata; a photograph is an eighth larger than from Pillow at its fastest.
    """
    height, width, _ = pixels.shape
    values = pixels.reshape(height, -1)
    lines = np.empty((height, 1 + values.shape[1]), np.uint8)
    lines[:, 0] = _UP
    lines[0, 1:] = values[0]
    np.subtract(values[1:], values[:-1], out=lines[1:, 1:])
    # Run lengths find what flat parts have; searching for longer repeats takes longer and finds little in photographs.
    deflate = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, _MOST_MEMORY, zlib.Z_RLE)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = deflate.compress(lines.data) + deflate.flush()
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
