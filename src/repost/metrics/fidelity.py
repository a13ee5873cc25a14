"""How far two pictures are apart, pixel by pixel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from repost.core.errors import InvalidPixels, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PEAK = 255


def psnr_db(first: NDArray[np.uint8], second: NDArray[np.uint8], *, mask: NDArray[np.bool_] | None = None) -> float:
    """Peak signal-to-noise ratio.

    Args:
        first: uint8, HWC, RGB.
        second: uint8, HWC, RGB, of the same size.
        mask: bool, (height, width); True leaves a pixel out, as under a watermark.

    Returns:
        10 log10(255^2 / MSE) in dB, the mean squared error taken over pixels and channels alike; inf for equal
        pictures.

    Raises:
        InvalidPixels: A picture is not uint8 HWC RGB.
        UsageError: The sizes differ, the mask does not fit, or it leaves nothing to compare.
    """
    differences = _differences(first, second, mask)
    squared_error = int(np.square(differences, dtype=np.int32).sum(dtype=np.int64))
    return 10 * math.log10(_PEAK**2 * differences.size / squared_error) if squared_error else math.inf


def mean_absolute_difference(
    first: NDArray[np.uint8], second: NDArray[np.uint8], *, mask: NDArray[np.bool_] | None = None
) -> float:
    """Mean absolute difference of the 8-bit values.

    Args:
        first: uint8, HWC, RGB.
        second: uint8, HWC, RGB, of the same size.
        mask: bool, (height, width); True leaves a pixel out.

    Returns:
        The mean over pixels and channels, 0 to 255.

    Raises:
        InvalidPixels: A picture is not uint8 HWC RGB.
        UsageError: The sizes differ, the mask does not fit, or it leaves nothing to compare.
    """
    differences = _differences(first, second, mask)
    return int(np.abs(differences).sum(dtype=np.int64)) / differences.size


def exact_share(first: NDArray[np.uint8], second: NDArray[np.uint8], *, mask: NDArray[np.bool_] | None = None) -> float:
    """Share of pixels that are equal in every channel.

    Args:
        first: uint8, HWC, RGB.
        second: uint8, HWC, RGB, of the same size.
        mask: bool, (height, width); True leaves a pixel out.

    Returns:
        0 to 1; exactly 1.0 only when every compared pixel is equal.

    Raises:
        InvalidPixels: A picture is not uint8 HWC RGB.
        UsageError: The sizes differ, the mask does not fit, or it leaves nothing to compare.
    """
    check_comparable(first, second, mask)
    equal = (first[..., 0] == second[..., 0]) & (first[..., 1] == second[..., 1]) & (first[..., 2] == second[..., 2])
    if mask is not None:
        equal = equal[~mask]
    return int(np.count_nonzero(equal)) / equal.size


def check_comparable(
    first: NDArray[np.uint8], second: NDArray[np.uint8], mask: NDArray[np.bool_] | None = None
) -> None:
    """Refuse two pictures that cannot be compared.

    Args:
        first: Should be uint8, HWC, RGB.
        second: Should be uint8, HWC, RGB, of the same size.
        mask: Should be bool, (height, width), with a False in it.

    Raises:
        InvalidPixels: A picture is not uint8 HWC RGB.
        UsageError: The sizes differ, the mask does not fit, or it leaves nothing to compare.
    """
    for pixels in (first, second):
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.size == 0:
            raise InvalidPixels(got=f"{pixels.dtype} {pixels.shape}")
    if first.shape != second.shape:
        raise UsageError(f"got pictures of {first.shape} and {second.shape}, expected equal sizes; resize or crop one")
    if mask is None:
        return
    if mask.dtype != np.bool_ or mask.shape != first.shape[:2]:
        raise UsageError(f"got a mask of {mask.dtype} {mask.shape}, expected bool {first.shape[:2]}")
    if mask.all():
        raise UsageError("got a mask that covers every pixel, expected at least one pixel left to compare")


def _differences(
    first: NDArray[np.uint8], second: NDArray[np.uint8], mask: NDArray[np.bool_] | None
) -> NDArray[np.int16]:
    check_comparable(first, second, mask)
    if mask is not None:
        first, second = first[~mask], second[~mask]
    return np.subtract(first, second, dtype=np.int16)
