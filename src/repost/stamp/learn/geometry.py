"""How a training picture is turned, cut and tilted: the same for its pixels and for the carrier behind its stamp."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from repost.stamp.grid import STAMP_CELLS

_LEVELS = {96: 0.5, 68: 0.22, 48: 0.15, 136: 0.13}
_BETWEEN_LEVELS = 1.22  # a little more than the square root of half an octave
_LARGEST_SHARE = 1.5
_TILT = 0.06


@dataclass(frozen=True, slots=True)
class Geometry:
    """What happens to a batch, and the grid it is then seen on.

    Attributes:
        level: Cells on the side of the grid on which the residual is estimated; one for the batch.
        homography: (n, 3, 3), from places on the result in [-1, 1] to places on the stamped square.
        share: (n,), side of the result as a share of the square's.
    """

    level: int
    homography: Tensor
    share: Tensor

    @property
    def moves(self) -> bool:
        """Whether anything is turned or cut at all."""
        return bool((self.homography - torch.eye(3)).abs().max() > 0)

    def places(self, side: int) -> Tensor:
        """Where the cells of the result come from.

        Args:
            side: Of the result.

        Returns:
            (n, side, side, 2), as `grid_sample` wants them.
        """
        middle = (torch.arange(side) + 0.5) / side * 2 - 1
        down, across = torch.meshgrid(middle, middle, indexing="ij")
        flat = torch.stack([across, down, torch.ones_like(across)], -1).view(1, -1, 3) @ self.homography.transpose(1, 2)
        return (flat[..., :2] / flat[..., 2:]).view(-1, side, side, 2)

    def carry(self, plane: Tensor) -> Tensor:
        """The carrier as it lies on the grid of the result.

        Args:
            plane: (n, 1, 96, 96), 0 beyond the square.

        Returns:
            (n, 1, level, level).
        """
        places = self.places(self.level).to(plane.device)
        return functional.grid_sample(plane, places, mode="bicubic", padding_mode="zeros", align_corners=False)

    def cells(self, plane: Tensor) -> Tensor:
        """How many of the stamp's cells each picture of the result still shows.

        Args:
            plane: (n, 1, 96, 96) of ones.

        Returns:
            (n,).
        """
        places = self.places(self.level).to(plane.device)
        seen = functional.grid_sample(plane, places, mode="nearest", align_corners=False)
        return seen.sum((1, 2, 3)) * (STAMP_CELLS * self.share / self.level).square().to(plane.device)


def untouched(n: int) -> Geometry:
    """Nothing is turned or cut.

    Args:
        n: Pictures.

    Returns:
        The identity on the stamp's own grid.
    """
    return Geometry(STAMP_CELLS, torch.eye(3).repeat(n, 1, 1), torch.ones(n))


def draw_geometry(n: int, rng: random.Random) -> Geometry:
    """Crops to a third of the side, borders of half a side, any rotation, a tilt.

    Args:
        n: Pictures.
        rng: The only source of chance.

    Returns:
        What happens to each.
    """
    level = rng.choices(list(_LEVELS), list(_LEVELS.values()))[0]
    homography, share = torch.eye(3).repeat(n, 1, 1), torch.ones(n)
    for index in range(n):
        if level == STAMP_CELLS and rng.random() < 0.35:
            continue
        zoom = level / STAMP_CELLS * math.exp(rng.uniform(-1, 1) * math.log(_BETWEEN_LEVELS))
        if level == STAMP_CELLS and rng.random() < 0.3:
            zoom = 1.0
        zoom = min(zoom, _LARGEST_SHARE)
        angle = math.radians(rng.uniform(-45, 45)) if rng.random() < 0.6 else 0.0
        away = [rng.uniform(-1, 1) * abs(1 - zoom) for _ in range(2)]
        tilt = [rng.uniform(-_TILT, _TILT) if rng.random() < 0.5 else 0.0 for _ in range(2)]
        cosine, sine = zoom * math.cos(angle), zoom * math.sin(angle)
        rows = [[cosine, -sine, away[0]], [sine, cosine, away[1]], [*tilt, 1.0]]
        homography[index], share[index] = torch.tensor(rows), zoom
    return Geometry(level, homography, share)
