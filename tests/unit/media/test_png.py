"""The fast PNG writer: any reader gets every pixel back."""

import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as of_numpy
from PIL import Image

from repost.media.png import png_bytes

pictures = st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)).flatmap(
    lambda shape: of_numpy.arrays(np.uint8, shape)
)


@given(pictures)
def test_pillow_reads_the_same_pixels(pixels):
    with Image.open(io.BytesIO(png_bytes(pixels))) as opened:
        opened.verify()  # every checksum
    with Image.open(io.BytesIO(png_bytes(pixels))) as opened:
        assert (opened.format, opened.mode) == ("PNG", "RGB")
        assert np.array_equal(np.asarray(opened), pixels)
    assert png_bytes(pixels) == png_bytes(pixels.copy())


def test_parts_of_a_larger_picture_and_read_only_pixels_are_taken():
    whole = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    whole.setflags(write=False)
    part = whole[3:20, 7:30]
    with Image.open(io.BytesIO(png_bytes(part))) as opened:
        assert np.array_equal(np.asarray(opened), part)
