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


def resample(image: Image.Image, placement: Placement, *, kernel: str) -> Image.Image:
    """Resample an image.

    Args:
        image: Mode L, LA, RGB or RGBA; alpha is premultiplied while resampling, as Pillow does.
        placement: The result's size and the region that fills it.
        kernel: "lanczos", "bicubic", "bilinear" or "box" with Pillow's antialiased support, "area" or "box_gm".

    Returns:
        The image itself where nothing changes.

    Raises:
        UnsupportedMedia: A kernel that is for video only.
    """
    whole = (0.0, 0.0, float(image.width), float(image.height))
    if placement.size == image.size and placement.box == whole:
        return image
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

    Convention:
        "area" is OpenCV's INTER_AREA for shrinking: float32, one rounding at the end, half to even; an exact halving
        of both sides rounds half up, because OpenCV takes an integer path there. "box_gm" is GraphicsMagick's box
        filter: float64, each direction rounded half up to 8 bits.
    """
    left, top, right, bottom = (round(edge) for edge in placement.box)
    pixels = np.asarray(image.crop((left, top, right, bottom)))
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    out_width, out_height = placement.size
    weights: Any = _area_weights if kernel == "area" else _box_gm_weights
    precise = np.float32 if kernel == "area" else np.float64
    columns = pixels.reshape(height, width, channels).transpose(1, 0, 2).reshape(width, -1).astype(precise)
    mixed: NDArray[np.floating] = weights(width, out_width) @ columns
    if kernel == "box_gm":
        mixed = np.floor(mixed + 0.5)
    rows = mixed.reshape(out_width, height, channels).transpose(1, 0, 2).reshape(height, -1)
    mixed = weights(height, out_height) @ rows
    halved = width == 2 * out_width and height == 2 * out_height
    rounded = np.floor(mixed + 0.5) if halved or kernel == "box_gm" else np.rint(mixed)
    return Image.fromarray(rounded.clip(0, 255).astype(np.uint8).reshape((out_height, out_width, *pixels.shape[2:])))


@lru_cache(maxsize=16)
def _area_weights(source: int, target: int) -> csr_array[np.float32]:
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
def _box_gm_weights(source: int, target: int) -> csr_array[np.float64]:
    """Sparse (target, source) matrix: equal weights for the source pixels whose centre lies under a target pixel.

    Source: GraphicsMagick's resize.c. What decides ties, where a source centre lies exactly between two target
    pixels, is the order of its floating-point operations, which is kept here; 64 of 64 such places agree on real
    Telegram pictures.
    """
    from scipy.sparse import csr_array

    ratio = target / source
    support = max(0.5 / ratio, 0.5)
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
