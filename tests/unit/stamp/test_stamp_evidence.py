"""Pooling over frames: never too sure, whatever the frames have in common."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from repost.core.errors import UsageError
from repost.stamp.evidence import pool_scores

RUNS = 20_000
LEVELS = (0.5, 0.1, 0.01, 0.001)
TILTS = (0.5, 1.5, 3.0)
"""How strongly an e-value exp(t z - t^2 / 2) of a normal z bets: low ones are often large, high ones seldom."""
finite = st.floats(-30, 30)


def scores_of(frames: int, correlation: float, tilt: float) -> np.ndarray:
    """Scores of frames without a stamp that share a part of what makes them; 1 is one frame over and over."""
    rng = np.random.default_rng(5)
    shared, own = rng.standard_normal((RUNS, 1)), rng.standard_normal((RUNS, frames))
    normal = math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * own
    return (tilt * normal - tilt**2 / 2) / math.log(10)


def two_valued(frames: int, level: float, *, apart: bool) -> np.ndarray:
    """E-values of 1 / level with that chance and else 0, all of them together or never two of them: the two ends."""
    rng = np.random.default_rng(6)
    scores = np.full((RUNS, frames), -np.inf)
    if apart:
        drawn = rng.uniform(0, 1, RUNS)
        for frame in range(frames):
            scores[(drawn >= frame * level / frames) & (drawn < (frame + 1) * level / frames), frame] = np.log10(
                frames / level
            )
    else:
        scores[rng.uniform(0, 1, RUNS) < level] = -math.log10(level)
    return scores


def pooled(scores: np.ndarray) -> np.ndarray:
    return np.array([pool_scores(row) for row in scores.tolist()])


@pytest.mark.parametrize("tilt", TILTS)
@pytest.mark.parametrize("frames", [1, 2, 9, 64])
@pytest.mark.parametrize("correlation", [0.0, 0.5, 1.0])
def test_the_chance_of_a_high_pooled_score_is_no_larger_than_it_says(frames, correlation, tilt):
    found = pooled(scores_of(frames, correlation, tilt))
    for level in LEVELS:
        # More hits than this would come once in a million at exactly the stated chance.
        assert (found >= -math.log10(level)).sum() <= binom.ppf(1 - 1e-6, RUNS, level)


@pytest.mark.parametrize("apart", [False, True], ids=["perfectly dependent", "never two at once"])
def test_the_bound_is_reached_at_both_ends_and_not_passed(apart):
    level = 0.05
    hits = (pooled(two_valued(8, level, apart=apart)) >= -math.log10(level) - 1e-9).sum()
    assert binom.ppf(1e-6, RUNS, level) <= hits <= binom.ppf(1 - 1e-6, RUNS, level)


def test_a_mixture_of_stamps_own_and_shared_chance_is_calibrated():
    scores = np.concatenate([scores_of(5, 1.0, 1.5), scores_of(5, 0.3, 0.5), two_valued(5, 0.01, apart=True)], axis=1)
    found = pooled(scores)
    for level in LEVELS:
        assert (found >= -math.log10(level)).sum() <= binom.ppf(1 - 1e-6, RUNS, level)


def test_multiplying_would_not_be_valid_where_frames_are_alike():
    product = scores_of(9, 1.0, 0.5).sum(axis=1)
    assert (product >= 2).mean() > 0.05  # five times what it says: the reason for all this
    assert (pooled(scores_of(9, 1.0, 0.5)) >= 2).mean() <= 0.012


@given(finite, st.integers(1, 80))
def test_frames_that_are_alike_say_what_each_of_them_does(score, frames):
    assert pool_scores([score] * frames) == pytest.approx(score, abs=1e-9)


@given(st.lists(finite, min_size=1, max_size=30), st.randoms())
def test_order_does_not_matter_and_no_evidence_is_made_up(scores, random):
    found = pool_scores(scores)
    shuffled = list(scores)
    random.shuffle(shuffled)
    assert pool_scores(shuffled) == pytest.approx(found, abs=1e-12)
    assert max(scores) - math.log10(len(scores)) - 1e-9 <= found <= max(scores) + 1e-9


def test_one_stamped_frame_among_a_hundred_costs_two_decades():
    assert pool_scores([20.0, *[-3.0] * 99]) == pytest.approx(18, abs=1e-9)
    assert pool_scores([20.0, 20.0, *[-math.inf] * 98]) == pytest.approx(18 + math.log10(2), abs=1e-9)
    assert pool_scores([-math.inf]) == -math.inf


def test_scores_beyond_what_floats_hold_are_pooled():
    assert pool_scores([4000.0, 4000.0, -5000.0]) == pytest.approx(4000 + math.log10(2 / 3))


@pytest.mark.parametrize("scores", [[], [math.nan], [1.0, math.inf]])
def test_what_is_no_score_is_refused(scores):
    with pytest.raises(UsageError):
        pool_scores(scores)
