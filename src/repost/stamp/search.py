"""Looking for a key's tile in an estimate of the residual, turned, scaled and shifted in every way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

from repost.stamp.null import log_evidence
from repost.stamp.tile import TILE_CELLS, lattice
from repost.stamp.views import FINE_ANGLES_RAD, FINE_ZOOMS, View, views_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repost.stamp.key import Direction

_PADDING = 3  # of the transform: the nearest of its frequencies is then off by 3 % of the correlation
_SURFACE = 48  # shifts along each side that are tried at first; above twice the highest frequency
_KEPT = 16  # of the views, to be looked at closely
_FINE_SHIFTS = TILE_CELLS / _SURFACE * np.array([-1, -0.5, 0, 0.5, 1])


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
class _Candidate:
    view: View
    shift: tuple[float, float]
    prior: float
    estimate: float


@dataclass(frozen=True, slots=True)
class Spectrum:
    """The Fourier transform of an estimate, fine enough to be read between its frequencies.

    Attributes:
        level: Cells on the short side of the grid.
        values: complex64 (rows, columns // 2 + 1), phases about the picture's middle.
        columns: Of the whole transform.
    """

    level: int
    values: NDArray[np.complex64]
    columns: int

    def at(self, places: NDArray[np.int32], mirrored: NDArray[np.bool_]) -> NDArray[np.complex64]:
        """Read coefficients by place; those of the other half are conjugates."""
        found = self.values.reshape(-1)[places]
        np.negative(found.imag, out=found.imag, where=mirrored)
        return found


def spectrum_of(estimate: NDArray[np.float32], level: int) -> Spectrum:
    """Transform an estimate of the residual.

    Args:
        estimate: float32 (rows, columns).
        level: Cells on the short side.

    Returns:
        Its spectrum.
    """
    rows, columns = (fft.next_fast_len(_PADDING * side, real=True) for side in estimate.shape)
    middle = (-(estimate.shape[0] // 2), -(estimate.shape[1] // 2))
    padded = np.zeros((rows, columns), np.float32)
    padded[: estimate.shape[0], : estimate.shape[1]] = estimate
    values = fft.rfft2(np.roll(padded, middle, (0, 1)))
    return Spectrum(level, np.asarray(values, np.complex64), columns)


def search(spectra: Mapping[int, Spectrum], direction: Direction) -> Match:
    """Try every view and shift.

    Args:
        spectra: By level.
        direction: Of the key.

    Returns:
        The evidence, and where it is strongest.
    """
    candidates = sorted(
        (candidate for spectrum in spectra.values() for candidate in _coarse(spectrum, direction)),
        key=lambda candidate: -candidate.estimate,
    )[:_KEPT]
    found = [_closely(spectra[candidate.view.level], candidate, direction) for candidate in candidates]
    log_e = float(np.logaddexp.reduce([match.log_e for match in found]))
    best = max(found, key=lambda match: match.cosine)
    return Match(log_e, best.cosine, best.view)


def _coarse(spectrum: Spectrum, direction: Direction) -> list[_Candidate]:
    """The best shift of the most promising views; the cosine is not yet exact."""
    found, views = lattice(), views_of(spectrum.level)
    half = found.frequencies[found.half]
    coefficients = spectrum.at(*_places(spectrum.level, len(spectrum.values), spectrum.columns))
    twice = np.where(half[:, 1] == 0, 1, 2)
    length = np.sqrt(np.square(np.abs(coefficients)) @ twice) + 1e-12
    product = np.zeros((len(views), _SURFACE, _SURFACE // 2 + 1), np.complex64)
    product[:, half[:, 0], half[:, 1]] = coefficients * found.spread(direction)[found.half].astype(np.float32)
    surface = fft.irfft2(product, s=(_SURFACE, _SURFACE), overwrite_x=True).reshape(len(views), -1)
    best = surface.argmax(1)
    cosine = surface[np.arange(len(views)), best].astype(np.float64) * _SURFACE**2 / length
    estimate = log_evidence(cosine * np.sqrt(len(found.orbit) / found.dimensions), found.dimensions)
    estimate += np.log(views.prior)
    cells = TILE_CELLS / _SURFACE
    return [
        _Candidate(
            View(views.level, float(views.angle_rad[index]), float(views.ratio[index])),
            (float(best[index] // _SURFACE * cells), float(best[index] % _SURFACE * cells)),
            float(views.prior[index]),
            float(estimate[index]),
        )
        for index in np.argsort(-estimate)[:_KEPT]
    ]


def _closely(spectrum: Spectrum, candidate: _Candidate, direction: Direction) -> Match:
    """Exact cosines of the views and shifts about a candidate, and their share of the mixture."""
    found = lattice()
    turned = candidate.view.angle_rad + np.repeat(FINE_ANGLES_RAD, len(FINE_ZOOMS))
    ratio = candidate.view.ratio * np.tile(FINE_ZOOMS, len(FINE_ANGLES_RAD))
    size = (len(spectrum.values), spectrum.columns)
    coefficients = spectrum.at(*_place(found.frequencies, size, angle_rad=turned, ratio=ratio))
    down, across = (part.ravel() for part in np.meshgrid(_FINE_SHIFTS, _FINE_SHIFTS, indexing="ij"))
    shifts = np.stack([candidate.shift[0] + down, candidate.shift[1] + across])
    waves = np.exp(2j * np.pi / TILE_CELLS * (found.frequencies @ shifts)).astype(np.complex64)
    # the feature: the part of the shifted estimate that is as symmetric as every tile
    moved = (coefficients[:, :, None] * waves).real
    feature = _over_orbits(moved) / np.sqrt(found.orbit_sizes)[:, None]
    cosine = np.einsum("vds,d->vs", feature, direction) / (np.linalg.norm(feature, axis=1) + 1e-12)
    shared = candidate.prior / (len(turned) * (TILE_CELLS / (_FINE_SHIFTS[1] - _FINE_SHIFTS[0])) ** 2)
    log_e = float(np.logaddexp.reduce(log_evidence(cosine, found.dimensions), axis=None)) + float(np.log(shared))
    best = int(cosine.max(1).argmax())
    view = View(candidate.view.level, float(turned[best]), float(ratio[best]))
    return Match(log_e, float(cosine.max()), view)


def _over_orbits(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Sums over orbits along the second axis."""
    order, starts = _orbit_order()
    return np.add.reduceat(values[:, order].astype(np.float64), starts, axis=1)


@lru_cache(maxsize=1)
def _orbit_order() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    found = lattice()
    order = np.argsort(found.orbit, kind="stable")
    return order, np.concatenate([[0], np.cumsum(found.orbit_sizes)[:-1]])


@lru_cache(maxsize=16)
def _places(level: int, rows: int, columns: int) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    found, views = lattice(), views_of(level)
    return _place(found.frequencies[found.half], (rows, columns), angle_rad=views.angle_rad, ratio=views.ratio)


def _place(
    frequencies: NDArray[np.int64],
    size: tuple[int, int],
    *,
    angle_rad: NDArray[np.float64],
    ratio: NDArray[np.float64],
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Where the tile's frequencies are in a spectrum, seen through views.

    Args:
        frequencies: (n, 2), vertical and horizontal, cycles per tile.
        size: Rows and columns of the whole transform.
        angle_rad: (views,).
        ratio: (views,).

    Returns:
        Index into the half transform, and whether the conjugate stands there; both (views, n).
    """
    per_cell = frequencies / TILE_CELLS
    cosine, sine = (ratio * np.cos(angle_rad))[:, None], (ratio * np.sin(angle_rad))[:, None]
    down = np.rint((cosine * per_cell[:, 0] - sine * per_cell[:, 1]) * size[0]).astype(np.int32)
    across = np.rint((sine * per_cell[:, 0] + cosine * per_cell[:, 1]) * size[1]).astype(np.int32)
    mirrored = across < 0
    down, across = np.where(mirrored, -down, down), np.abs(across)
    return (down % size[0]) * (size[1] // 2 + 1) + across, mirrored
