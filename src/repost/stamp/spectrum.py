"""The Fourier transform of an estimate, read where the frequencies of a turned and stretched tile lie."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from repost.stamp.tile import TILE_CELLS, lattice
from repost.stamp.views import views_of

_PADDING = 3  # of the transform: the nearest of its frequencies is then off by 3 % of the correlation


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

    def through_views(self) -> NDArray[np.complex64]:
        """The tile's coefficients, as every view of this grid has them.

        Returns:
            complex64 (views, half of the frequencies).
        """
        return self._at(*_places_of_views(self.level, len(self.values), self.columns))

    def through(self, matrices: NDArray[np.float64]) -> NDArray[np.complex64]:
        """The tile's coefficients through maps of one's own.

        Args:
            matrices: float64 (maps, 2, 2), from cycles per cell of the tile to cycles per cell of this grid.

        Returns:
            complex64 (maps, half of the frequencies).
        """
        return self._at(*_places(len(self.values), self.columns, matrices))

    def _at(self, places: NDArray[np.int32], mirrored: NDArray[np.bool_]) -> NDArray[np.complex64]:
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


def turned(angle_rad: NDArray[np.float64], ratio: NDArray[np.float64]) -> NDArray[np.float64]:
    """Maps of frequencies that turn and scale.

    Args:
        angle_rad: (n,).
        ratio: (n,), side of a grid cell in cells of the tile.

    Returns:
        (n, 2, 2), vertical first.
    """
    cosine, sine = ratio * np.cos(angle_rad), ratio * np.sin(angle_rad)
    return np.stack([cosine, -sine, sine, cosine], -1).reshape(-1, 2, 2)


@lru_cache(maxsize=16)
def _places_of_views(level: int, rows: int, columns: int) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    views = views_of(level)
    return _places(rows, columns, turned(views.angle_rad, views.ratio))


def _places(rows: int, columns: int, matrices: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Index into the half transform of the nearest frequency, and whether the conjugate stands there; (maps, n)."""
    found = lattice()
    seen = matrices @ (found.frequencies[found.half].T / TILE_CELLS)
    down, across = np.rint(seen[:, 0] * rows).astype(np.int32), np.rint(seen[:, 1] * columns).astype(np.int32)
    mirrored = across < 0
    down, across = np.where(mirrored, -down, down), np.abs(across)
    return (down % rows) * (columns // 2 + 1) + across, mirrored
