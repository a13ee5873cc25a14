"""The JPEG as a call of its own: its arguments and its errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch: Any = pytest.importorskip("torch")

from repost.channel.surrogate import jpeg  # noqa: E402
from repost.core.errors import InvalidPixels, UsageError  # noqa: E402
from repost.media.jpeg_tables import ijg_tables  # noqa: E402

PIXELS = torch.rand(3, 3, 20, 24, generator=torch.Generator().manual_seed(0))


def test_qualities_as_number_list_tensor_and_tables_are_the_same():
    expected = jpeg(PIXELS, 60)
    for given in ([60] * 3, torch.tensor([60, 60, 60]), torch.tensor(60.0)):
        assert torch.equal(jpeg(PIXELS, given), expected)
    assert torch.equal(jpeg(PIXELS, tables=[ijg_tables(60)]), expected)
    assert torch.equal(jpeg(PIXELS, np.int64(60)), expected)
    assert torch.equal(jpeg(PIXELS, tables=np.array([ijg_tables(60)])), expected)
    assert torch.equal(jpeg(PIXELS, tables=torch.tensor([ijg_tables(60)])), expected)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"quality": 0}, "got JPEG quality 0"),
        ({"quality": [50, 60, 101]}, "got JPEG quality 101"),
        ({"quality": 50.5}, "got quality 50.5, expected whole numbers 1-100"),
        ({"quality": [50, 60]}, "got 2 qualities for 3 pictures"),
        ({}, "either quality or tables"),
        ({"quality": 50, "tables": [ijg_tables(50)]}, "either quality or tables"),
        ({"quality": float("nan")}, "got quality nan, expected whole numbers 1-100"),
        ({"quality": float("inf")}, "got quality inf, expected whole numbers 1-100"),
        ({"tables": [((0,) * 64, (1,) * 64)]}, "got 0 in a table, expected whole numbers from 1 to 65535"),
        ({"tables": [((1.5,) * 64, (1,) * 64)]}, "got 1.5 in a table"),
        ({"tables": [((float("nan"),) * 64, (1,) * 64)]}, "got nan in a table"),
        ({"tables": [((65536,) * 64, (1,) * 64)]}, "got 65536 in a table"),
        ({"tables": [((), ())]}, "a table of 0 entries"),
        ({"tables": [((1,) * 64,)]}, "got 1 tables for one picture, expected two"),
        ({"tables": ijg_tables(50)}, r"expected a sequence of \(luma, chroma\) pairs"),
        ({"tables": torch.ones(1, 2, 8, 8)}, r"expected a sequence of \(luma, chroma\) pairs"),
        ({"tables": [((1,) * 63, (1,) * 64)]}, "a table of 63 entries"),
        ({"quality": 50, "subsampling": "4:1:1"}, "4:1:1"),
        ({"quality": 50, "gradient": "none"}, "none"),
        ({"quality": torch.full((3,), 50, device="meta")}, "got qualities on meta for pixels on cpu"),
    ],
)
def test_wrong_arguments_are_named(arguments, said):
    with pytest.raises(UsageError, match=said):
        jpeg(PIXELS, **arguments)


def test_pixels_are_checked():
    with pytest.raises(InvalidPixels, match="numbers from"):
        jpeg(PIXELS * 255, 50)
