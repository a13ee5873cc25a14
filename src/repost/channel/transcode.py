"""Write a JPEG's scans anew without touching its coefficients."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repost.core.errors import UnreadableMedia

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LARGEST = 1024
"""Bound of an 8-bit JPEG's quantised coefficients: libjpeg's MAX_COEF_BITS is 10."""


def rewrite_scans(data: bytes, *, progressive: bool, name: str = "the JPEG data") -> bytes:
    """Losslessly rewrite a JPEG.

    Args:
        data: The file.
        progressive: Progressive scans by mozjpeg's lossless optimiser; otherwise baseline with optimised Huffman
            tables by libjpeg.
        name: What error messages call it.

    Returns:
        The file with the same coefficients and tables, without its metadata segments.

    Raises:
        UnreadableMedia: The file is damaged in a way that decoders overlook.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="repost-") as folder:  # jpeglib reads and writes paths only
            path = Path(folder) / "source.jpg"
            path.write_bytes(data)
            return _progressive(data, path) if progressive else _baseline(path)
    except (OSError, ValueError, RuntimeError) as error:
        raise UnreadableMedia(name, reason="libjpeg cannot read its coefficients") from error


def _progressive(data: bytes, path: Path) -> bytes:
    import jpeglib  # pyright: ignore[reportMissingTypeStubs]
    import mozjpeg_lossless_optimization as mozjpeg  # pyright: ignore[reportMissingTypeStubs]

    library: Any = jpeglib
    # Entropy coders refuse larger coefficients, which damaged files can hold, and mozjpeg's way of refusing is to end
    # the process.
    coefficients = library.read_dct(str(path))
    planes = (coefficients.Y, coefficients.Cb, coefficients.Cr, coefficients.K)
    if not all(plane is None or _codable(plane) for plane in planes):
        raise ValueError("a coefficient is out of range; the file is damaged")
    rewritten: bytes = mozjpeg.optimize(data)  # pyright: ignore[reportUnknownMemberType]
    return rewritten


def _codable(plane: NDArray[np.int16]) -> bool:
    """Whether an entropy coder takes every coefficient; only the first of a block, the DC, may be the bound itself."""
    if plane.min() >= -LARGEST and plane.max() < LARGEST:
        return not (plane == -LARGEST).any() or not (plane.reshape(-1, 64)[:, 1:] == -LARGEST).any()
    return False


def _baseline(path: Path) -> bytes:
    import jpeglib  # pyright: ignore[reportMissingTypeStubs]

    library: Any = jpeglib
    target = path.with_name("target.jpg")
    library.read_dct(str(path)).write_dct(str(target), flags=["-PROGRESSIVE_MODE", "+OPTIMIZE_CODING"])
    return target.read_bytes()
