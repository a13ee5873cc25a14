"""Change the colours of a picture of any mode and leave its alpha alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image

from repost.media.picture import Picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels: TypeAlias = NDArray[np.uint8]

_BAND_ROWS = 256
"""Rows worked on at a time, so that a large picture's differences take no memory of their own."""


def opaque_pixels(picture: Picture) -> Pixels:
    """The pixels as stored, alpha laid on white.

    Args:
        picture: Of any of its modes.

    Returns:
        uint8, HWC RGB, or HW of a grey picture; not turned.
    """
    return np.asarray(picture.flattened().image)


def with_changed_colours(picture: Picture, change: Callable[[Pixels], Pixels]) -> Picture:
    """Change what a viewer sees of a picture.

    Args:
        picture: Of any of its modes.
        change: Takes `opaque_pixels` and gives as many in return.

    Returns:
        The picture with every colour moved by what `change` did to it where it lay on white. Alpha is the same to the
        bit, and so are the colours of pixels that are wholly transparent.
    """
    before = opaque_pixels(picture)
    after = change(before)
    if picture.image.mode not in ("LA", "RGBA"):
        return picture.with_image(Image.fromarray(after))
    alpha = picture.image.getchannel("A")
    colours = np.array(picture.image.convert("RGB" if picture.image.mode == "RGBA" else "L"))
    visible = np.asarray(alpha) > 0
    for top in range(0, len(colours), _BAND_ROWS):
        band = slice(top, top + _BAND_ROWS)
        moved = after[band].astype(np.int16) - before[band]
        moved *= visible[band] if moved.ndim == 2 else visible[band, :, None]
        colours[band] = np.clip(colours[band] + moved, 0, 255).astype(np.uint8)
    image = Image.fromarray(colours)
    image.putalpha(alpha)
    return picture.with_image(image)
