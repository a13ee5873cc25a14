"""Which pixels are cut out, against the published rule written down a second time."""

import math

import numpy as np
import pytest

from repost.core.errors import InvalidBox, InvalidPixels, TooManyPixels, UsageError
from repost.faces import Box, Face, Square, aligned_crop, crop, square_around
from repost.faces.face import box_of, overlap


def by_the_published_rule(box, width, height, scale, least):
    """Corner and size of the square of FaceForensics++, in one dimension after the other and in fractions of pixels.

    Nothing of it is shared with the code: halves are floored from exact quotients, and clipping is by intervals.
    """
    left, top, right, bottom = box
    size = math.trunc(max(right - left, bottom - top) * scale)
    if least and size < least:
        size = least
    corner, room = [], []
    for first, last, extent in ((left, right, width), (top, bottom, height)):
        start = math.floor((first + last) / 2) - math.floor(size / 2)
        corner.append(start if start > 0 else 0)
        room.append(extent - corner[-1])
    return corner[0], corner[1], sorted([size, *room])[0]


def test_ten_thousand_squares_are_those_of_the_published_rule():
    rng = np.random.default_rng(5)
    cut = border = 0
    for _ in range(10_000):
        width, height = (int(side) for side in rng.integers(64, 4000, 2))
        left, top = int(rng.integers(-200, width)), int(rng.integers(-200, height))
        wide, high = (int(side) for side in rng.integers(2, 1200, 2))
        box = Box(left, top, left + wide - 1, top + high - 1)
        scale, least = float(rng.choice([1.0, 1.3, 1.5, 2.2])), int(rng.choice([0, 0, 100]))
        expected = by_the_published_rule(box, width, height, scale, least)
        if expected[2] < 1:
            with pytest.raises(InvalidBox):
                square_around(box, width, height, scale=scale, least_px=least)
            continue
        found = square_around(box, width, height, scale=scale, least_px=least)
        assert tuple(found) == expected
        cut += 1
        border += found.side < math.trunc(max(wide - 1, high - 1) * scale)
    assert cut > 9_000
    assert border > 1_000


def test_convention_a_worked_example():
    # 100 px wide: right - left is 99, times 1.3 is 128.7; the middle is (100 + 199) // 2 = 149.
    assert square_around(Box(100, 100, 199, 199), 640, 480) == Square(149 - 64, 149 - 64, 128)
    assert square_around(Box(560, 100, 639, 179), 640, 480).side == 640 - (599 - 102 // 2)


def test_a_crop_is_that_part_of_the_picture_and_not_a_view_of_it():
    pixels = np.random.default_rng(1).integers(0, 256, (90, 120, 3), np.uint8)
    cut = crop(pixels, (40, 30, 69, 59))
    left, top, side = square_around(Box(40, 30, 69, 59), 120, 90)
    assert np.array_equal(cut, pixels[top : top + side, left : left + side])
    assert not np.shares_memory(cut, pixels)


def test_a_box_outside_of_the_picture_is_told():
    with pytest.raises(InvalidBox, match=r"got the face box \[700, 10, 720, 30\], .* inside the picture of 640x480"):
        crop(np.zeros((480, 640, 3), np.uint8), Box(700, 10, 720, 30))
    with pytest.raises(InvalidBox, match=r"got the face box \[9, 9, 9, 9\], expected one larger than a pixel"):
        crop(np.zeros((48, 64, 3), np.uint8), Box(9, 9, 9, 9))
    with pytest.raises(InvalidPixels):
        crop(np.zeros((48, 64), np.uint8), Box(1, 1, 9, 9))


def eyes(angle_deg, middle, apart=20):
    radians = math.radians(angle_deg)
    dx, dy = apart / 2 * math.cos(radians), apart / 2 * math.sin(radians)
    one, other = (middle[0] - dx, middle[1] - dy), (middle[0] + dx, middle[1] + dy)
    return (one, other, middle, one, other)


def test_convention_level_eyes_leave_the_crop_as_it_is():
    pixels = np.random.default_rng(1).integers(0, 256, (90, 120, 3), np.uint8)
    face = Face(Box(40, 30, 69, 59), 1.0, eyes(0, (54, 40)))
    assert np.array_equal(aligned_crop(pixels, face), crop(pixels, face.box))


@pytest.mark.parametrize("angle_deg", [-70, -20, 10, 35, 90, 170])
def test_convention_eyes_are_level_afterwards(angle_deg):
    """Two bright dots where the eyes are: they come to lie in one row, the left one left, as far apart as before."""
    middle = (100.0, 100.0)
    points = eyes(angle_deg, middle, apart=40)
    rows, columns = np.mgrid[:200, :200]
    spots = sum(np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18) for x, y in points[:2])
    pixels = (spots[..., None].clip(0, 1) * np.full(3, 255)).astype(np.uint8)
    face = Face(Box(60, 60, 139, 139), 1.0, points)
    cut = aligned_crop(pixels, face)[..., 0].astype(float)
    halves = cut[:, : cut.shape[1] // 2], cut[:, cut.shape[1] // 2 :]
    places = []
    for half, offset in zip(halves, (0, cut.shape[1] // 2), strict=True):
        y, x = np.mgrid[: half.shape[0], : half.shape[1]]
        places.append(((x * half).sum() / half.sum() + offset, (y * half).sum() / half.sum()))
    (x1, y1), (x2, y2) = places
    assert abs(y1 - y2) < 0.3
    assert x2 - x1 == pytest.approx(40, abs=0.5)


def test_an_aligned_face_at_the_border_stays_in_the_middle():
    pixels = np.full((100, 100, 3), 200, np.uint8)
    face = Face(Box(0, 0, 39, 39), 1.0, eyes(0, (20, 15)))
    cut = aligned_crop(pixels, face)
    assert cut.shape == (50, 50, 3)
    assert (cut[:6, :6] == 0).all()
    assert (cut[8:, 8:] == 200).all()


def test_a_turned_square_has_no_more_pixels_than_a_picture_may():
    """No edge limits it: a hostile file of boxes would take all memory."""
    face = Face(Box(-20_000, -20_000, 20_000, 20_000), 1.0, eyes(0, (20, 15)))
    with pytest.raises(TooManyPixels, match="the square around the face at"):
        aligned_crop(np.zeros((64, 64, 3), np.uint8), face)
    with pytest.raises(TooManyPixels, match="at most 2,499"):
        aligned_crop(np.zeros((64, 64, 3), np.uint8), Face(Box(0, 0, 39, 39), 1.0, face.points), max_pixels=2499)


def test_a_face_without_points_cannot_be_aligned():
    with pytest.raises(UsageError, match="without points"):
        aligned_crop(np.zeros((64, 64, 3), np.uint8), Face(Box(1, 1, 9, 9), 1.0))


def test_convention_the_last_column_belongs_to_a_box():
    assert (Box(3, 4, 3, 4).width, Box(3, 4, 3, 4).area) == (1, 1)
    assert box_of(10.4, 20.6, 30.0, 30.0) == Box(10, 21, 39, 50)
    assert overlap(Box(0, 0, 9, 9), Box(5, 0, 14, 9)) == pytest.approx(50 / 150)
    assert overlap(Box(0, 0, 9, 9), Box(10, 0, 19, 9)) == 0
