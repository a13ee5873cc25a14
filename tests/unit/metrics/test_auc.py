"""The area under the curve against scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from repost.core.errors import UsageError
from repost.metrics import auc


@pytest.mark.parametrize("levels", [3, 20, None])
def test_it_is_that_of_scikit_learn_with_and_without_ties(levels):
    rng = np.random.default_rng(4)
    high, low = rng.normal(0.7, 1, 57), rng.normal(0, 1, 91)
    if levels:
        high, low = np.round(high * levels / 6), np.round(low * levels / 6)
    expected = roc_auc_score([1] * 57 + [0] * 91, np.r_[high, low])
    assert auc(high, low) == pytest.approx(expected, abs=1e-12)


def test_infinities_count_as_the_ends():
    assert auc([np.inf, -np.inf], [0.0]) == 0.5
    assert auc([-np.inf], [-np.inf, 1.0]) == 0.25


@pytest.mark.parametrize(("high", "low"), [([], [1.0]), ([1.0], []), ([np.nan], [1.0])])
def test_nothing_to_compare_is_an_error(high, low):
    with pytest.raises(UsageError, match="at least one of each"):
        auc(high, low)
