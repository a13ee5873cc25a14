"""Photo, stamped photo and their difference, for the eye."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from repost.media.picture import Rgb8

AMPLIFIED = 20
"""Times the difference is shown, around middle grey: a change of 6 of 255 is almost white."""
_CELL_PX = 480
_LABEL_PX = 18
_GAP_PX = 6


@dataclass(frozen=True, slots=True)
class Compared:
    """A photograph and its stamped copy.

    Attributes:
        label: What is written above.
        cover: uint8, HWC, RGB.
        stamped: The same form and size.
    """

    label: str
    cover: Rgb8
    stamped: Rgb8


def amplified_difference(cover: Rgb8, stamped: Rgb8) -> Rgb8:
    """Stamped minus cover, times 20, on middle grey.

    Args:
        cover: uint8, HWC, RGB.
        stamped: The same form and size.

    Returns:
        uint8, HWC, RGB: 128 where nothing changed.
    """
    change = np.subtract(stamped, cover, dtype=np.int16)
    return np.clip(128 + AMPLIFIED * change, 0, 255).astype(np.uint8)


def contact_sheet(rows: Sequence[Compared]) -> Image.Image:
    """Rows of photo, stamped photo and 20 times their difference, each reduced to a width of at most 480 px.

    The difference is taken at full size; reducing it averages, so single pixels look weaker than they are.

    Args:
        rows: At least one.
    """
    cells = [
        [_cell(one.cover), _cell(one.stamped), _cell(amplified_difference(one.cover, one.stamped))] for one in rows
    ]
    heights = [row[0].height + _LABEL_PX + _GAP_PX for row in cells]
    sheet = Image.new("RGB", (3 * (_CELL_PX + _GAP_PX), sum(heights)), (255, 255, 255))
    draw = ImageDraw.Draw(sheet)
    top = 0
    for one, row, height_px in zip(rows, cells, heights, strict=True):
        text = f"{one.label}   |   stamped   |   difference x{AMPLIFIED}"
        draw.text((_GAP_PX, top + 3), text.encode("ascii", "replace").decode(), fill=(0, 0, 0))
        for number, cell in enumerate(row):
            sheet.paste(cell, (number * (_CELL_PX + _GAP_PX), top + _LABEL_PX))
        top += height_px
    return sheet


def _cell(pixels: Rgb8) -> Image.Image:
    image = Image.fromarray(pixels)
    image.thumbnail((_CELL_PX, _CELL_PX), Image.Resampling.LANCZOS)
    return image
