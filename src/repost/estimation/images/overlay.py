"""Where a network drew over a picture: the one small region that nothing else explains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from repost.estimation.images.reproduce import Region
from repost.platforms.steps import Overlay

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCK_PX = 16
"""An MCU of 4:2:0: the compression smears a mark over as much."""
_CLOSE_PX = 3 * _BLOCK_PX
"""Gap between the letters of a mark that still counts as one mark."""
_MOST_SHARE = 0.1
"""Of the picture; what differs over more is no mark but another treatment."""
_NEAR_PX = 64
_NEAR_SHARE = 0.06
"""How far from its corner a mark may lie: so many pixels, or that share of the side."""
_CORNERS = ("top_left", "top_right", "bottom_left", "bottom_right")


def find_overlay(differs: NDArray[np.bool_]) -> Region | None:
    """The region that was drawn over.

    Args:
        differs: bool, HW: pixels that the treatment does not reproduce.

    Returns:
        Left, top, right, bottom in pixels, where all differences lie in one compact region; None otherwise.
    """
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    if rows.size == 0:
        return None
    height, width = differs.shape
    left, top, right, bottom = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    region = (left, top, right, bottom)
    compact = max(int(np.diff(rows).max(initial=1)), int(np.diff(columns).max(initial=1))) <= _CLOSE_PX
    small = (right - left) * (bottom - top) <= _MOST_SHARE * height * width
    return region if compact and small and _is_placed(region, (width, height)) else None


def _is_placed(region: Region, size: tuple[int, int]) -> bool:
    """Whether it lies where networks put marks: in a corner or in the middle."""
    far = [max(_NEAR_PX, _NEAR_SHARE * side) for side in size]
    in_corner = any(
        near_x <= far[0] and near_y <= far[1]
        for near_x, near_y, _, _ in (_distances(corner, region, size) for corner in _CORNERS)
    )
    return in_corner or _centred([(region, size)])


def overlay_step(regions: list[tuple[Region, tuple[int, int]]]) -> Overlay | None:
    """The step that covers the marks of several pictures.

    Args:
        regions: (region, (width, height) of its picture), one for each picture with a mark.

    Returns:
        A region from the corner all marks keep their distance to, or centred; None without regions.
    """
    if not regions:
        return None
    distances = {corner: [_distances(corner, region, size) for region, size in regions] for corner in _CORNERS}
    spread = {
        corner: sum(max(column) - min(column) for column in zip(*found, strict=True))
        for corner, found in distances.items()
    }
    corner = min(_CORNERS, key=lambda name: (spread[name] // _BLOCK_PX, sum(map(sum, distances[name]))))
    near_x, near_y, far_x, far_y = zip(*distances[corner], strict=True)
    if spread[corner] > _CLOSE_PX and _centred(regions):
        width = max(region[2] - region[0] for region, _ in regions)
        height = max(region[3] - region[1] for region, _ in regions)
        return Overlay(op="overlay", corner="centre", width_px=width, height_px=height)
    margin = max(0, min(*near_x, *near_y))
    return Overlay.model_validate(
        {
            "op": "overlay",
            "corner": corner,
            "width_px": max(far_x) - margin,
            "height_px": max(far_y) - margin,
            "margin_px": margin,
        }
    )


def _distances(corner: str, region: Region, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Near and far edge from a corner: near x, near y, far x, far y."""
    left, top, right, bottom = region
    x = (left, right) if "left" in corner else (size[0] - right, size[0] - left)
    y = (top, bottom) if "top" in corner else (size[1] - bottom, size[1] - top)
    return x[0], y[0], x[1], y[1]


def _centred(regions: list[tuple[Region, tuple[int, int]]]) -> bool:
    return all(
        abs(region[0] + region[2] - size[0]) <= _CLOSE_PX and abs(region[1] + region[3] - size[1]) <= _CLOSE_PX
        for region, size in regions
    )
