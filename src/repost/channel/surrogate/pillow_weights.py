"""The integers Pillow resamples 8-bit pictures with.

Source: Pillow's Resample.c. The order of every floating-point operation is kept, because it decides what the weights
round to.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    Floats = NDArray[np.float64]

PRECISION_BITS = 22
"""Weights are whole multiples of 2^-22: 32 bits less 8 of the pixel and 2 of headroom."""

_VERSION = tuple(int(number) for number in PIL.__version__.split(".")[:2])


def down_comes_first(source: tuple[int, int], target: tuple[int, int]) -> bool:
    """Whether rows are resampled before columns, which decides what the rounding between the passes meets.

    Pillow from 13 on does so where the height loses more than twice the pixels that the width does, whatever the box;
    12.3 where a picture that is over 100 times as high as wide loses height; earlier ones never.

    Args:
        source: Width and height of the whole picture.
        target: Width and height of the result.
    """
    lost_width, lost_height = source[0] - target[0], source[1] - target[1]
    if lost_height <= 0 or _VERSION < (12, 3):
        return False
    return lost_height > 2 * lost_width if _VERSION >= (13, 0) else source[1] > 100 * source[0]


def pillow_weights(source: int, target: int, *, kernel: str, start: int, stop: int) -> csr_array[np.float64]:
    """Pillow's fixed-point weights along one axis.

    Args:
        source: Pixels of the whole picture; a box's outer neighbours are resampled too where the picture has them.
        target: Pixels of the result.
        kernel: A key of `KERNELS`.
        start: First pixel of the box.
        stop: The pixel after the box's last.

    Returns:
        Sparse (target, source) matrix of whole numbers; each row adds up to 2^22 or a few less or more.
    """
    from scipy.sparse import csr_array

    reach, weigh = KERNELS[kernel]
    scale = (stop - start) / target
    stretch = max(scale, 1.0)
    support = reach * stretch
    centre = start + (np.arange(target) + 0.5) * scale
    first = np.maximum((centre - support + 0.5).astype(int), 0)
    last = np.minimum((centre + support + 0.5).astype(int), source)
    tap = np.arange(int((last - first).max()))
    pixel = first[:, None] + tap
    weights = np.where(pixel < last[:, None], weigh((pixel - centre[:, None] + 0.5) * (1 / stretch)), 0.0)
    weights /= np.cumsum(weights, axis=1)[:, -1:]  # not sum(), which adds in another order than Pillow
    fixed = np.trunc(weights * (1 << PRECISION_BITS) + np.copysign(0.5, weights))
    row, used = np.nonzero(fixed)
    return csr_array((fixed[row, used], (row, pixel[row, used])), shape=(target, source))


def _lanczos(offset: Floats) -> Floats:
    return np.where((offset >= -3) & (offset < 3), _sinc(offset) * _sinc(offset / 3), 0.0)


def _sinc(offset: Floats) -> Floats:
    angle: Floats = offset * math.pi
    # The C library's sine, as Pillow's: NumPy's own may differ in the last bit.
    sine = np.fromiter(map(math.sin, angle.ravel().tolist()), np.float64, angle.size).reshape(angle.shape)
    return np.divide(sine, angle, out=np.ones_like(angle), where=angle != 0)


def _bicubic(offset: Floats) -> Floats:
    x, a = np.abs(offset), -0.5
    inner = ((a + 2.0) * x - (a + 3.0)) * x * x + 1
    outer = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, inner, np.where(x < 2, outer, 0.0))


def _bilinear(offset: Floats) -> Floats:
    return np.maximum(1 - np.abs(offset), 0.0)


def _box(offset: Floats) -> Any:  # noqa: ANN401 - NumPy's own type of a comparison
    return ((offset > -0.5) & (offset <= 0.5)).astype(np.float64)


KERNELS: dict[str, tuple[float, Callable[[Floats], Floats]]] = {
    "lanczos": (3.0, _lanczos),
    "bicubic": (2.0, _bicubic),
    "bilinear": (1.0, _bilinear),
    "box": (0.5, _box),
}
"""Kernels by name: reach in source pixels at scale one, and the function."""
