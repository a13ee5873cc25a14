"""Views: beliefs that sum to one, angles and zooms without gaps."""

import numpy as np
import pytest

from repost.stamp.views import FINE_ZOOMS, LEVELS, STRETCHES, UNSTRETCHED, views_of


def test_beliefs_sum_to_one() -> None:
    assert sum(views_of(level).prior.sum() for level in LEVELS) == pytest.approx(1)


def test_zooms_of_all_levels_have_no_gap() -> None:
    shares = np.unique([level * ratio / 96 for level in LEVELS for ratio in views_of(level).ratio])
    steps = np.diff(np.log(shares))
    assert steps.max() < 0.036
    assert shares.min() < 0.45
    assert shares.max() > 1.6


def test_the_photo_as_it_was_is_one_of_them() -> None:
    views = views_of(96)
    likeliest = views.prior.argmax()
    assert views.angle_rad[likeliest] == 0
    assert views.ratio[likeliest] == pytest.approx(1)


def test_angles_go_round_a_quarter_turn() -> None:
    degrees = np.unique(np.round(np.degrees(views_of(68).angle_rad), 6))
    assert np.diff(degrees) == pytest.approx(2)
    assert degrees[-1] - degrees[0] == pytest.approx(88)


def test_fine_steps_divide_the_coarse_ones() -> None:
    coarse = np.unique(views_of(96).ratio)
    assert (FINE_ZOOMS[2] / FINE_ZOOMS[0]) ** 1.5 == pytest.approx(coarse[1] / coarse[0])
    assert pytest.approx(np.eye(2)) == STRETCHES[UNSTRETCHED]
