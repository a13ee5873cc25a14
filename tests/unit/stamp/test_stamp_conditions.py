"""What each condition does to a picture, against what is done by hand."""

import io
import random

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from repost.channel import emulate
from repost.core.errors import UsageError
from repost.stamp.evaluation.conditions import choose, conditions
from repost.stamp.evaluation.platform_conditions import default_profiles

PHOTO = np.ascontiguousarray(astronaut()[60:236, 150:390])
TABLE = conditions()


def done(name, seed=1, pixels=PHOTO):
    return TABLE[name](pixels, random.Random(seed))


@pytest.mark.parametrize("name", choose())
def test_every_condition_is_a_function_of_photo_and_draws_and_leaves_the_photo_alone(name):
    before = PHOTO.copy()
    first, second = done(name), done(name)
    assert first.dtype == np.uint8
    assert first.ndim == 3
    assert first.shape[2] == 3
    assert np.array_equal(first, second)
    assert np.array_equal(PHOTO, before)


@pytest.mark.parametrize("name", [name for name in choose() if ":" not in name and name != "none"])
def test_every_condition_changes_the_picture(name):
    changed = done(name)
    assert changed.shape != PHOTO.shape or not np.array_equal(changed, PHOTO)


@pytest.mark.parametrize("name", ["crop.7", "crop.5", "rotation10", "rotation30", "warp.1", "jitter.3", "noise.05",
                                  "chain", "mix", "screenshot"])  # fmt: skip
def test_what_draws_draws_anew_for_another_photo(name):
    outcomes = [done(name, seed) for seed in range(6)]
    assert any(one.shape != outcomes[0].shape or not np.array_equal(one, outcomes[0]) for one in outcomes[1:])


@pytest.mark.parametrize("quality", [92, 85, 71, 50, 30])
def test_jpeg_is_pillows(quality):
    buffer = io.BytesIO()
    Image.fromarray(PHOTO).save(buffer, "JPEG", quality=quality)
    assert np.array_equal(done(f"jpeg{quality}"), np.asarray(Image.open(buffer)))


@pytest.mark.parametrize(("name", "share"), [("resize.5", 0.5), ("resize.25", 0.25), ("crop.7", 0.7), ("crop.5", 0.5)])
def test_convention_scales_and_crops_are_of_the_sides(name, share):
    height, width = PHOTO.shape[:2]
    assert done(name).shape[:2] == (round(height * share), round(width * share))


def test_a_crop_is_a_window_of_the_photo():
    window = done("crop.5")
    places = np.lib.stride_tricks.sliding_window_view(PHOTO[..., 0], window.shape[:2])
    assert (places == window[..., 0]).all(axis=(2, 3)).any()


def test_convention_rotation10_turns_by_exactly_ten_degrees_to_either_side():
    turns = {angle: np.asarray(Image.fromarray(PHOTO).rotate(angle, resample=Image.Resampling.BICUBIC))
             for angle in (10, -10)}  # fmt: skip
    seen = [
        next(angle for angle, turned in turns.items() if np.array_equal(turned, done("rotation10", seed)))
        for seed in range(8)
    ]
    assert set(seen) == {10, -10}
    assert not done("rotation10")[0, 0].any(), "corners are black"


def test_noise_has_the_standard_deviation_it_says():
    grey = np.full((200, 200, 3), 128, np.uint8)
    assert np.std(done("noise.05", pixels=grey).astype(float)) == pytest.approx(0.05 * 255, rel=0.02)


def test_flipping_twice_gives_the_photo():
    assert np.array_equal(done("hflip", pixels=done("hflip")), PHOTO)


def test_a_perspective_keeps_size_and_shows_only_the_photo():
    white = np.full((120, 160, 3), 255, np.uint8)
    warped = done("warp.1", pixels=white)
    assert warped.shape == white.shape
    assert warped.min() == 255, "corners move inwards on the source, so nothing outside is seen"


def test_a_screenshot_holds_the_photo_scaled():
    for seed in range(12):
        screen = done("screenshot", seed, pixels=np.full((300, 400, 3), (250, 20, 20), np.uint8))
        red = (screen[..., 0].astype(int) - screen[..., 1]) > 150
        rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert width / height == pytest.approx(4 / 3, rel=0.03)
        assert 0.6 * 300 - 4 <= height <= 1.2 * 300 + 4
        assert 0.5 < red.mean() < 0.95


@pytest.mark.parametrize("name", default_profiles())
def test_a_platform_is_its_emulation_and_the_second_time_starts_from_the_file_it_served(name):
    profile = default_profiles()[name]
    once = emulate(PHOTO, profile)
    twice = emulate(once.data, profile)
    assert np.array_equal(done(f"share:{name}"), once.pixels)
    assert np.array_equal(done(f"share2:{name}"), twice.pixels)
    assert np.array_equal(done(f"share:{name}", pixels=PHOTO[::-1]), emulate(PHOTO[::-1], profile).pixels), "another"


def test_every_real_network_that_ships_is_there_once_and_twice():
    names = default_profiles()
    assert {"facebook", "instagram", "twitter", "wechat", "telegram"} <= set(names)
    assert "example" not in names
    assert names["facebook"].observed == "2024-08", "the newest"
    assert [name for name in TABLE if name.startswith("share:")] == [f"share:{name}" for name in names]
    assert [name for name in TABLE if name.startswith("share2:")] == [f"share2:{name}" for name in names]


def test_conditions_are_chosen_by_pattern_in_the_order_of_the_table():
    assert choose(["jpeg*", "none"]) == ("none", "jpeg92", "jpeg85", "jpeg71", "jpeg50", "jpeg30")
    with pytest.raises(UsageError, match="got the condition 'jpg'"):
        choose(["jpg"])


def test_heif_is_left_out_and_said_so_where_its_package_is_missing(monkeypatch):
    from repost.stamp.evaluation import conditions as module

    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    assert "heif" not in choose()
    assert "pillow-heif" in module.missing()["heif"]
