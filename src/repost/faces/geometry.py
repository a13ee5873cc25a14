"""Which part of a picture is cut out around a face."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from repost.core.errors import InvalidBox, TooManyPixels, UsageError
from repost.faces.face import Box, Face
from repost.media.picture import from_rgb8
from repost.media.read import max_pixels_allowed

if TYPE_CHECKING:
    from repost.media.picture import Rgb8

SCALE = 1.3
"""How much larger than the face the square is in FaceForensics++ (Roessler and others 2019, section 4)."""


class Square(NamedTuple):
    """A square of whole pixels inside a picture.

    Attributes:
        left: First column.
        top: First row.
        side: Columns and rows.
    """

    left: int
    top: int
    side: int

    def of(self, pixels: Rgb8) -> Rgb8:
        """What a picture shows there, a copy."""
        return np.array(pixels[self.top : self.top + self.side, self.left : self.left + self.side])


def square_around(box: Box, width: int, height: int, *, scale: float = SCALE, least_px: int = 0) -> Square:
    """The square that FaceForensics++ cuts out around a face.

    Args:
        box: Of the face.
        width: Of the picture, in pixels.
        height: Of the picture.
        scale: Times the longer side of the box.
        least_px: The square is at least so large, where the picture has room.

    Returns:
        The square; where it would reach over the right or lower edge it is made smaller from that side, so that a face
        at the border is not in the middle of it.

    Raises:
        InvalidBox: No pixel of the square is in the picture.

    Convention:
        The rule of FaceForensics++ (`classification/detect_from_video.py`), in whole numbers: the side is the longer of
        right - left and bottom - top (one less than dlib's width and height) times `scale`, cut to a whole number; the
        middle is half of left + right and of top + bottom, rounded down; the corner is the middle minus half of the
        side, rounded down, and not before the first column and row; then the side is limited to what is left of the
        picture to the right and below.
    """
    side = max(int(max(box.right - box.left, box.bottom - box.top) * scale), least_px)
    left = max(0, (box.left + box.right) // 2 - side // 2)
    top = max(0, (box.top + box.bottom) // 2 - side // 2)
    fitting = min(side, width - left, height - top)
    if fitting < 1:
        raise InvalidBox(box, width=width, height=height)
    return Square(left, top, fitting)


def crop(pixels: Rgb8, box: Box, *, scale: float = SCALE, least_px: int = 0) -> Rgb8:
    """Cut a face out as FaceForensics++ does.

    Args:
        pixels: uint8 HWC RGB.
        box: Of the face.
        scale: See `square_around`.
        least_px: See `square_around`.

    Returns:
        uint8 HWC RGB, square, at the picture's own resolution.

    Raises:
        InvalidPixels: `pixels` is in another form.
        InvalidBox: No pixel of the square is in the picture.
    """
    from_rgb8(pixels)
    height, width = pixels.shape[:2]
    return square_around(Box(*box), width, height, scale=scale, least_px=least_px).of(pixels)


def aligned_crop(
    pixels: Rgb8, face: Face, *, scale: float = SCALE, least_px: int = 0, max_pixels: int | None = None
) -> Rgb8:
    """Cut a face out turned so that its eyes are level.

    Args:
        pixels: uint8 HWC RGB.
        face: With points.
        scale: See `square_around`.
        least_px: See `square_around`.
        max_pixels: Limit on what comes out, which no edge limits; that of pictures when None.

    Returns:
        uint8 HWC RGB, square.

    Raises:
        InvalidPixels: `pixels` is in another form.
        InvalidBox: The box is empty, or its middle is not in the picture.
        TooManyPixels: The square is larger than the limit.
        UsageError: The face has no points.

    Convention:
        A similarity transform without a change of size: with a = atan2(y2 - y1, x2 - x1) of the eyes (x1, y1) and
        (x2, y2), a pixel at (u, v) from the middle of the result is the picture's at (u cos a - v sin a, u sin a +
        v cos a) from the middle of the square that `square_around` gives without an edge; bilinear, black beyond the
        edges. The square is not made smaller at the border, so that the face stays in the middle. At an angle of 0 and
        away from the border this is `crop`.
    """
    if face.points is None:
        raise UsageError("got a face without points, expected five; take a detector that gives points")
    picture, box = from_rgb8(pixels).image, face.box
    middle_x, middle_y = (box.left + box.right) // 2, (box.top + box.bottom) // 2
    side = max(int(max(box.right - box.left, box.bottom - box.top) * scale), least_px)
    if side < 1 or not (0 <= middle_x < picture.width and 0 <= middle_y < picture.height):
        raise InvalidBox(box, width=picture.width, height=picture.height)
    limit = max_pixels_allowed() if max_pixels is None else max_pixels
    if side * side > limit:
        raise TooManyPixels(f"the square around the face at {list(box)}", pixel_count=side * side, limit=limit)
    (x1, y1), (x2, y2) = face.points[:2]
    angle = math.atan2(y2 - y1, x2 - x1)
    cos, sin = math.cos(angle), math.sin(angle)
    # Pillow asks for each pixel of the result where it comes from, and counts from corners, not from middles of pixels.
    half = side / 2
    centre_x, centre_y = middle_x - side // 2 + half, middle_y - side // 2 + half
    into = (cos, -sin, centre_x - cos * half + sin * half, sin, cos, centre_y - sin * half - cos * half)
    turned = picture.transform((side, side), Image.Transform.AFFINE, into, Image.Resampling.BILINEAR)
    return np.asarray(turned)
