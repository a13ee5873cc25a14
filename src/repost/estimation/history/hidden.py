"""An earlier quantisation at the same grid phase, below the last one.

The first quantisation put every coefficient on its own lattice; the second moved each to the nearest multiple of the
second step. So some multiples hold none and others too many, in a pattern that the pair of steps fixes. Every earlier
step is weighed by the chance it gives the multiples that are there, against the chance without it. In drawn and
repetitive pictures counts scatter more than chance allows, whatever the step; evidence then weighs less by that much.

References:
    Lukáš and Fridrich 2003, "Estimation of primary quantization matrix in double compressed JPEG images".
    McCullagh and Nelder 1989, "Generalized Linear Models", 4.5 for overdispersion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from repost.estimation.history.likelihood import QUALITIES, luma_tables
from repost.estimation.history.multiples import SPREADS, activity_of, fit_steps, normal_below, peak

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from repost.estimation.history.layers import PartTable
    from repost.estimation.history.likelihood import Reals

_SPREAD_ROOM = 0.2  # how far a frequency's spread typically lies from that of the picture
_USUAL_DISPERSION = 2.5  # of files saved once: sparse counts are less likely than the fit's freedom makes one expect
_STRAY_DC_SHARE = 0.05
_DC_DEVIATION = 0.5  # more than other frequencies have: in a nearly even block all samples are rounded the same way
_MOST_DC_NATS = 10.0  # even areas crowd DC into few multiples; those of one picture gave a false table 94
_FEWEST_NONZERO = 6  # a frequency with fewer multiples other than 0 is not asked
# Set on photographs that were compressed once (the tuning sources of benchmarks/blind.py).
_LEAST_GAIN_NATS = 10.0
# On photographs compressed twice by IJG tables at most 82; with one step of the first table changed by 2: 95 and more.
_OTHER_STEP_NATS = 90.0


@dataclass(frozen=True, slots=True)
class HiddenTable:
    """The luma table of an earlier layer.

    Attributes:
        quality: IJG quality, the likeliest.
        steps: Its table, with None where another step is clearly likelier: then it is no IJG table.
        gain_nats: Log-likelihood over there being no earlier layer.
        margin_nats: Log-likelihood over the next best quality.
    """

    quality: int
    steps: PartTable
    gain_nats: float
    margin_nats: float


def hidden_table(multiples: NDArray[np.integer], steps: Sequence[int], *, rounded: bool) -> HiddenTable | None:
    """The earlier table at the same grid phase.

    Args:
        multiples: (n, 64) quantised coefficients of the last layer in natural order.
        steps: Its 64 steps.
        rounded: Whether the multiples were read off rounded pixels, which makes those of step 1 uncertain.

    Returns:
        None where there is no sign of one.
    """
    tables = luma_tables()
    sizes = np.abs(multiples)
    dc_gain = np.minimum(_dc_gain(sizes[:, 0], int(steps[0]), tables[:, 0]), _MOST_DC_NATS)
    found, dispersion = _fits(sizes, steps, rounded=rounded)
    total = _gain(found) / np.maximum(dispersion / _USUAL_DISPERSION, 1) + dc_gain
    total[(tables == np.asarray(steps)).all(axis=1)] = 0
    best = int(total.argmax())
    margin_nats = float(total[best] - np.delete(total, best).max())
    if total[best] < _LEAST_GAIN_NATS:
        return None
    likelihood = peak(found)[:, 1:]
    lost = likelihood.max(axis=1) - likelihood[:, best]
    pairs = zip(tables[best], lost < _OTHER_STEP_NATS, strict=True)
    steps_told = tuple(int(step) if fits else None for step, fits in pairs)
    return HiddenTable(int(QUALITIES[best]), steps_told, float(total[best]), margin_nats)


def _fits(sizes: NDArray[np.integer], steps: Sequence[int], *, rounded: bool) -> tuple[Reals, Reals]:
    """Fit AC without an earlier table and with that of every quality.

    Returns:
        Log-likelihoods (64, 1 + qualities, spreads), 0 for DC and for frequencies that are not asked; and for every
        quality by how much the counts scatter more than its fit makes one expect (deviance by degrees of freedom).
    """
    tables = luma_tables()
    found = np.zeros((64, 1 + len(tables), len(SPREADS)))
    attainable, freedom = 0.0, 0
    activity = activity_of(sizes * np.asarray(steps))
    for frequency in range(1, 64):
        if np.count_nonzero(sizes[:, frequency]) < _FEWEST_NONZERO:
            continue
        earlier, which = np.unique(tables[:, frequency], return_inverse=True)
        fits = fit_steps(
            sizes[:, frequency], activity[:, frequency], earlier, step=int(steps[frequency]), rounded=rounded
        )
        found[frequency] = fits.likelihood[np.concatenate([[0], 1 + which])]
        attainable += fits.attainable
        freedom += fits.freedom
    deviance = 2 * (attainable - peak(found).sum(axis=0)[1:])
    return found, deviance / max(freedom, 1)


def _gain(found: Reals) -> Reals:
    """Log-likelihood of every quality over none, where the spreads of all frequencies are much the same."""
    away = (SPREADS[:, None] - SPREADS) / _SPREAD_ROOM
    by_spread = [peak(found - penalty).sum(axis=0) for penalty in away**2 / 2]
    total = peak(np.stack(by_spread, axis=-1))
    return total[1:] - total[0]


def _dc_gain(sizes: NDArray[np.integer], step: int, earlier: NDArray[np.int64]) -> Reals:
    """The same for DC, whose density is smooth: a multiple is as likely as there are earlier multiples in its bin."""
    values, counts = np.unique(sizes, return_counts=True)
    low, high = (_multiples_below(step * (values[:, None] + half), earlier) for half in (-0.5, 0.5))
    share = (high - low) * earlier / step
    return counts.astype(np.float64) @ np.log((1 - _STRAY_DC_SHARE) * share + _STRAY_DC_SHARE)


def _multiples_below(edges: NDArray[np.floating[Any]], earlier: NDArray[np.int64]) -> Reals:
    nearest = np.rint(edges / earlier)
    return nearest + normal_below((edges - earlier * nearest) / _DC_DEVIATION)
