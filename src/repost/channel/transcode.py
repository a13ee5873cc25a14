"""Write a JPEG's scans anew without touching its coefficients."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from repost.core.errors import EncodeFailed


def rewrite_scans(data: bytes, *, progressive: bool) -> bytes:
    """Losslessly rewrite a JPEG.

    Args:
        data: The file.
        progressive: Progressive scans by mozjpeg's lossless optimiser; otherwise baseline with optimised Huffman
            tables by libjpeg.

    Returns:
        The file with the same coefficients and tables, without its metadata segments.

    Raises:
        EncodeFailed: The file cannot be rewritten.
    """
    try:
        return _progressive(data) if progressive else _baseline(data)
    except (OSError, ValueError, RuntimeError) as error:
        raise EncodeFailed("jpeg", reason=f"lossless rewriting refused: {error}") from error


def _progressive(data: bytes) -> bytes:
    import mozjpeg_lossless_optimization as mozjpeg  # pyright: ignore[reportMissingTypeStubs]

    rewritten: bytes = mozjpeg.optimize(data)  # pyright: ignore[reportUnknownMemberType]
    return rewritten


def _baseline(data: bytes) -> bytes:
    import jpeglib  # pyright: ignore[reportMissingTypeStubs]

    library: Any = jpeglib
    with tempfile.TemporaryDirectory(prefix="repost-") as folder:  # jpeglib reads and writes paths only
        source, target = Path(folder) / "source.jpg", Path(folder) / "target.jpg"
        source.write_bytes(data)
        jpeg = library.read_dct(str(source))
        jpeg.write_dct(str(target), flags=["-PROGRESSIVE_MODE", "+OPTIMIZE_CODING"])
        return target.read_bytes()
