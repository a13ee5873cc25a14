"""Groups drawn again: whole, seeded, and refused where that says nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repost.core.errors import UsageError
from repost.metrics import Ranking, area_under, draw_groups, percentile_interval
from repost.metrics.bootstrap import why_undefined


@settings(deadline=None)
@given(positives=st.integers(2, 9), negatives=st.integers(2, 9), seed=st.integers(0, 2**32))
def test_as_many_of_each_kind_are_drawn_as_there_are(positives, negatives, seed):
    marks = np.arange(positives + negatives) < positives
    for drawn in draw_groups(marks, seed=seed, resamples=3):
        assert (drawn[marks].sum(), drawn[~marks].sum()) == (positives, negatives)


def test_the_seed_decides_the_draws():
    draws = [np.stack(list(draw_groups([True] * 5 + [False] * 5, seed=seed, resamples=20))) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0] != draws[2]).any()


def test_the_spread_is_that_of_a_mean_of_groups():
    """Oracle: the standard error of a mean, of groups of equal scores within, however many frames each has."""
    groups = np.random.default_rng(0).normal(size=200)
    draws = draw_groups(np.arange(400) < 200, seed=3, resamples=2000)
    means = [float(drawn[:200] @ groups / 200) for drawn in draws]
    found = percentile_interval(means)
    half = 1.96 * groups.std() / np.sqrt(200)
    assert (found.low, found.high) == pytest.approx((groups.mean() - half, groups.mean() + half), abs=0.1 * half)


def test_many_frames_of_few_videos_make_no_narrower_interval():
    rng = np.random.default_rng(5)
    high, low = rng.normal(0.8, 1, 12), rng.normal(0, 1, 12)

    def width(frames):
        scores, marks = np.repeat(np.r_[high, low], frames), np.repeat(np.arange(24) < 12, frames)
        ranking, group = Ranking.of(scores, marks), np.repeat(np.arange(24), frames)
        found = percentile_interval([area_under(ranking.roc(drawn[group])) for drawn in draw_groups(
            np.arange(24) < 12, seed=1, resamples=200)])  # fmt: skip
        return found.high - found.low

    assert width(40) == pytest.approx(width(1), abs=1e-9)
    assert width(1) > 0.2


def test_one_group_of_a_kind_has_no_interval():
    assert why_undefined(2, 2) is None
    assert why_undefined(5, 1) == (
        "no intervals: got 5 positive and 1 negative videos, expected at least 2 of a kind to draw from"
    )
    assert why_undefined(0, 2) is None
    assert why_undefined(0, 0) is not None
    with pytest.raises(UsageError, match="got 2 positive and 1 negative groups"):
        next(draw_groups([True, True, False], seed=0, resamples=1))
