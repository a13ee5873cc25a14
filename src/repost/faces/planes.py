"""Grey planes and scaled pictures, as detectors look at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np

from repost.core.extras import require

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repost.media.picture import Rgb8

Plane: TypeAlias = "NDArray[np.uint8]"
"""uint8 (height, width)."""

_Pixels = TypeVar("_Pixels", bound="NDArray[np.uint8]")


def grey(pixels: Rgb8) -> Plane:
    """The luma of a picture by OpenCV, as the published pipelines have it (BT.601)."""
    cv2 = require("cv2", extra="faces")
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)


def resized(pixels: _Pixels, factor: float) -> _Pixels:
    """A picture or plane scaled bilinearly to the nearest whole size, at least 1 px; itself at a factor of 1.

    Args:
        pixels: uint8 (height, width) or (height, width, 3).
        factor: More than 0.

    Convention:
        Not smoothed when it is made smaller: dlib's detector finds the same faces, and it takes half the time.
    """
    if factor == 1:
        return pixels
    cv2 = require("cv2", extra="faces")
    size = tuple(max(1, round(side * factor)) for side in pixels.shape[1::-1])
    return cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR)
