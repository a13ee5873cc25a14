"""Thresholds from scores of pictures without a stamp."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.stats import binomtest
from skimage import data

from repost.core.errors import UsageError
from repost.stamp import load_model
from repost.stamp.calibration import RATES, Calibration, calibrate, upper_bound


@pytest.mark.parametrize(("above", "n"), [(0, 100), (3, 5000), (17, 20), (20, 20)])
def test_the_bound_is_clopper_pearsons(above: int, n: int) -> None:
    # one-sided 95 % is the upper end of the two-sided 90 %
    assert upper_bound(above, n) == pytest.approx(binomtest(above, n).proportion_ci(0.90).high, abs=1e-9)


def test_a_score_is_reached_no_more_often_than_its_rate_allows() -> None:
    scores = np.sort(np.random.default_rng(0).exponential(1, 20_000))
    known = Calibration(tuple(scores), 200, 100)
    for rate in RATES:
        score = known.score_at(rate)
        assert score is not None
        above = int((scores >= score).sum())
        assert upper_bound(above, len(scores)) <= rate
        assert upper_bound(int((scores >= score - 0.3).sum()), len(scores)) > rate  # and no higher than needed


def test_no_more_is_claimed_than_the_scores_allow() -> None:
    few = Calibration(tuple(np.linspace(-3, 1, 500)), 5, 100)
    assert few.score_at(1e-3) is None
    with pytest.raises(UsageError, match="more photographs or keys"):
        few.apply(load_model().facts)


def test_facts_take_thresholds_and_rates() -> None:
    scores = np.sort(np.random.default_rng(0).exponential(1, 20_000))
    facts = Calibration(tuple(scores), 200, 100).apply(load_model().facts)
    assert facts.uncertain_score < facts.stamped_score
    assert [one.rate for one in facts.null_scores] == list(RATES)
    assert [one.score for one in facts.null_scores] == sorted(one.score for one in facts.null_scores)
    assert "20000 scores of 200 photographs" in facts.calibration


def test_photographs_are_scanned_under_many_keys(tmp_path: Path) -> None:
    for name, pixels in {"a": data.astronaut(), "c": data.coffee()}.items():
        Image.fromarray(pixels[:200, :200]).save(tmp_path / f"{name}.png")
    *_, known = calibrate(load_model(), sorted(tmp_path.iterdir()), keys=5)
    assert (known.photos, known.keys, len(known.scores)) == (2, 5, 10)
    assert list(known.scores) == sorted(known.scores)
    with pytest.raises(UsageError, match="no photographs"):
        next(calibrate(load_model(), []))
