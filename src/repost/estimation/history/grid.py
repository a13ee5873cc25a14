"""At which grid phases JPEG blocks may lie: a cheap look at all 64, to spare all but a few the full likelihood."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from repost.estimation.history.blocks import BLOCK_PX, PHASES, Planes, sliding_coefficients

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TILE_PX = 128  # enough to rank phases by; a larger tile costs more time than the ranking is worth
_SMALL = 0.6  # a coefficient that was quantised to 0 is rounding noise of standard deviation 0.29


def likely_phases(planes: Planes, *, most: int) -> list[tuple[int, int]]:
    """The phases at which coefficients look quantised, best first.

    Args:
        planes: Of the picture.
        most: How many phases to return.

    Returns:
        (x, y) in 0..7 each: those where coefficients are nearest to integers, whatever the steps are, and those where
        most are 0. The first finds fine tables, the second coarse ones.
    """
    tile = _busiest_tile(planes)
    coefficients = sliding_coefficients(tile[0])
    integral, empty = _evidence(coefficients)
    x_px, y_px = tile[1]
    orders = [np.argsort(-evidence, axis=None) for evidence in (integral + empty, integral, empty)]
    ranked = dict.fromkeys(int(phase) for phases in zip(*orders, strict=True) for phase in phases)
    found = [PHASES[phase] for phase in list(ranked)[:most]]
    return [((x + x_px) % BLOCK_PX, (y + y_px) % BLOCK_PX) for x, y in found]


def _evidence(coefficients: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two scores of shape (8, 8), rows for y and columns for x, each in standard errors of the mean phase."""
    size = np.abs(coefficients)
    size[..., 0, 0] = 0
    small = size < _SMALL
    off = np.abs(size - np.rint(size))  # mean 1/4 where no lattice is, 0.197 on one
    off -= np.float32(0.25)
    off[small] = 0
    integral, empty, count = (
        np.array([[part[y::BLOCK_PX, x::BLOCK_PX].sum() for x in range(BLOCK_PX)] for y in range(BLOCK_PX)])
        for part in (-off.sum(axis=(2, 3)), small.sum(axis=(2, 3)), np.full(size.shape[:2], BLOCK_PX**2))
    )
    nonzero = np.maximum(count - empty, 1)
    share = empty / count
    deviation = np.sqrt(1 / 48)  # of |distance to the nearest integer| where no lattice is
    spread = np.sqrt(np.maximum(share.mean() * (1 - share.mean()), 1e-6) / count)
    return integral / np.sqrt(nonzero) / deviation, (share - share.mean()) / spread


def _busiest_tile(planes: Planes) -> tuple[NDArray[np.float32], tuple[int, int]]:
    """The part with most unsaturated texture, and where it begins (x, y)."""
    luma, saturated = planes.luma, planes.saturated
    height, width = luma.shape
    if max(height, width) <= _TILE_PX:
        return luma, (0, 0)
    change = (np.abs(np.diff(luma[:, :-1], axis=0)) + np.abs(np.diff(luma[:-1], axis=1))) > 0
    useful = change & ~saturated[:-1, :-1]
    total = np.pad(useful.cumsum(axis=0, dtype=np.int64).cumsum(axis=1), ((1, 0), (1, 0)))

    def usefulness(corner: tuple[int, int]) -> int:
        x, y = corner
        right, bottom = min(x + _TILE_PX, width - 1), min(y + _TILE_PX, height - 1)
        return int(total[bottom, right] - total[y, right] - total[bottom, x] + total[y, x])

    corners = [(x, y) for y in _starts(height) for x in _starts(width)]
    x_px, y_px = max(corners, key=usefulness)
    return luma[y_px : y_px + _TILE_PX, x_px : x_px + _TILE_PX], (x_px, y_px)


def _starts(side_px: int) -> range | list[int]:
    last = max(side_px - _TILE_PX, 0)
    return sorted({*range(0, last, _TILE_PX // 2), last})
