"""Marks that a network draws: found where they are, and everything else judged without them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from jpeg_samples import save
from pair_samples import photo
from repost.estimation.images.overlay import find_overlay, overlay_step
from repost.estimation.images.pair import examine_pair

SIZE = (400, 300)
MARK = (60, 24)
MARGIN = 12
CORNERS = {
    "top_left": (MARGIN, MARGIN),
    "top_right": (SIZE[0] - MARK[0] - MARGIN, MARGIN),
    "bottom_left": (MARGIN, SIZE[1] - MARK[1] - MARGIN),
    "bottom_right": (SIZE[0] - MARK[0] - MARGIN, SIZE[1] - MARK[1] - MARGIN),
}
SMEAR_PX = 32
"""How far a mark's edges reach in a JPEG: the MCU of 16 px it touches, and the chroma beside it."""


def marked(picture, corner):
    """The picture with a striped mark in a corner."""
    stripes = np.zeros((MARK[1], MARK[0], 3), np.uint8)
    stripes[:, ::4] = 255
    picture = picture.copy()
    picture.paste(Image.fromarray(stripes), CORNERS[corner])
    return picture


@pytest.mark.parametrize("corner", CORNERS)
def test_a_mark_is_found_and_the_rest_is_exact(corner):
    upload = photo(*SIZE)
    found = examine_pair(save(upload, "PNG"), save(marked(upload, corner), quality=85), name="pair")
    assert found.overlay is not None
    left, top, right, bottom = found.overlay
    x, y = CORNERS[corner]
    assert x - SMEAR_PX <= left <= x
    assert y - SMEAR_PX <= top <= y
    assert x + MARK[0] <= right <= x + MARK[0] + SMEAR_PX
    assert y + MARK[1] <= bottom <= y + MARK[1] + SMEAR_PX
    assert found.agreement is not None
    assert found.agreement.exact_share == 1
    assert (found.treatment.quality, found.treatment.subsampling) == (85, "4:2:0")


def test_settings_are_told_in_spite_of_the_mark():
    """A kernel and a decoder's chroma are found by comparing pixels, and the mark must not drown them."""
    upload = photo(600, 400)
    small = upload.resize(SIZE, Image.Resampling.BICUBIC)
    served = save(marked(small, "bottom_right"), quality=85, subsampling="4:4:4")
    found = examine_pair(save(upload, "PNG"), served, name="pair")
    assert found.overlay is not None
    assert (found.treatment.kernel, found.treatment.quantiser) == ("bicubic", "libjpeg")
    assert found.agreement is not None
    assert found.agreement.exact_share == 1


def test_an_exact_picture_has_no_mark():
    upload = photo(*SIZE)
    assert examine_pair(save(upload, "PNG"), save(upload, quality=85), name="pair").overlay is None


def test_a_changed_picture_has_no_mark():
    """A network that brightens pictures draws nothing, although nothing is reproduced."""
    upload = photo(*SIZE)
    found = examine_pair(save(upload, "PNG"), save(upload.point(lambda level: min(255, level + 9))), name="pair")
    assert found.overlay is None
    assert found.agreement is not None
    assert found.agreement.exact_share < 0.5


boxes = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 40), st.integers(1, 40))


@given(boxes)
def test_a_lone_region_in_a_corner_is_returned_as_it_is(box):
    left, top, width, height = box
    differs = np.zeros((200, 300), bool)
    differs[top : top + height, left : left + width] = True
    assert find_overlay(differs) == (left, top, left + width, top + height)


def test_scattered_and_large_differences_are_no_mark():
    differs = np.zeros((200, 300), bool)
    assert find_overlay(differs) is None
    differs[[3, 190], [3, 290]] = True
    assert find_overlay(differs) is None
    differs[:] = True
    assert find_overlay(differs) is None


places = st.lists(
    st.tuples(st.integers(200, 900), st.integers(200, 900), st.integers(0, 12), st.integers(0, 12)),
    min_size=2, max_size=6,
)  # fmt: skip


@settings(max_examples=40)
@given(places, st.sampled_from(sorted(CORNERS)))
def test_the_step_covers_every_mark_of_its_corner(found, corner):
    """Pictures of different sizes, marks that jitter a little, as the blocks around them do."""
    regions = []
    for width, height, x, y in found:
        left = 5 + x if "left" in corner else width - 45 - x
        top = 5 + y if "top" in corner else height - 25 - y
        regions.append(((left, top, left + 40, top + 20), (width, height)))
    step = overlay_step(regions)
    assert step is not None
    for (left, top, right, bottom), (width, height) in regions:
        x = step.margin_px if "left" in step.corner else width - step.margin_px - step.width_px
        y = step.margin_px if "top" in step.corner else height - step.margin_px - step.height_px
        assert x <= left <= right <= x + step.width_px
        assert y <= top <= bottom <= y + step.height_px


def test_a_mark_in_the_middle_is_centred():
    sizes = [(400, 300), (800, 900), (1000, 500)]
    regions = [((w // 2 - 50, h // 2 - 20, w // 2 + 50, h // 2 + 20), (w, h)) for w, h in sizes]
    step = overlay_step(regions)
    assert step is not None
    assert (step.corner, step.width_px, step.height_px) == ("centre", 100, 40)
    assert overlay_step([]) is None
