"""How strong a stamp must be: as weak as still is found, picture by picture.

Photographs differ four-fold in how well one and the same residual is found again; those that hide it badly from the eye
give it away easily to the scan. So the residual is scaled until the scan of the picture itself, undistorted, has the
evidence that experience says survives what networks do.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from repost.stamp.tile import TILE_CELLS, lattice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repost.stamp.model import StampModel

WANTED_Z = 24.0
"""Standard deviations of the null that the carrier itself shall reach. A crop to half of the side quarters the cells
and halves it; the search then needs 7. Chosen on photographs for training."""

LEAST_GAIN, MOST_GAIN = 0.5, 1.75
LEAST_PSNR_DB = 39.5
_GAINS = np.geomspace(LEAST_GAIN, MOST_GAIN, 15)


def needed_gain(
    mean: NDArray[np.float32], residual: NDArray[np.float32], carrier: NDArray[np.float32], model: StampModel
) -> float:
    """The least gain at which a picture's own scan reaches `WANTED_Z`.

    Args:
        mean: float32 (rows, columns), luma of the cells in [0, 1].
        residual: At gain 1, 8-bit levels.
        carrier: The key's tile as it lies on the picture.
        model: The model.

    Returns:
        0.5 to 1.75; less where the picture would fall below 39.5 dB, even if the evidence then is weaker.
    """
    psnr_db = 20 * math.log10(255) - 10 * math.log10(float(np.square(residual).mean()) + 1e-9)
    allowed = min(MOST_GAIN, 10 ** ((psnr_db - LEAST_PSNR_DB) / 20))
    gains = np.append(_GAINS[allowed > _GAINS], max(allowed, LEAST_GAIN))
    low, high = 0, len(gains) - 1
    while low < high:  # evidence grows with strength
        middle = (low + high) // 2
        shown = np.add(mean, residual * np.float32(gains[middle] / 255), dtype=np.float32)
        if own_z(model.estimate(shown), carrier) >= WANTED_Z:
            high = middle
        else:
            low = middle + 1
    return float(gains[low])


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
