"""How likely DCT coefficients are under every quantisation step.

A coefficient of a decoded JPEG is a multiple of its step plus what rounding the pixels to integers added, which is
normal with variance 1/12 because the DCT is orthonormal and mixes 64 rounding errors. The multiples follow a Laplace
distribution cut into bins, whose width is fitted for every step in closed form. All steps and all frequencies are
worked out at once, as one product of the coefficients' histograms with constant tables.

References:
    Fan and de Queiroz 2003, "Identification of bitmap compression history", IEEE Trans. Image Processing 12(2).
    Reininger and Gibson 1983 and Lam and Goodman 2000 for the Laplace distribution of DCT coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from repost.media.jpeg_tables import ijg_tables

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Reals: TypeAlias = NDArray[np.float64]

QUALITIES = np.arange(30, 101)
"""The IJG qualities that are tried."""
LARGEST_STEP = 202
"""The largest step of the luma table at quality 30."""
ROUNDING_VARIANCE = 1 / 12

_BINS_PER_UNIT = 8  # fine beside the noise, whose standard deviation is 0.29
_LARGEST = 160  # larger coefficients are left out: only low frequencies have them, and those have enough others
_BIN_COUNT = _LARGEST * _BINS_PER_UNIT


@dataclass(frozen=True, slots=True)
class Noise:
    """How far from their lattice coefficients lie: a mixture of normal distributions, and strays that lie anywhere.

    Attributes:
        parts: (weight, variance) of each normal distribution; the weights add up to 1.
        stray_share: Of the strays.
    """

    parts: tuple[tuple[float, float], ...]
    stray_share: float


CLEAN = Noise(((0.15, 0.03), (0.75, ROUNDING_VARIANCE + 0.004), (0.1, 0.2)), stray_share=1e-3)
"""Rounding, and the little that an inverse DCT in integers adds. In smooth blocks neighbours are rounded alike, so that
low frequencies get more of the noise and high ones less."""
STAINED = Noise(((0.4, 0.15), (0.3, 0.6), (0.3, 3.0)), stray_share=0.05)
"""Blocks with clipped samples; read off 35 saturated photographs at qualities 60 to 92."""
LENT = Noise(((0.4, 0.15), (0.4, 0.45), (0.2, 3.0)), stray_share=0.1)
"""Blocks of one channel, which is luma plus chroma. Rounding adds up to (1 + 1.772^2 + 1) / 12 where chroma is even, by
the JFIF conversion; where it is not, the coefficients are strays."""
_DC = Noise(CLEAN.parts, stray_share=0.05)
"""In a nearly even block all samples are rounded the same way, which moves DC by up to 4."""


@dataclass(frozen=True, slots=True, eq=False)
class StepScores:
    """Log-likelihoods in nats; axes are 64 frequencies in natural order and steps 1, 2, ... LARGEST_STEP.

    Attributes:
        likelihood: Of the coefficients under each step.
        gain: Over a smooth density, of the coefficients that are not quantised to 0. It is below 0 for all steps where
            no step is right.
        counts: How many coefficients those are.
    """

    likelihood: Reals
    gain: Reals
    counts: Reals

    def __add__(self, other: StepScores) -> StepScores:
        """The scores of both sets of coefficients together."""
        return StepScores(self.likelihood + other.likelihood, self.gain + other.gain, self.counts + other.counts)

    def doubted(self) -> StepScores:
        """The scores where every frequency is as likely to show no step at all, which is what step 1 says."""
        likelihood = np.logaddexp(self.likelihood, self.likelihood[:, :1]) - np.log(2)
        return StepScores(likelihood, np.logaddexp(self.gain, 0) - np.log(2), self.counts)

    def weighted(self, weight: float) -> StepScores:
        """The scores of coefficients that are believed less."""
        return StepScores(weight * self.likelihood, weight * self.gain, weight * self.counts)


def luma_tables() -> NDArray[np.int64]:
    """The luma tables of QUALITIES, shape (71, 64)."""
    return _ijg(0)


def chroma_tables() -> NDArray[np.int64]:
    """The chroma tables of QUALITIES, shape (71, 64)."""
    return _ijg(1)


@cache
def _ijg(which: int) -> NDArray[np.int64]:
    return np.array([ijg_tables(int(quality))[which] for quality in QUALITIES])


def score_steps(coefficients: NDArray[np.floating], noise: Noise = CLEAN) -> StepScores:
    """Weigh every step at every frequency.

    Args:
        coefficients: (n, 64) DCT coefficients in natural order.
        noise: What moved them off the lattice.

    Returns:
        Scores of shape (64, LARGEST_STEP).

    Convention:
        DC follows no Laplace distribution; its density is taken as smooth, so that likelihood and gain are the same.
        Clipping moves DC most, so that it is asked in clean blocks only.
    """
    product = _histograms(coefficients) @ _constants(noise)
    count = product[:, -1:]
    fit, gain, zeros, total = np.split(product[:, :-1].astype(np.float64), 4, axis=1)
    nonzeros = count - zeros
    ratio = laplace_ratio(zeros, nonzeros, total)
    likelihood = laplace_likelihood(zeros, nonzeros, total, ratio) + fit
    likelihood[0] = gain[0] = _smooth_gain(coefficients[:, 0]) if noise is CLEAN else 0.0
    nonzeros[0] = 0
    return StepScores(likelihood, gain, nonzeros)


def total_of(scores: Reals, tables: NDArray[np.int64]) -> Reals:
    """Sum over the 64 frequencies of the scores of each table's steps; shape as `tables` without its last axis."""
    return scores[np.arange(64), tables - 1].sum(axis=-1)


def laplace_ratio(zeros: Reals, nonzeros: Reals, total: Reals) -> Reals:
    """The maximum-likelihood t = exp(-step / 2b) of quantised Laplace data.

    Args:
        zeros: How many values are 0.
        nonzeros: How many are not.
        total: Sum of the absolute values, in steps.

    Returns:
        t in (0, 1). The chance of 0 is 1 - t and that of |m| = k is t^(2k-1) (1 - t^2), so that the likelihood's
        derivative is a quadratic in t.
    """
    square, rest = zeros + 2 * total + nonzeros, 2 * total - nonzeros
    root = np.sqrt(zeros**2 + 4 * square * rest)
    return np.clip((root - zeros) / np.maximum(2 * square, 1), 1e-9, 1 - 1e-9)


def laplace_likelihood(zeros: Reals, nonzeros: Reals, total: Reals, ratio: Reals) -> Reals:
    """Log-likelihood of quantised Laplace data; see `laplace_ratio`."""
    return zeros * np.log1p(-ratio) + (2 * total - nonzeros) * np.log(ratio) + nonzeros * np.log1p(-(ratio**2))


def lattice_density(offsets: Reals, steps: Reals, noise: Noise) -> Reals:
    """Density of a coefficient's distance to the nearest multiple of the step, in 1 / unit.

    Convention:
        The noise reaches over to the next multiples, which matters where the step is 1 or 2.
    """
    normal = sum(
        weight / np.sqrt(2 * np.pi * variance) * np.exp(-((offsets + k * steps) ** 2) / (2 * variance))
        for weight, variance in noise.parts
        for k in (-1, 0, 1)
    )
    return (1 - noise.stray_share) * normal + noise.stray_share / steps


@cache
def _constants(noise: Noise) -> NDArray[np.float32]:
    """By bin of |coefficient|: fit, gain, whether it becomes 0 and multiple for every step; then 1, to count."""
    values = (np.arange(_BIN_COUNT) / _BINS_PER_UNIT)[:, None]
    steps = np.arange(1, LARGEST_STEP + 1, dtype=np.float64)[None, :]
    multiples = np.rint(values / steps)
    offsets = values - steps * multiples
    fit = np.log(lattice_density(offsets, steps, noise))
    nonzero = multiples > 0
    gain = np.where(nonzero, fit + np.log(steps), 0)
    ones = np.ones((_BIN_COUNT, 1))
    return np.concatenate([fit, gain, ~nonzero, multiples, ones], axis=1).astype(np.float32)


def _histograms(coefficients: NDArray[np.floating]) -> NDArray[np.float32]:
    """Counts of |coefficient| per frequency, shape (64, bins); what is too large is left out."""
    bins = np.rint(np.abs(coefficients) * _BINS_PER_UNIT).astype(np.int64)
    flat = (bins + np.arange(64) * _BIN_COUNT)[bins < _BIN_COUNT]
    return np.bincount(flat, minlength=64 * _BIN_COUNT).reshape(64, _BIN_COUNT).astype(np.float32)


_MOST_DC = 300
_LARGEST_DC_STEP = 64  # enough for the luma table down to quality 13; beyond it a DC step counts as unlikely


def _smooth_gain(values: NDArray[np.floating]) -> Reals:
    spread = values[:: max(1, len(values) // _MOST_DC)].astype(np.float64)[:, None]
    steps = np.arange(1, _LARGEST_DC_STEP + 1, dtype=np.float64)[None, :]
    offsets = spread - steps * np.rint(spread / steps)
    found = (np.log(lattice_density(offsets, steps, _DC)) + np.log(steps)).sum(axis=0)
    return np.concatenate([found, np.full(LARGEST_STEP - _LARGEST_DC_STEP, found.min() - 1)])
