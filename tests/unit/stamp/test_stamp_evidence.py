"""Pooling over frames: never too sure, whatever the frames have in common."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm

from repost.core.errors import UsageError
from repost.stamp.evidence import pool_p_values

RUNS = 20_000
LEVELS = (0.5, 0.1, 0.01, 0.001)


def pooled(p_values: np.ndarray) -> np.ndarray:
    return np.array([pool_p_values(row) for row in p_values.tolist()])


def correlated(frames: int, correlation: float) -> np.ndarray:
    """p-values of frames that share a part of what makes them; 1 is one frame over and over, 0 frames of their own."""
    rng = np.random.default_rng(5)
    shared = rng.standard_normal((RUNS, 1))
    own = rng.standard_normal((RUNS, frames))
    return norm.sf(np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own)


def adversarial(frames: int, level: float) -> np.ndarray:
    """The dependence that comes closest to the bound: k equal frames with the chance that the proof needs them for."""
    rng = np.random.default_rng(6)
    harmonic = sum(1 / k for k in range(1, frames + 1))
    unit = level / (frames * harmonic)
    found = np.empty((RUNS, frames))
    for run in range(RUNS):
        # With chance n * unit / k there are k p-values in the k-th cell, and the others are above all cells.
        chances = np.array([frames * unit / k for k in range(1, frames + 1)])
        drawn = rng.choice(frames + 1, p=[*chances, 1 - chances.sum()])
        others = rng.uniform(frames * unit, 1, frames)
        if drawn < frames:
            others[rng.permutation(frames)[: drawn + 1]] = rng.uniform(drawn, drawn + 1) * unit
        found[run] = others
    return found


@pytest.mark.parametrize("frames", [1, 2, 9, 64])
@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.99, 1.0])
def test_the_chance_of_a_small_pooled_value_is_no_larger_than_it_says(frames, correlation):
    found = pooled(correlated(frames, correlation))
    for level in LEVELS:
        # Rejected only where so many hits would come once in a million at exactly the stated chance.
        assert (found <= level).sum() <= binom.ppf(1 - 1e-6, RUNS, level)


def test_the_worst_dependence_uses_up_the_bound_and_does_not_go_over_it():
    level, frames = 0.1, 8
    hits = (pooled(adversarial(frames, level)) <= level).sum()
    assert binom.ppf(1e-6, RUNS, level) <= hits <= binom.ppf(1 - 1e-6, RUNS, level)


def test_multiplying_would_not_be_valid_where_frames_are_alike():
    from scipy.stats import combine_pvalues

    p_values = correlated(9, 1.0)[:2000]
    fisher = np.array([combine_pvalues(row).pvalue for row in p_values])
    assert (fisher <= 0.001).mean() > 0.01  # ten times what it says: the reason for all this
    assert (pooled(p_values) <= 0.001).mean() <= 0.003


def test_one_frame_is_itself():
    assert pool_p_values([0.0123]) == 0.0123


@given(st.floats(1e-300, 1), st.integers(1, 80))
def test_equal_frames_cost_the_harmonic_number(p, frames):
    expected = min(1, p * sum(1 / k for k in range(1, frames + 1)))
    assert pool_p_values([p] * frames) == pytest.approx(expected)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.randoms())
def test_order_does_not_matter_and_no_evidence_is_made_up(p_values, random):
    found = pool_p_values(p_values)
    shuffled = list(p_values)
    random.shuffle(shuffled)
    assert pool_p_values(shuffled) == found
    assert min(p_values) <= found <= 1


def test_one_stamped_frame_among_many_is_found_and_half_of_them_better():
    others = np.linspace(0.05, 1, 63).tolist()
    assert pool_p_values([1e-12, *others]) == pytest.approx(64 * 4.744 * 1e-12, rel=1e-3)
    assert pool_p_values([1e-12] * 32 + others[:32]) == pytest.approx(2 * 4.744 * 1e-12, rel=1e-3)


@pytest.mark.parametrize("p_values", [[], [float("nan")], [-0.1, 0.5], [0.5, 1.5]])
def test_what_is_no_p_value_is_refused(p_values):
    with pytest.raises(UsageError):
        pool_p_values(p_values)
