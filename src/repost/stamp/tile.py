"""The pattern that stands behind every stamp: a periodic tile whose shape the key decides.

A tile is 64 x 64 cells, holds only frequencies of a band, and looks the same after every flip and quarter turn (the
dihedral group of the square), so that a mirrored or turned photo needs no search of its own. Such tiles form a space
of `lattice().dimensions` dimensions; a key is a direction in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repost.stamp.key import Direction

TILE_CELLS = 64
LOWEST, HIGHEST = 5.0, 22.0
"""The band, in cycles per tile. With 96 cells on a photo's short side it is 7.5 to 33 cycles per short side: below,
photographs are too strong; above, too little survives a small picture."""


@dataclass(frozen=True, slots=True)
class Lattice:
    """The frequencies of a tile.

    Attributes:
        frequencies: int (n, 2), cycles per tile as (vertical, horizontal); all of the band.
        orbit: int (n,), which frequencies the symmetries carry into each other.
        orbit_sizes: int (dimensions,), 4 or 8.
        half: Which of `frequencies` have horizontal >= 0, sorted by orbit: enough for a real tile.
        half_weight: float32, of each of `half`, how many of `frequencies` it stands for: 1 or 2.
    """

    frequencies: NDArray[np.int64]
    orbit: NDArray[np.int64]
    orbit_sizes: NDArray[np.int64]
    half: NDArray[np.int64]
    half_weight: NDArray[np.float32]

    @property
    def dimensions(self) -> int:
        """How many numbers a symmetric tile has."""
        return len(self.orbit_sizes)

    def spread(self, direction: Direction) -> NDArray[np.float64]:
        """Coefficients of the tile of a direction.

        A tile that is symmetric about its first cell has real coefficients, equal within an orbit. They are scaled so
        that lengths and angles between directions are those between tiles.

        Args:
            direction: (dimensions,).

        Returns:
            (n,), real, of the same Euclidean length.
        """
        return (direction / np.sqrt(self.orbit_sizes))[self.orbit]


@lru_cache(maxsize=1)
def lattice() -> Lattice:
    """The frequencies of every tile."""
    steps = np.fft.fftfreq(TILE_CELLS, 1 / TILE_CELLS).astype(np.int64)
    vertical, horizontal = np.meshgrid(steps, steps, indexing="ij")
    radius = np.hypot(vertical, horizontal)
    inside = (radius >= LOWEST) & (radius <= HIGHEST)
    frequencies = np.stack([vertical[inside], horizontal[inside]], 1)
    corners = np.sort(np.abs(frequencies), axis=1)
    _, orbit, sizes = np.unique(corners, axis=0, return_inverse=True, return_counts=True)
    orbit = orbit.reshape(-1)
    half = np.flatnonzero(frequencies[:, 1] >= 0)
    half = half[np.argsort(orbit[half], kind="stable")]
    weight = np.where(frequencies[half, 1] == 0, 1, 2).astype(np.float32)
    return Lattice(frequencies, orbit, sizes, half, weight)


def tile_of(direction: Direction) -> NDArray[np.float32]:
    """The tile of a key's direction.

    Args:
        direction: (dimensions,).

    Returns:
        float32 (64, 64), mean 0, root mean square 1, symmetric about cell (0, 0).
    """
    found = lattice()
    spectrum = np.zeros((TILE_CELLS, TILE_CELLS))
    spectrum[found.frequencies[:, 0], found.frequencies[:, 1]] = found.spread(direction)
    tile = np.fft.ifft2(spectrum).real
    return (tile / np.sqrt(np.square(tile).mean())).astype(np.float32)


def lay(tile: NDArray[np.float32], size: tuple[int, int], *, shift: tuple[int, int]) -> NDArray[np.float32]:
    """Cover a grid with a tile.

    Args:
        tile: float32 (64, 64).
        size: Height and width of the grid, cells.
        shift: Cells by which the tile is moved down and to the right.

    Returns:
        float32 (height, width).
    """
    rows = (np.arange(size[0]) - shift[0]) % TILE_CELLS
    columns = (np.arange(size[1]) - shift[1]) % TILE_CELLS
    return tile[np.ix_(rows, columns)]
