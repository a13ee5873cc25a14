"""Resampling with the kernels networks were found to use."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from repost.channel.sizes import Placement
from repost.core.errors import UnsupportedMedia

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

_PILLOW = {
    "lanczos": Image.Resampling.LANCZOS,
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "box": Image.Resampling.BOX,
}

_PREMULTIPLIED = {"LA": "La", "RGBA": "RGBa"}
"""Pillow's modes for colour that is multiplied by its alpha."""

_STRIP_VALUES = 1 << 20
"""Pixels x channels that are floats at a time; one target row may need more."""


def resample(image: Image.Image, placement: Placement, *, kernel: str) -> Image.Image:
    """Resample an image.

    Args:
        image: Mode L, LA, RGB or RGBA; alpha is premultiplied while resampling, as Pillow does.
        placement: The result's size and the region that fills it.
        kernel: "lanczos", "bicubic", "bilinear" or "box" with Pillow's antialiased support, "area" or "box_gm".

    Returns:
        The image itself where nothing changes; the region's own pixels where it is only cut out.

    Raises:
        UnsupportedMedia: A kernel that is for video only.
    """
    left, top, right, bottom = placement.box
    if placement.size == (right - left, bottom - top):
        return image if placement.size == image.size else image.crop(placement.box)
    if kernel in ("area", "box_gm"):
        return _weighted(image, placement, kernel)
    if kernel not in _PILLOW:
        raise UnsupportedMedia(
            "the profile", got=f"kernel '{kernel}'", expected=f"one of {', '.join([*_PILLOW, 'area', 'box_gm'])}",
            remedy="that kernel is for video",
        )  # fmt: skip
    return image.resize(placement.size, _PILLOW[kernel], box=placement.box)


def _weighted(image: Image.Image, placement: Placement, kernel: str) -> Image.Image:
    """Apply a weight for every source and target pixel, columns first, then rows.

    Block by block of target rows, so that memory holds a few strips of floats, never the whole picture. A target row
    sums the same numbers in the same order whatever block it falls in, so the blocks do not show.

    Convention:
        "area" is OpenCV's INTER_AREA for shrinking: float32, one rounding at the end, half to even; an exact halving
        of both sides rounds half up, because OpenCV takes an integer path there. "box_gm" is GraphicsMagick's box
        filter: float64, each direction rounded half up to 8 bits.

        Enlarging, "area" still weighs by covered area, so that every target pixel is one source pixel or a mix of the
        two it straddles; OpenCV interpolates there instead. "box_gm" repeats the nearest source pixel, and of two as
        near the left or upper, as GraphicsMagick does.
    """
    left, top, right, bottom = placement.box
    width, height = right - left, bottom - top
    out_width, out_height = placement.size
    mode = _PREMULTIPLIED.get(image.mode, image.mode)
    channels = len(image.getbands())
    weights: Any = area_weights if kernel == "area" else box_gm_weights
    across, down = weights(width, out_width), weights(height, out_height)
    halved = width == 2 * out_width and height == 2 * out_height
    half_up = halved or kernel == "box_gm"
    served = np.empty((out_height, out_width, channels), np.uint8)
    tallest = _STRIP_VALUES // (max(width, out_width) * channels)  # px, of the source or the target
    block = max(1, tallest * out_height // max(height, out_height))
    for start in range(0, out_height, block):
        part = down[start : start + block]
        first, last = int(part.indices.min()), int(part.indices.max()) + 1
        strip = image.crop((left, top + first, right, top + last)).convert(mode)
        pixels = np.asarray(strip).reshape(last - first, width, channels)
        columns = pixels.transpose(1, 0, 2).reshape(width, -1).astype(across.dtype)
        mixed: NDArray[np.floating] = across @ columns
        if kernel == "box_gm":
            mixed = np.floor(mixed + 0.5)
        rows = mixed.reshape(out_width, last - first, channels).transpose(1, 0, 2).reshape(last - first, -1)
        mixed = part[:, first:last] @ rows
        rounded = np.floor(mixed + 0.5) if half_up else np.rint(mixed)
        served[start : start + block] = rounded.clip(0, 255).reshape(-1, out_width, channels)
    return Image.frombuffer(mode, placement.size, served, "raw", mode, 0, 1).convert(image.mode)


@lru_cache(maxsize=16)
def area_weights(source: int, target: int) -> csr_array[np.float32]:
    """Sparse (target, source) matrix of covered shares; each row adds up to one."""
    from scipy.sparse import csr_array

    edges = np.arange(target + 1) * (source / target)
    first = np.floor(edges[:-1] + 1e-9).astype(int)
    last = np.minimum(np.ceil(edges[1:] - 1e-9).astype(int), source)
    row, column = _pairs(first, last)
    covered = np.minimum(edges[row + 1], column + 1) - np.maximum(edges[row], column)
    weights = (covered / (source / target)).astype(np.float32)
    return csr_array((weights, (row, column)), shape=(target, source))


@lru_cache(maxsize=16)
def box_gm_weights(source: int, target: int) -> csr_array[np.float64]:
    """Sparse (target, source) matrix: equal weights for the source pixels whose centre lies under a target pixel.

    Source: GraphicsMagick's resize.c. What decides ties, where a source centre lies exactly between two target
    pixels, is the order of its floating-point operations, which is kept here; 64 of 64 such places agree on real
    Telegram pictures.
    """
    from scipy.sparse import csr_array

    ratio = target / source
    support = 0.5 / ratio if ratio < 1 else 0.5 + 1e-12  # GraphicsMagick's epsilon: a tie is then never out of reach
    centre = (np.arange(target) + 0.5) / ratio
    first = np.maximum(centre - support + 0.5, 0).astype(int)
    last = np.minimum(centre + support + 0.5, source).astype(int)
    row, column = _pairs(first, last)
    offset = (column - centre[row] + 0.5) * min(ratio, 1.0)
    under = (offset >= -0.5) & (offset < 0.5)
    row, column = row[under], column[under]
    weights = 1 / np.bincount(row, minlength=target)[row]
    return csr_array((weights, (row, column)), shape=(target, source))


def _pairs(first: NDArray[np.int64], last: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every (target, source) pair, given the first source pixel of each target and the one after its last."""
    counts = last - first
    row: NDArray[np.int64] = np.repeat(np.arange(len(counts)), counts)
    before: NDArray[np.int64] = np.cumsum(counts) - counts
    return row, np.arange(int(counts.sum())) + np.repeat(first - before, counts)
