"""Pairs that the rules do not explain are named with what is different about them."""

import pytest

from pair_samples import encoded, finding, jpeg
from repost.estimation.images.finding import Treatment
from repost.estimation.images.misfits import find_misfits
from repost.platforms.steps import EncodeJpeg

TABLES = {"luma": [7] * 64, "chroma": [9] * 64}
STAGE = EncodeJpeg.model_validate(jpeg(70))
SERVED = (400, 300)


def pairs(count=40):
    """Pairs of one network that makes everything 400 px long; their sizes say nothing else."""
    return [finding(index, before=(800 + 16 * ((7 * index) % count), 600 + 12 * ((7 * index) % count)), after=SERVED)
            for index in range(count)]  # fmt: skip


def one_odd(**changes):
    found = pairs()
    found[20] = found[20].model_copy(update=changes)
    return list(find_misfits(found))


def test_pairs_that_agree_have_no_misfits():
    assert list(find_misfits(pairs())) == []


ODD = {
    "progressive is False": {"treatment": encoded(80).but(progressive=False, optimize_huffman=True)},
    "subsampling is 4:4:4, of the others 4:2:0": {"treatment": encoded(80).but(subsampling="4:4:4")},
    "saved again by a phone or a collector": {"treatment": encoded(80).but(hidden=STAGE)},
    "quantisation tables are others": {"treatment": encoded(80).but(quality=None, tables=TABLES)},
    "kind is passthrough, of the others encode": {"treatment": Treatment(kind="passthrough")},
    "a thumbnail?": {"size_after": (150, 113)},
    "which the size rule of the others does not give": {"size_after": (401, 301)},
}


@pytest.mark.parametrize("words", ODD)
def test_an_odd_pair_is_named_with_what_is_odd(words):
    (misfit,) = one_odd(**ODD[words])
    assert misfit.name == "0020"
    assert words in misfit.reason


def test_only_thumbnails_are_called_thumbnails():
    (misfit,) = one_odd(size_after=(390, 290))
    assert "thumbnail" not in misfit.reason


def test_another_quality_is_no_misfit():
    assert one_odd(treatment=encoded(55)) == []


def test_two_networks_in_one_folder():
    """Every third pair is of another network, and nothing about the uploads says which."""
    found = [
        one
        if index % 3
        else one.model_copy(update={"treatment": encoded(85).but(subsampling="4:4:4", progressive=False)})
        for index, one in enumerate(pairs(60))
    ]
    misfits = {one.name for one in find_misfits(found)}
    assert len(misfits) > 0.1 * len(found)
    assert misfits <= {one.name for one in found}
