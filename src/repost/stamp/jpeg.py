"""What a JPEG leaves of pixels: in rehearsals, in training and in evaluation."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray


def saved_as_jpeg(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Save pixels with Pillow's defaults (libjpeg's tables, 4:2:0) and read them again.

    Args:
        pixels: uint8 HWC RGB, or HW grey.
        quality: 1 to 100.

    Returns:
        Of the same shape.
    """
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))
