"""The JPEG as a call of its own: its arguments and its errors."""

from __future__ import annotations

from typing import Any

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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"quality": 0}, "got JPEG quality 0"),
        ({"quality": [50, 60, 101]}, "got JPEG quality 101"),
        ({"quality": 50.5}, "got quality 50.5, expected whole numbers 1-100"),
        ({"quality": [50, 60]}, "got 2 qualities for 3 pictures"),
        ({}, "either quality or tables"),
        ({"quality": 50, "tables": [ijg_tables(50)]}, "either quality or tables"),
        ({"tables": [((0,) * 64, (1,) * 64)]}, "a table of 64 entries from 0, expected 64 from 1"),
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
