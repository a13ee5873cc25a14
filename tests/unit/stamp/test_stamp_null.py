"""Evidence: the null is the sphere's, and mixtures keep the promise of p-values."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from repost.stamp.null import LEAST_Z, log_evidence, log_mean_exponential, tail_probability


@pytest.mark.parametrize("dimensions", [3, 20, 196])
@pytest.mark.parametrize("tilt", [0.5, 5.0, 40.0])
def test_the_mean_of_the_exponential_is_the_integral(dimensions: int, tilt: float) -> None:
    def density(cosine: float) -> float:
        return (1 - cosine**2) ** ((dimensions - 3) / 2)

    above = integrate.quad(lambda c: math.exp(tilt * (c - 1)) * density(c), -1, 1)[0]
    expected = math.log(above / integrate.quad(density, -1, 1)[0]) + tilt
    assert log_mean_exponential(tilt, dimensions) == pytest.approx(expected, rel=1e-6)


def test_evidence_has_mean_one_under_the_null() -> None:
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((400_000, 6))
    cosine = directions[:, 0] / np.linalg.norm(directions, axis=1)
    tilt = 2.0  # as strong as a sample mean can still resolve
    values = np.exp(tilt * cosine - log_mean_exponential(tilt, 6))
    assert values.mean() == pytest.approx(1, abs=5 * values.std() / math.sqrt(len(values)))


def test_evidence_never_exceeds_the_likelihood_of_the_tail() -> None:
    """1 / e-value is an upper bound of the exact tail, by Markov."""
    cosine = np.linspace(-0.9, 0.95, 60)
    assert np.all(tail_probability(cosine, 196) <= np.exp(-log_evidence(cosine, 196)) * (1 + 1e-9))


def test_the_tail_is_that_of_the_sphere() -> None:
    cosine = np.array([-0.4, 0.0, 0.1, 0.5])
    # sqrt(D-1) c / sqrt(1-c^2) is Student's t with D-1 degrees of freedom
    expected = stats.t(9).sf(3 * cosine / np.sqrt(1 - cosine**2))
    assert tail_probability(cosine, 10) == pytest.approx(expected, rel=1e-9)


def test_evidence_grows_where_it_should() -> None:
    at = LEAST_Z / math.sqrt(196)
    low, high = log_evidence(np.array([0.0, at]), 196)
    assert low < 0 < high
