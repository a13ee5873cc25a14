"""Difference pictures and previews, against numpy written out."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from repost.channel import emulate
from repost.media.upload import Upload
from repost.platforms import Profile
from repost.report.pictures import (
    GAIN,
    LEFT_OUT_GREY,
    LONGEST_PREVIEW_PX,
    difference_picture,
    draw_pictures,
    file_name_of,
    reduced_by_maximum,
)


def test_convention_difference_is_eight_times_the_absolute_change():
    rng = np.random.default_rng(3)
    before, after = rng.integers(0, 256, (2, 23, 31, 3), dtype=np.uint8)
    after[:10] = before[:10] + rng.integers(0, 2, (10, 31, 3)).astype(np.uint8) * (before[:10] < 255)
    expected = [
        [[min(255, 8 * abs(int(b) - int(a))) for a, b in zip(*px, strict=True)] for px in zip(*row, strict=True)]
        for row in zip(before, after, strict=True)
    ]
    assert GAIN == 8
    assert np.array_equal(difference_picture(before, after), np.array(expected, np.uint8))
    assert not difference_picture(before, before).any()


def test_left_out_regions_are_grey():
    before = np.zeros((4, 6, 3), np.uint8)
    mask = np.zeros((4, 6), bool)
    mask[2:, 3:] = True
    drawn = difference_picture(before, before + 255, mask=mask)
    assert (drawn[mask] == LEFT_OUT_GREY).all()
    assert (drawn[~mask] == 255).all()


@given(height=st.integers(1, 17), width=st.integers(1, 17), factor=st.integers(1, 6), seed=st.integers(0, 99))
def test_reducing_takes_the_maximum_of_each_block(height, width, factor, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    reduced = reduced_by_maximum(pixels, factor)
    for row in range(-(-height // factor)):
        for column in range(-(-width // factor)):
            block = pixels[row * factor : (row + 1) * factor, column * factor : (column + 1) * factor]
            assert (reduced[row, column] == block.reshape(-1, 3).max(axis=0)).all()
    assert reduced.shape[:2] == (-(-height // factor), -(-width // factor))


def test_one_changed_pixel_of_a_large_picture_stays_visible(tmp_path):
    pixels = np.full((900, LONGEST_PREVIEW_PX * 2 + 1, 3), 128, np.uint8)
    profile = Profile.model_validate(
        {
            "platform": "test", "observed": "2024", "summary": "s", "evidence": [{"kind": "inferred", "source": "s"}],
            "rules": [{"media": "image", "name": "all", "steps": [{"op": "encode", "codec": "png"}]}],
        }
    )  # fmt: skip
    emulated = emulate(pixels, profile)
    pixels[450, 1201] = 160
    pictures = draw_pictures(
        Upload.of(pixels), emulated, upload_path="photographs/a.png", folder=tmp_path, name="a", platform="p"
    )
    assert (pictures.reduced, pictures.width_px, pictures.height_px) == (3, 801, 300)
    with Image.open(tmp_path / pictures.difference) as drawn:
        assert drawn.size == (801, 300)
        assert np.asarray(drawn)[150, 400].min() > 150  # 8 x 32 = 256; the JPEG preview keeps most of it
    with Image.open(tmp_path / pictures.before) as before, Image.open(tmp_path / pictures.after) as after:
        assert before.size == after.size == (801, 300)


def test_previews_show_the_decoded_pixels_in_formats_browsers_have(tmp_path):
    pytest.importorskip("pillow_heif")
    rng = np.random.default_rng(1)
    pixels = np.asarray(Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize((160, 120)))
    profile = Profile.model_validate(
        {
            "platform": "test", "observed": "2024", "summary": "s", "evidence": [{"kind": "inferred", "source": "s"}],
            "rules": [{"media": "image", "name": "all", "steps": [{"op": "encode", "codec": "heif"}]}],
        }
    )  # fmt: skip
    emulated = emulate(pixels, profile)
    pictures = draw_pictures(Upload.of(pixels), emulated, upload_path="a.png", folder=tmp_path, name="a", platform="p")
    shown = {kind: np.asarray(Image.open(io.BytesIO((tmp_path / getattr(pictures, kind)).read_bytes())))
             for kind in ("before", "after", "difference")}  # fmt: skip
    assert pictures.after.endswith(".png")
    assert np.array_equal(shown["before"], pixels)
    assert np.array_equal(shown["after"], emulated.pixels)
    assert np.array_equal(shown["difference"], difference_picture(pixels, emulated.pixels))


@given(st.lists(st.text(max_size=40), unique=True, min_size=2, max_size=8))
def test_file_names_are_safe_and_never_the_same(names):
    made = [file_name_of(name) for name in names]
    assert len({name.lower() for name in made}) == len(names)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-") for name in made)
    assert all(name and not name.startswith((".", "-")) for name in made)


def test_harmless_names_are_kept():
    assert file_name_of("coffee.png.facebook") == "coffee.png.facebook"
