"""Registration against known geometry."""

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from repost.pairs.fingerprint import Coarse, content_box, hash_distance, place, turned
from repost.pairs.register import Placement, displacement_of, refine, render

COFFEE = Image.fromarray(skimage.data.coffee()).convert("L")
CHELSEA = Image.fromarray(skimage.data.chelsea()).convert("L")


def furthest_px(found: Placement, true: Placement, size) -> float:
    """How far apart two placements put any point of the upload."""
    return max(
        abs((found.scale_x - true.scale_x) * x + found.offset_x_px - true.offset_x_px)
        + abs((found.scale_y - true.scale_y) * y + found.offset_y_px - true.offset_y_px)
        for x in (0, size[0])
        for y in (0, size[1])
    )


@pytest.mark.parametrize("crop", [(0, 0, 600, 400), (140, 0, 460, 400), (37, 21, 577, 390)])
@pytest.mark.parametrize("scale", [1.0, 0.61, 1.3])
def test_crop_and_scale_are_found(crop, scale):
    part = COFFEE.crop(crop)
    size = (round(part.width * scale), round(part.height * scale))
    true_x, true_y = size[0] / part.width, size[1] / part.height
    true = Placement(true_x, true_y, -crop[0] * true_x, -crop[1] * true_y)
    served = part.resize(size, Image.Resampling.BICUBIC)
    rough = Placement(true_x * 1.01, true_y * 1.01, true.offset_x_px + 4, true.offset_y_px - 5)
    found = refine(COFFEE, served, rough)
    assert found is not None
    assert furthest_px(found, true, COFFEE.size) < 0.3


def test_not_resized_is_exact():
    found = refine(COFFEE, COFFEE.crop((33, 18, 501, 390)), Placement(1.003, 1.003, -30, -20))
    assert found == Placement(1.0, 1.0, -33.0, -18.0)
    assert found.whole


def test_another_picture_is_not_confirmed_by_registration_alone():
    found = refine(COFFEE, CHELSEA, Placement(0.7, 0.7, 0, 0))
    assert found is None or abs(found.scale_x - 0.7) < 0.2


@given(turn=st.sampled_from([0, 90, 180, 270]), left=st.integers(0, 120), top=st.integers(0, 60))
@settings(max_examples=12, deadline=None)
def test_the_coarse_place_is_near(turn, left, top):
    served = COFFEE.crop((left, top, left + 420, top + 320))
    seen = Coarse.of(turned(served, turn)).turned((360 - turn) % 360)
    score, found = place(Coarse.of(COFFEE), seen, thorough=True)[0]
    true = Placement(1.0, 1.0, -left, -top)
    assert score > 0.15
    assert furthest_px(found, true, COFFEE.size) < 45
    exact = refine(COFFEE, served, found)
    assert exact == true


def test_hashes_turn_with_the_picture_and_differ_between_pictures():
    coarse = Coarse.of(COFFEE)
    assert hash_distance(Coarse.of(turned(COFFEE, 90)).turned(270), coarse) <= 4
    assert hash_distance(Coarse.of(CHELSEA), coarse) > 50


def test_convention_render_agrees_with_pillow():
    placement = Placement(0.5, 0.5, 0.0, 0.0)
    half = np.asarray(render(COFFEE, placement, (0, 0, 300, 200)))
    assert np.array_equal(half, np.asarray(COFFEE.resize((300, 200), Image.Resampling.LANCZOS)))
    moved = np.asarray(render(COFFEE, Placement(1.0, 1.0, -10.0, -20.0), (0, 0, 100, 50)))
    assert np.array_equal(moved, np.asarray(COFFEE)[20:70, 10:110])


@pytest.mark.parametrize(("across", "down"), [(0, 0), (0.4, 0), (0, -0.7), (0.6, 0.5)])
def test_displacement_is_that_of_a_moved_picture(across, down):
    window = (100, 80, 356, 336)
    first = COFFEE.resize((256, 256), Image.Resampling.BICUBIC, box=window)
    box = tuple(edge + step for edge, step in zip(window, (across, down) * 2, strict=True))
    second = COFFEE.resize((256, 256), Image.Resampling.BICUBIC, box=box)
    found, error = displacement_of(*(np.asarray(image, np.float32) for image in (first, second)))
    assert found == pytest.approx(max(abs(across), abs(down)), abs=0.2)
    assert error < 0.1


def test_a_picture_of_stripes_does_not_tell_how_far_it_moved_along_them():
    rng = np.random.default_rng(0)
    stripes = np.tile(rng.normal(128, 40, (1, 128)), (128, 1)) + rng.normal(0, 0.1, (128, 128))
    noisy = stripes + rng.normal(0, 2, stripes.shape)
    assert displacement_of(stripes.astype(np.float32), noisy.astype(np.float32))[1] > 0.125
    flat = np.full((64, 64), 7, np.float32)
    assert displacement_of(flat, flat)[1] == float("inf")


def test_a_flat_border_is_seen_and_a_picture_has_none():
    padded = Image.new("L", (700, 500), 255)
    padded.paste(COFFEE, (40, 60))
    assert content_box(padded) == (40, 60, 640, 460)
    assert content_box(Image.new("L", (50, 40), 9)) == (0, 0, 50, 40)
