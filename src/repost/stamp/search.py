"""Looking for a key's tile in an estimate of the residual, turned, scaled, stretched and shifted in every way."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

from repost.stamp.null import log_evidence
from repost.stamp.spectrum import Spectrum, turned
from repost.stamp.tile import TILE_CELLS, lattice
from repost.stamp.views import FINE_ANGLES_RAD, FINE_ZOOMS, STRETCHES, UNSTRETCHED, View, views_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repost.stamp.key import Direction

_SURFACE = 48  # shifts along each side that are tried at first; above twice the highest frequency
_KEPT = 16  # of the views, to be looked at closely
_STRETCHED = 2  # of those, to be stretched as well
_FINE_STEP = 2 / 3  # cells
_FINE_SHIFTS = _FINE_STEP * np.array([-2, -1, 0, 1, 2])
_NEAR_SHIFTS = _FINE_STEP * np.array([-1, 0, 1])


@dataclass(frozen=True, slots=True)
class Match:
    """How well a key fits a picture.

    Attributes:
        log_e: Natural logarithm of the e-value over all views and shifts; see `null`.
        cosine: Of the best view and shift.
        view: The best view.
    """

    log_e: float
    cosine: float
    view: View


@dataclass(frozen=True, slots=True)
class Candidate:
    """A view that deserves a closer look.

    Attributes:
        view: How the picture may have been turned and cut.
        shift: Cells by which the tile lies down and to the right.
        prior: Belief in the view beforehand.
        estimate: Natural logarithm of its evidence, roughly.
    """

    view: View
    shift: tuple[float, float]
    prior: float
    estimate: float


def search(spectra: Mapping[int, Spectrum], direction: Direction) -> Match:
    """Try every view and shift.

    Args:
        spectra: By level.
        direction: Of the key.

    Returns:
        The evidence, and where it is strongest.
    """
    candidates = [candidate for spectrum in spectra.values() for candidate in promising(spectrum, direction)]
    return look_closely(spectra, candidates, direction)


def promising(spectrum: Spectrum, direction: Direction) -> list[Candidate]:
    """Try every view and shift of one grid roughly.

    Args:
        spectrum: Of the grid's estimate.
        direction: Of the key.

    Returns:
        The best shift of the most promising views.
    """
    found, views = lattice(), views_of(spectrum.level)
    half = found.frequencies[found.half]
    coefficients = spectrum.through_views()
    power = np.square(coefficients.real) + np.square(coefficients.imag)
    length = np.sqrt(power @ found.half_weight) + 1e-12
    product = np.zeros((len(views), _SURFACE, _SURFACE // 2 + 1), np.complex64)
    product[:, half[:, 0], half[:, 1]] = coefficients * found.spread(direction)[found.half].astype(np.float32)
    surface = fft.irfft2(product, s=(_SURFACE, _SURFACE), overwrite_x=True).reshape(len(views), -1)
    best = surface.argmax(1)
    cosine = surface[np.arange(len(views)), best].astype(np.float64) * _SURFACE**2 / length
    # the length should be that of the symmetric part alone; of noise it is as much smaller as the tiles' space
    estimate = log_evidence(cosine * np.sqrt(len(found.orbit) / found.dimensions), found.dimensions)
    estimate += np.log(views.prior)
    cells = TILE_CELLS / _SURFACE
    return [
        Candidate(
            View(views.level, float(views.angle_rad[index]), float(views.ratio[index])),
            (float(best[index] // _SURFACE * cells), float(best[index] % _SURFACE * cells)),
            float(views.prior[index]),
            float(estimate[index]),
        )
        for index in np.argsort(-estimate)[:_KEPT]
    ]


def look_closely(spectra: Mapping[int, Spectrum], candidates: Sequence[Candidate], direction: Direction) -> Match:
    """Weigh the most promising candidates exactly.

    Args:
        spectra: By level.
        candidates: Of all of them, at least one.
        direction: Of the key.

    Returns:
        The evidence, and where it is strongest.
    """
    kept = sorted(candidates, key=lambda candidate: -candidate.estimate)[:_KEPT]
    looks = [_Look(spectra[candidate.view.level], candidate, direction) for candidate in kept]
    for look in looks:
        look.about()
    looks.sort(key=lambda look: -look.best.cosine)
    for look in looks[:_STRETCHED]:
        look.stretched()
    best = max(looks, key=lambda look: look.best.cosine).best
    view = View(best.level, float(best.angle_rad), float(best.ratio))
    return Match(float(np.logaddexp.reduce([look.log_e for look in looks])), best.cosine, view)


@dataclass(frozen=True, slots=True)
class _Found:
    cosine: float
    level: int
    fine: int
    stretch: int
    angle_rad: float
    ratio: float
    shift: tuple[float, float]


class _Look:
    """A close look at one candidate: which of the hypotheses about it hold, and their share of the mixture."""

    def __init__(self, spectrum: Spectrum, candidate: Candidate, direction: Direction) -> None:
        self._spectrum, self._direction = spectrum, direction.astype(np.float32)
        self._angle_rad = candidate.view.angle_rad + np.repeat(FINE_ANGLES_RAD, len(FINE_ZOOMS))
        self._ratio = candidate.view.ratio * np.tile(FINE_ZOOMS, len(FINE_ANGLES_RAD))
        self._prior = candidate.prior / len(self._ratio) / (TILE_CELLS / _FINE_STEP) ** 2
        self._shift = candidate.shift
        self.log_e = -math.inf
        self.best = _Found(-1.0, spectrum.level, 0, UNSTRETCHED, 0.0, 1.0, candidate.shift)

    def about(self) -> None:
        """Turn, zoom and shift a little."""
        fine = np.arange(len(self._ratio))
        self._weigh(fine, np.full_like(fine, UNSTRETCHED), self._shift, _FINE_SHIFTS)

    def stretched(self) -> None:
        """Stretch about the best, then turn and zoom what is stretched best."""
        others = np.delete(np.arange(len(STRETCHES)), UNSTRETCHED)
        self._weigh(np.full_like(others, self.best.fine), others, self.best.shift, _NEAR_SHIFTS)
        if self.best.stretch != UNSTRETCHED:
            fine = np.delete(np.arange(len(self._ratio)), self.best.fine)
            self._weigh(fine, np.full_like(fine, self.best.stretch), self.best.shift, _NEAR_SHIFTS)

    def _weigh(
        self,
        fine: NDArray[np.int64],
        stretch: NDArray[np.int64],
        shift: tuple[float, float],
        moves: NDArray[np.float64],
    ) -> None:
        maps = STRETCHES[stretch] @ turned(self._angle_rad[fine], self._ratio[fine])
        cosine = cosines(self._spectrum.through(maps), self._direction, shift, moves)
        prior = np.where(stretch == UNSTRETCHED, 0.5, 0.5 / (len(STRETCHES) - 1)) * self._prior
        weighed = log_evidence(cosine, len(self._direction)) + np.log(prior)[:, None]
        self.log_e = float(np.logaddexp(self.log_e, np.logaddexp.reduce(weighed, axis=None)))
        row, column = divmod(int(cosine.argmax()), cosine.shape[1])
        if cosine[row, column] > self.best.cosine:
            index, (down, across) = int(fine[row]), divmod(column, len(moves))
            self.best = _Found(
                float(cosine[row, column]),
                self.best.level,
                index,
                int(stretch[row]),
                self._angle_rad[index],
                self._ratio[index],
                (shift[0] + float(moves[down]), shift[1] + float(moves[across])),
            )


def cosines(
    coefficients: NDArray[np.complex64],
    direction: NDArray[np.float32],
    shift: tuple[float, float],
    moves: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Exact cosines between a key's direction and what a picture shows.

    Args:
        coefficients: complex64 (maps, half of the frequencies), of the estimate.
        direction: float32 (dimensions,).
        shift: Cells down and to the right, about which is shifted.
        moves: (m,), cells; along both sides.

    Returns:
        (maps, m * m), in [-1, 1].
    """
    found = lattice()
    half = found.frequencies[found.half]
    down, across = (np.exp(2j * np.pi / TILE_CELLS * np.outer(half[:, axis], shift[axis] + moves)) for axis in (0, 1))
    waves = (down[:, :, None] * across[:, None, :]).reshape(len(half), -1).astype(np.complex64)
    weighted = coefficients * found.half_weight
    # the feature: the part of the shifted estimate that is as symmetric as every tile, so its imaginary part is none
    moved = np.multiply(weighted.real[:, :, None], waves.real)
    moved -= np.multiply(weighted.imag[:, :, None], waves.imag)
    feature = np.add.reduceat(moved, _orbit_starts(), axis=1)
    feature *= (1 / np.sqrt(found.orbit_sizes)).astype(np.float32)[:, None]
    length = np.sqrt(np.einsum("vds,vds->vs", feature, feature)) + 1e-12
    return np.einsum("vds,d->vs", feature, direction).astype(np.float64) / length


@lru_cache(maxsize=1)
def _orbit_starts() -> NDArray[np.int64]:
    found = lattice()
    return np.searchsorted(found.orbit[found.half], np.arange(found.dimensions))
