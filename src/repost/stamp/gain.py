"""How strong a stamp must be: as weak as still is found, picture by picture.

Photographs differ four-fold in how well one and the same residual is found again; those that hide it badly from the eye
give it away easily to the scan. So the residual is scaled until the scan of the picture itself has the evidence that
experience says survives what networks do. In flat pictures a residual can be found with ease and yet vanish in the
first JPEG file, below its smallest step; so the picture is compressed in a few ways, as a rehearsal.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from repost.stamp.grid import STAMP_CELLS, Grid, add_residual, cell_means, luma_of
from repost.stamp.jpeg import saved_as_jpeg
from repost.stamp.tile import TILE_CELLS, lattice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repost.stamp.model import StampModel

WANTED_Z = 24.0
"""Standard deviations of the null that the carrier itself shall reach on the grid. A crop to half of the side quarters
the cells and halves it; the search then needs 7. Chosen on photographs for training and validation."""

REHEARSED_Z = 18.0
"""What it shall reach after the rehearsal."""

LEAST_GAIN, MOST_GAIN = 0.5, 3.0
MOST_LEVELS = 7.9
LEAST_PSNR_DB = 39.5
_GAINS = np.geomspace(LEAST_GAIN, MOST_GAIN, 20)
_REHEARSAL_QUALITIES = (50, 40, 71)  # which of them a flat grey is lost in depends on its level
_REHEARSAL_PX = 384  # at most, of the short side: networks make pictures no smaller


def needed_gain(
    luma: NDArray[np.float32],
    mean: NDArray[np.float32],
    residual: NDArray[np.float32],
    carrier: NDArray[np.float32],
    model: StampModel,
) -> float:
    """The least gain at which a picture's own scan reaches what is wanted, before and after a rehearsal.

    Args:
        luma: float32 HW in [0, 1], of the picture.
        mean: float32 (rows, columns), luma of the cells.
        residual: At gain 1, 8-bit levels.
        carrier: The key's tile as it lies on the picture.
        model: The model.

    Returns:
        0.5 to 3; less where a value would change by more than 7.9 levels or the picture would fall below 39.5 dB, even
        if the evidence then is weaker.
    """
    psnr_db = 20 * math.log10(255) - 10 * math.log10(float(np.square(residual).mean()) + 1e-9)
    loudest = float(np.abs(residual).max()) + 1e-9
    allowed = min(MOST_GAIN, MOST_LEVELS / loudest, 10 ** ((psnr_db - LEAST_PSNR_DB) / 20))
    gains = [*(float(gain) for gain in _GAINS if gain < allowed), allowed]

    def on_grid(gain: float) -> bool:
        shown = np.add(mean, residual * np.float32(gain / 255), dtype=np.float32)
        return own_z(model.estimate(shown), carrier) >= WANTED_Z

    found = _least(gains, on_grid)
    small, grid = _small(luma, mean.shape)

    def rehearsed(gain: float) -> bool:
        stamped = add_residual(small, residual * np.float32(gain), grid)
        shared = (saved_as_jpeg(stamped, quality) for quality in _REHEARSAL_QUALITIES)
        return all(own_z(model.estimate(cell_means(luma_of(grey), grid)), carrier) >= REHEARSED_Z for grey in shared)

    return _least([gain for gain in gains if gain >= found], rehearsed)


def _least(gains: list[float], enough: Callable[[float], bool]) -> float:
    """The first gain that is enough, and the last if none is; the evidence grows with strength."""
    if enough(gains[0]):
        return gains[0]
    low, high = 1, len(gains) - 1
    while low < high:
        middle = (low + high) // 2
        if enough(gains[middle]):
            high = middle
        else:
            low = middle + 1
    return gains[min(low, len(gains) - 1)]


def _small(luma: NDArray[np.float32], cells: tuple[int, ...]) -> tuple[NDArray[np.uint8], Grid]:
    """The picture in grey, as small as networks make it, and the same cells on it."""
    height, width = luma.shape
    share = min(1.0, _REHEARSAL_PX / min(height, width))
    size = (max(1, round(width * share)), max(1, round(height * share)))
    image = Image.fromarray(luma) if share == 1 else Image.fromarray(luma).resize(size, Image.Resampling.BOX)
    grey = np.rint(np.asarray(image) * 255).astype(np.uint8)
    rows, columns = cells
    return grey, Grid(grey.shape[0], grey.shape[1], min(grey.shape) / STAMP_CELLS, rows, columns)


def own_z(estimate: NDArray[np.float32], carrier: NDArray[np.float32]) -> float:
    """How well an estimate agrees with a carrier whose place is known.

    Args:
        estimate: float32 (rows, columns).
        carrier: Likewise.

    Returns:
        Their cosine times the root of the number of independent values in the band: 1 is the null's standard deviation.
    """
    numbers = carrier.size * len(lattice().frequencies) / TILE_CELLS**2
    product = float(np.vdot(estimate, carrier))
    return product / (float(np.linalg.norm(estimate) * np.linalg.norm(carrier)) + 1e-12) * math.sqrt(numbers)
