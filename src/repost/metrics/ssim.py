"""Structural similarity of two pictures.

Source: Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment: from error visibility to
structural similarity", IEEE Transactions on Image Processing 13(4), 2004: window, K1, K2 and the formula (13).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from repost.core.errors import UsageError
from repost.metrics.fidelity import check_comparable

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIGMA_PX = 1.5
_RADIUS_PX = 5  # an 11x11 window
_C1 = (0.01 * 255) ** 2
_C2 = (0.03 * 255) ** 2
_STRIP_PX = 128  # rows filtered at a time, so that the work stays in cache and memory does not grow with height

_WEIGHTS = np.exp(-(np.arange(-_RADIUS_PX, _RADIUS_PX + 1) ** 2) / (2 * _SIGMA_PX**2))
_KERNEL = _WEIGHTS / _WEIGHTS.sum()


def ssim(first: NDArray[np.uint8], second: NDArray[np.uint8], *, mask: NDArray[np.bool_] | None = None) -> float:
    """Mean structural similarity over positions and colour channels.

    Args:
        first: uint8, HWC, RGB.
        second: uint8, HWC, RGB, of the same size.
        mask: bool, (height, width); True leaves a pixel out: every window that touches it is left out.

    Returns:
        -1 to 1; 1.0 for equal pictures.

    Raises:
        InvalidPixels: A picture is not uint8 HWC RGB.
        UsageError: The sizes differ, the mask does not fit, or no window is free of it.

    Convention:
        scikit-image's `structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        data_range=255, channel_axis=-1)`: Gaussian 11x11 window, windows that cross the border left out. Along a side
        shorter than 11 px, where none would be left, edges are mirrored (d c b a | a b c d) and all positions count.
    """
    check_comparable(first, second, mask)
    height_px, width_px = first.shape[:2]
    rows, columns = _inner(height_px), _inner(width_px)
    counted = None if mask is None else ~_touched(mask)[rows, columns]
    if counted is not None and not counted.any():
        raise UsageError("got a mask that touches every 11x11 window, expected at least one window left to compare")
    total = 0.0
    for channel in range(3):
        for top in range(rows.start, rows.stop, _STRIP_PX):
            bottom = min(top + _STRIP_PX, rows.stop)
            similarity = _similarity(first[..., channel], second[..., channel], top, bottom)[:, columns]
            if counted is not None:
                similarity = similarity[counted[top - rows.start : bottom - rows.start]]
            total += float(similarity.sum())
    count = (rows.stop - rows.start) * (columns.stop - columns.start)
    return total / (3 * (count if counted is None else int(np.count_nonzero(counted))))


def _inner(side_px: int) -> slice:
    """The positions along a side at which the window counts."""
    margin_px = _RADIUS_PX if side_px > 2 * _RADIUS_PX else 0
    return slice(margin_px, side_px - margin_px)


def _similarity(first: NDArray[np.uint8], second: NDArray[np.uint8], top: int, bottom: int) -> NDArray[np.float64]:
    """SSIM at rows `top` to `bottom` of one channel."""
    start, stop = max(top - _RADIUS_PX, 0), min(bottom + _RADIUS_PX, len(first))
    x, y = first[start:stop].astype(np.float64), second[start:stop].astype(np.float64)
    wanted = slice(top - start, bottom - start)
    mean_x, mean_y = _blurred(x, wanted), _blurred(y, wanted)
    product = mean_x * mean_y
    power = mean_x * mean_x + mean_y * mean_y
    covariance = _blurred(x * y, wanted) - product
    variances = _blurred(x * x + y * y, wanted) - power
    return ((2 * product + _C1) * (2 * covariance + _C2)) / ((power + _C1) * (variances + _C2))


def _blurred(values: NDArray[np.float64], rows: slice) -> NDArray[np.float64]:
    """Values under the Gaussian window, edges mirrored, at some rows."""
    from scipy.ndimage import correlate1d  # costly to import, and many runs measure nothing

    vertical = correlate1d(values, _KERNEL, axis=0, mode="reflect")[rows]
    return correlate1d(vertical, _KERNEL, axis=1, mode="reflect")


def _touched(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Window centres whose window, clipped to the picture, holds a masked pixel."""
    from scipy.ndimage import maximum_filter

    return maximum_filter(mask, size=2 * _RADIUS_PX + 1, mode="constant", cval=False)
