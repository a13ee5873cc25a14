"""The interval of a share, against scipy's."""

import pytest
from scipy.stats import binomtest

from repost.metrics.intervals import clopper_pearson, share_in_words, upper_bound, wilson


@pytest.mark.parametrize(("hits", "count"), [(0, 1), (1, 1), (9, 10), (0, 40), (198, 204), (7, 1000)])
def test_wilson_is_scipys(hits, count):
    ends = binomtest(hits, count).proportion_ci(method="wilson")
    assert wilson(hits, count) == pytest.approx((ends.low, ends.high), abs=1e-6)


@pytest.mark.parametrize(("hits", "count"), [(0, 1), (1, 1), (9, 10), (0, 40), (198, 204), (7, 1000)])
def test_clopper_pearson_is_scipys(hits, count):
    ends = binomtest(hits, count).proportion_ci(0.9, method="exact")
    assert clopper_pearson(hits, count, confidence=0.9) == pytest.approx((ends.low, ends.high), abs=1e-9)


@pytest.mark.parametrize(("hits", "count"), [(0, 3000), (1, 3000), (5, 5)])
def test_the_upper_bound_is_scipys_one_sided(hits, count):
    ends = binomtest(hits, count, alternative="less").proportion_ci(0.95, method="exact")
    assert upper_bound(hits, count) == pytest.approx(ends.high, abs=1e-9)


def test_nothing_seen_says_nothing():
    assert wilson(0, 0) == (0.0, 1.0)
    assert clopper_pearson(0, 0) == (0.0, 1.0)
    assert upper_bound(0, 0) == 1.0


def test_a_share_is_said_with_its_count_and_interval():
    assert share_in_words(9, 10) == "9 of 10 (95 %: 0.60 to 0.98)"
