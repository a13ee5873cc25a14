"""Quantisation tables against Pillow and jpeglib, which both ask libjpeg."""

import io

import jpeglib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from jpeg_samples import picture, save
from repost.core.errors import UsageError
from repost.media.jpeg_tables import ijg_tables, nearest_quality, to_natural_order

QUALITIES = range(1, 101)


@pytest.mark.parametrize("quality", QUALITIES)
def test_tables_are_those_pillow_writes(quality):
    with Image.open(io.BytesIO(save(picture(16, 16), quality=quality))) as image:
        assert ijg_tables(quality) == (tuple(image.quantization[0]), tuple(image.quantization[1]))


@pytest.mark.parametrize("quality", [1, 10, 49, 50, 51, 77, 100])
def test_tables_are_those_of_jpeglib(quality, tmp_path):
    """jpeglib does not force baseline tables: it leaves out the clip at 255."""
    path = str(tmp_path / "a.jpg")
    jpeglib.from_spatial(np.asarray(picture(16, 16))).write_spatial(path, qt=quality)
    truth = np.minimum(jpeglib.read_dct(path).qt, 255).reshape(-1, 64)
    assert ijg_tables(quality) == (tuple(truth[0]), tuple(truth[1]))


def test_convention_natural_order_is_row_by_row():
    """The third value of a DQT segment is the coefficient below the first, not the second to its right."""
    order = to_natural_order(range(64))
    assert order[:3] == (0, 1, 5)
    assert order[8:10] == (2, 4)
    assert order[63] == 63


@pytest.mark.parametrize("quality", [0, 101, -1])
def test_quality_out_of_range(quality):
    with pytest.raises(UsageError, match=f"got JPEG quality {quality}, expected 1 to 100"):
        ijg_tables(quality)


@pytest.mark.parametrize("quality", QUALITIES)
def test_nearest_quality_of_an_exact_table(quality):
    luma, chroma = ijg_tables(quality)
    assert nearest_quality(luma, component="luma") == (quality, 0)
    # Up to quality 3 every chroma entry is clipped to 255: three qualities share one table.
    assert nearest_quality(chroma, component="chroma") == (max(quality, 3), 0)


@given(st.lists(st.integers(0, 65535), min_size=64, max_size=64))
def test_nearest_quality_is_the_nearest(table):
    quality, distance = nearest_quality(table, component="luma")
    distances = {q: int(np.abs(np.subtract(table, ijg_tables(q)[0])).sum()) for q in QUALITIES}
    assert distance == distances[quality] == min(distances.values())


def test_convention_ties_go_to_the_higher_quality():
    first, second = ijg_tables(99)[0], ijg_tables(100)[0]
    differing = [n for n in range(64) if first[n] != second[n]]
    half = set(differing[: len(differing) // 2])
    between = [second[n] if n in half else first[n] for n in range(64)]
    gaps = [sum(abs(a - b) for a, b in zip(between, table, strict=True)) for table in (first, second)]
    assert gaps[0] == gaps[1], "the example must be a tie"
    assert nearest_quality(between, component="luma")[0] == 100


def test_table_of_another_size():
    with pytest.raises(UsageError, match="got a quantisation table of 63 entries, expected 64"):
        nearest_quality([1] * 63, component="luma")
