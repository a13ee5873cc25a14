"""The ways in which a stamped photo may have been turned and cut, and how much belief each gets beforehand.

A *view* says how the stamp's pattern would lie on the grid of a picture: turned by an angle, and seen through a zoom.
The estimate of the residual is made on four grids, half an octave apart, so that the pattern's cells are never far from
the grid's; a view refines the zoom between two grids. Flips and quarter turns need no views (see `tile`), shifts are
searched by Fourier transform.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from repost.stamp.grid import STAMP_CELLS

LEVELS = (96, 68, 136, 48)
"""Cells on the short side of the grids, the likely first: 96 is for whole photos, 48 for crops to half the side."""

_ANGLE_STEP_DEG = 2.0
_ZOOMS = 10  # to half an octave, 3.5 % apart
_ZOOM_STEP = math.log(2) / 2 / _ZOOMS

# Most photos come back as they went, or cropped; few are turned. They are weights of a mixture: any choice keeps the
# p-values valid, this one decides where power goes.
_IDENTITY, _UPRIGHT, _ANY = 0.4, 0.25, 0.35


@dataclass(frozen=True, slots=True)
class Views:
    """The views of one grid.

    Attributes:
        level: Cells on the short side of the grid.
        angle_rad: float64 (n,), by which the picture has been turned, within a quarter turn.
        ratio: float64 (n,), side of a grid cell in cells of the stamp.
        prior: float64 (n,), belief beforehand; of all levels together 1.
    """

    level: int
    angle_rad: NDArray[np.float64]
    ratio: NDArray[np.float64]
    prior: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.prior)


@dataclass(frozen=True, slots=True)
class View:
    """One view.

    Attributes:
        level: Cells on the short side of the grid.
        angle_rad: By which the picture has been turned, within a quarter turn.
        ratio: Side of a grid cell in cells of the stamp.
    """

    level: int
    angle_rad: float
    ratio: float

    @property
    def rotation_deg(self) -> float:
        """By how much the picture was turned since it was stamped, within a quarter turn; flips not told apart."""
        return math.degrees(self.angle_rad)

    @property
    def share_of_side(self) -> float:
        """The picture's short side as a share of the stamped photo's: 0.7 for a crop to 70 % of the sides."""
        return self.level * self.ratio / STAMP_CELLS


@lru_cache(maxsize=len(LEVELS))
def views_of(level: int) -> Views:
    """The views of one grid.

    Args:
        level: One of `LEVELS`.

    Returns:
        Every angle with every zoom.
    """
    angles = np.radians(np.arange(-45 + _ANGLE_STEP_DEG / 2, 45, _ANGLE_STEP_DEG))
    angles -= angles[np.argmin(np.abs(angles))]  # one of them is exactly upright
    zooms = np.exp((np.arange(_ZOOMS) - _ZOOMS // 2) * _ZOOM_STEP)
    angle, zoom = np.repeat(angles, len(zooms)), np.tile(zooms, len(angles))
    exact = STAMP_CELLS * 2 ** (round(2 * math.log2(level / STAMP_CELLS)) / 2)  # 68 stands for 67.9, 136 for 135.8
    upright, identity = angle == 0, (angle == 0) & (zoom == 1) & (level == STAMP_CELLS)
    prior = _ANY / (len(angle) * len(LEVELS)) + upright * _UPRIGHT / (_ZOOMS * len(LEVELS)) + identity * _IDENTITY
    return Views(level, angle, zoom * exact / level, prior)


FINE_ANGLES_RAD = np.radians(_ANGLE_STEP_DEG) / 3 * np.array([-1, 0, 1])
FINE_ZOOMS = np.exp(_ZOOM_STEP / 3 * np.array([-1, 0, 1]))

_STRETCH = 0.012 * np.array([-2, -1, 0, 1, 2])
UNSTRETCHED = len(_STRETCH) ** 2 // 2
STRETCHES = np.array([[[1 + along, skew], [skew, 1 - along]] for along in _STRETCH for skew in _STRETCH])
"""float64 (25, 2, 2): what a tilt does besides turning and zooming, up to 2.4 % along the sides or the diagonals."""
