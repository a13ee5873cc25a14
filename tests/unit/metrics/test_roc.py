"""Curves and what is read off them against scikit-learn and scipy, to 1e-9."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn import metrics as sklearn

from repost.core.errors import UsageError
from repost.metrics import (
    Ranking,
    area_under,
    auc,
    average_precision,
    decisions_at,
    equal_error_rate,
    roc,
    true_positive_rate_at,
)

few_levels = st.integers(-4, 4).map(float)  # ties within and between the kinds
any_level = st.floats(-1e3, 1e3, allow_nan=False, width=32)
scores = st.one_of(st.lists(few_levels, min_size=1, max_size=30), st.lists(any_level, min_size=1, max_size=30))


def joined(high, low):
    return np.array([1] * len(high) + [0] * len(low)), np.r_[high, low]


@settings(deadline=None)
@given(high=scores, low=scores)
def test_the_curve_is_that_of_scikit_learn(high, low):
    fpr, tpr, thresholds = sklearn.roc_curve(*joined(high, low), drop_intermediate=False)
    ours = roc(high, low)
    np.testing.assert_allclose(ours.false_positive_rate, fpr, atol=1e-12)
    np.testing.assert_allclose(ours.true_positive_rate, tpr, atol=1e-12)
    np.testing.assert_array_equal(ours.thresholds, thresholds)


@settings(deadline=None)
@given(high=scores, low=scores)
def test_area_and_average_precision_are_those_of_scikit_learn(high, low):
    curve = roc(high, low)
    assert area_under(curve) == pytest.approx(sklearn.roc_auc_score(*joined(high, low)), abs=1e-9)
    assert area_under(curve) == pytest.approx(auc(high, low), abs=1e-12)
    assert average_precision(curve) == pytest.approx(sklearn.average_precision_score(*joined(high, low)), abs=1e-9)


@settings(deadline=None)
@given(high=scores, low=scores)
def test_the_equal_error_rate_is_where_brentq_finds_it_on_the_joined_curve(high, low):
    fpr, tpr, _ = sklearn.roc_curve(*joined(high, low), drop_intermediate=False)
    expected = brentq(lambda x: 1 - x - interp1d(fpr, tpr)(x), 0.0, 1.0, xtol=1e-14)
    assert equal_error_rate(roc(high, low)) == pytest.approx(expected, abs=1e-9)


@settings(deadline=None)
@given(high=scores, low=scores, threshold=st.one_of(few_levels, any_level, st.sampled_from([np.inf, -np.inf])))
def test_decisions_are_those_of_counting(high, low, threshold):
    truth, values = joined(high, low)
    called = values >= threshold
    found = decisions_at(roc(high, low), threshold)
    assert found.accuracy == pytest.approx(sklearn.accuracy_score(truth, called), abs=1e-12)
    assert found.balanced_accuracy == pytest.approx(sklearn.balanced_accuracy_score(truth, called), abs=1e-12)
    assert found.false_positive_rate == pytest.approx(called[truth == 0].mean(), abs=1e-12)
    assert found.true_positive_rate == pytest.approx(called[truth == 1].mean(), abs=1e-12)


@settings(deadline=None)
@given(high=scores, low=scores, limit=st.floats(0, 1))
def test_the_rate_at_a_rate_is_the_best_of_all_thresholds(high, low, limit):
    fpr, tpr, _ = sklearn.roc_curve(*joined(high, low), drop_intermediate=False)
    found = true_positive_rate_at(roc(high, low), false_positive_rate=limit)
    assert found == pytest.approx(tpr[fpr <= limit].max(), abs=1e-12)


@settings(deadline=None)
@given(data=st.data(), high=scores, low=scores)
def test_weights_count_a_score_so_many_times(data, high, low):
    truth, values = joined(high, low)
    counts = np.array([data.draw(st.integers(0, 3)) for _ in values])
    counts[0], counts[-1] = 1, 1  # some of each kind
    weighted = Ranking.of(values, truth == 1).roc(counts)
    repeated = roc(np.repeat(high, counts[: len(high)]), np.repeat(low, counts[len(high) :]))
    for statistic in (area_under, equal_error_rate, average_precision):
        assert statistic(weighted) == pytest.approx(statistic(repeated), abs=1e-9)
    ours, theirs = decisions_at(weighted, 0.5), decisions_at(repeated, 0.5)
    assert (ours.accuracy, ours.false_positive_rate) == pytest.approx((theirs.accuracy, theirs.false_positive_rate))


def test_convention_a_score_at_the_threshold_is_called_positive():
    found = decisions_at(roc([0.0], [0.0]), 0.0)
    assert (found.true_positive_rate, found.false_positive_rate) == (1.0, 1.0)


def test_convention_infinities_are_the_ends():
    curve = roc([np.inf, 1.0], [-np.inf, 0.0])
    assert list(curve.thresholds) == [np.inf, np.inf, 1.0, 0.0, -np.inf]
    assert area_under(curve) == 1.0
    assert equal_error_rate(curve) == 0.0
    assert decisions_at(curve, np.inf).true_positive_rate == 0.5
    assert decisions_at(curve, -np.inf).false_positive_rate == 1.0
    assert area_under(roc([np.inf], [np.inf])) == 0.5


def test_convention_the_equal_error_rate_is_interpolated():
    """The uninterpolated one, of the nearest threshold, would be 0.5 or 0 here."""
    assert equal_error_rate(roc([0.0, 0.0], [0.0, 0.0])) == 0.5
    assert equal_error_rate(roc([3.0, 1.0], [2.0, 0.0, -1.0])) == pytest.approx(1 / 3)


@pytest.mark.parametrize(("high", "low"), [([], [1.0]), ([1.0], []), ([np.nan], [1.0]), ([1.0], [np.nan])])
def test_one_kind_alone_and_nan_are_errors(high, low):
    with pytest.raises(UsageError, match="at least one of each and none of them NaN"):
        roc(high, low)


def test_lengths_must_agree():
    with pytest.raises(UsageError, match="got 2 scores and 3 labels"):
        Ranking.of([0.0, 1.0], [True, False, True])
