"""Which of several faces is meant."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

from repost.faces.face import Box, Face, overlap

Policy = Literal["largest", "first", "track"]

_SAME_OVERLAP = 0.1
"""Two seconds apart a person who sits and talks moves by less; two people beside each other do not overlap."""
_SAME_DISTANCE = 1.0
"""Of the middles, in widths of the last box, for a person who moved on."""


def choose(faces: Sequence[Face], policy: Policy, *, last: Box | None = None) -> Face | None:
    """Choose one face.

    Args:
        faces: As a detector gives them, the surest first.
        policy: "largest" by area; "first", the surest, which the authors of the adversarial deepfakes take; "track",
            the one that goes on from the last frame.
        last: Box of the face that was chosen in the last frame that had one; for "track".

    Returns:
        The face; None where there is none.
    """
    return POLICIES[policy](faces, last) if faces else None


def _largest(faces: Sequence[Face], last: Box | None) -> Face:
    del last
    return max(faces, key=lambda face: face.box.area)  # of equals the first, which is the surer one


def _first(faces: Sequence[Face], last: Box | None) -> Face:
    del last
    return faces[0]


def _track(faces: Sequence[Face], last: Box | None) -> Face:
    """The face that overlaps the last box most; else the nearest within one width of it; else the largest."""
    if last is None:
        return _largest(faces, last)
    most = max(faces, key=lambda face: overlap(face.box, last))
    if overlap(most.box, last) >= _SAME_OVERLAP:
        return most
    nearest = min(faces, key=lambda face: math.dist(face.box.centre, last.centre))
    if math.dist(nearest.box.centre, last.centre) <= _SAME_DISTANCE * last.width:
        return nearest
    return _largest(faces, last)


POLICIES: dict[str, Callable[[Sequence[Face], Box | None], Face]] = {
    "largest": _largest,
    "first": _first,
    "track": _track,
}
