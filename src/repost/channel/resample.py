"""Resampling with the kernels networks were found to use."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

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
        kernel: "lanczos", "bicubic", "bilinear" or "box" with Pillow's antialiased support, or "area".

    Returns:
        The image itself where nothing changes.

    Raises:
        UnsupportedMedia: A kernel that is for video only.
    """
    whole = (0.0, 0.0, float(image.width), float(image.height))
    if placement.size == image.size and placement.box == whole:
        return image
    if kernel == "area":
        return _area(image, placement)
    if kernel not in _PILLOW:
        raise UnsupportedMedia(
            "the profile", got=f"kernel '{kernel}'", expected=f"one of {', '.join([*_PILLOW, 'area'])}",
            remedy="that kernel is for video",
        )  # fmt: skip
    return image.resize(placement.size, _PILLOW[kernel], box=placement.box)


def _area(image: Image.Image, placement: Placement) -> Image.Image:
    """Weight source pixels by the area they cover in a target pixel.

    Convention: OpenCV's INTER_AREA for shrinking: horizontal pass first, float32, one rounding at the end, half to
    even; an exact halving of both sides rounds half up, because OpenCV takes an integer path there.
    """
    left, top, right, bottom = (round(edge) for edge in placement.box)
    pixels = np.asarray(image.crop((left, top, right, bottom)))
    height, width = pixels.shape[:2]
    planes = pixels.reshape(height, width, -1)
    out_width, out_height = placement.size
    across = _area_weights(width, out_width)
    down = _area_weights(height, out_height)
    channels = planes.shape[2]
    rows = across @ planes.transpose(1, 0, 2).reshape(width, -1).astype(np.float32)
    rows = rows.reshape(out_width, height, channels).transpose(1, 0, 2).reshape(height, -1)
    mixed: NDArray[np.float32] = (down @ rows).reshape(out_height, out_width, channels)
    halved = width == 2 * out_width and height == 2 * out_height
    rounded = np.floor(mixed + 0.5) if halved else np.rint(mixed)
    return Image.fromarray(rounded.clip(0, 255).astype(np.uint8).reshape((out_height, out_width, *pixels.shape[2:])))


@lru_cache(maxsize=16)
def _area_weights(source: int, target: int) -> csr_array[np.float32]:
    """Sparse (target, source) matrix of covered shares; each row adds up to one."""
    from scipy.sparse import csr_array

    edges = np.arange(target + 1) * (source / target)
    first = np.floor(edges[:-1] + 1e-9).astype(int)
    last = np.minimum(np.ceil(edges[1:] - 1e-9).astype(int), source)
    counts = last - first
    row = np.repeat(np.arange(target), counts)
    column: NDArray[np.int64] = (
        np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
    )
    covered = np.minimum(edges[row + 1], column + 1) - np.maximum(edges[row], column)
    weights = (covered / (source / target)).astype(np.float32)
    return csr_array((weights, (row, column)), shape=(target, source))
