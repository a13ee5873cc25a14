"""dlib's frontal face detector (histograms of oriented gradients), as it is and on scaled copies."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from repost.core.extras import require
from repost.faces.face import Face, box_of, overlap
from repost.faces.mtcnn import SMALLEST_FACE_PX, Mtcnn
from repost.faces.planes import grey, resized

if TYPE_CHECKING:
    from repost.faces.face import Box
    from repost.faces.planes import Plane
    from repost.media.picture import Rgb8

STEP = 5 / 6
"""From one level of dlib's pyramid to the next (pyramid_down<6>)."""
SMALLEST_PX = 72
"""Side of the smallest boxes dlib gives, for its window of 80 px; measured."""
WHOLE_PX = 760
"""Most pixels on the long side of the copy that is looked at as a whole: faces down to a tenth of it. This and what
follows was found on the tuning clips of benchmarks/faces.py, whole and made smaller."""
PLAUSIBLE = 0.2
"""Score of a face that ends the search; on tuning clips all true faces are above it."""
PLACES_PX = 960
"""Most pixels on the long side of the copy in which MTCNN seeks places: faces down to a forty-eighth of it."""
_PLACES_STEP = 0.5
"""From one size to the next at which it seeks them. Its own 0.709 takes half as long again and names dlib's faces no
better."""
_PART = 2.5
"""Side of the part of the picture that dlib looks at, in sides of the place, which is a rough one."""
_LEVELS_ABOVE = 2
"""A place is looked at so many levels above the smallest face, in case MTCNN took the face for larger than it is."""
_SAME = 0.4
"""Overlap that one face has on two lattices of sizes at least; half a level apart both ways is 0.58."""

_Rectangle = tuple[float, float, float, float]
"""Left, top, width and height."""


class DlibFull:
    """dlib's detector on the whole picture.

    Args:
        upsample: How often the picture is doubled first: faces of 72 px are found at 0, of 36 px at 1, which is what
            the published pipelines use.
    """

    gives_points = False

    def __init__(self, upsample: int = 1) -> None:
        self._upsample, self._dlib = upsample, _frontal_detector()

    def identity(self) -> str:
        """Name, setting and version."""
        return f"dlib-full {self._upsample} {_version()}"

    def find(self, pixels: Rgb8, *, source: str = "", frame: int = 0) -> list[Face]:
        """See `FaceDetector.find`."""
        del source, frame
        return [Face(box_of(*box), _rounded(score)) for box, score in _found(self._dlib, grey(pixels), self._upsample)]


class DlibScaled:
    """dlib's detector on a small copy of the picture; where that shows no face, at the places MTCNN names.

    MTCNN only says where to look: what dlib does not take for a face there is none. It takes a seventh of the time that
    dlib takes for the picture doubled, and on the tuning clips there was no face of dlib's that it did not name.

    Args:
        upsample: No place is looked at in a copy larger than the picture times 2**upsample, so that the smallest faces
            are those of `DlibFull`.

    Convention:
        Copies are the picture times 2**upsample * (5/6)**k for a whole k, so that their levels are levels of dlib's own
        pyramid. Between two levels dlib's choice is a toss-up, and boxes a level apart overlap by less than 0.7: each
        face is looked at again half a level down, and its box is the mean of both.
    """

    gives_points = False

    def __init__(self, upsample: int = 1) -> None:
        self._top, self._dlib = 2.0**upsample, _frontal_detector()
        self._full, self._places = DlibFull(upsample), Mtcnn(step=_PLACES_STEP)

    def identity(self) -> str:
        """Name, settings and versions."""
        return f"dlib {self._top:g} {WHOLE_PX} {PLAUSIBLE} {PLACES_PX} {_version()} {self._places.identity()}"

    def find(self, pixels: Rgb8, *, source: str = "", frame: int = 0) -> list[Face]:
        """See `FaceDetector.find`."""
        level = math.ceil(_levels_down(WHOLE_PX / (self._top * max(pixels.shape))))
        if level <= 0:
            return self._full.find(pixels, source=source, frame=frame)
        plane = grey(pixels)
        found = [self._refined(plane, box, score) for box, score in self._look(plane, level)]
        if found and found[0].confidence >= PLAUSIBLE:
            return found
        return self._look_closer(pixels, plane) or found

    def _look_closer(self, pixels: Rgb8, plane: Plane) -> list[Face]:
        """The faces at places, the surest first."""
        factor = min(self._top * SMALLEST_FACE_PX / SMALLEST_PX, PLACES_PX / max(plane.shape))
        found: list[Face] = []
        for place in self._places.find(resized(pixels, factor)):
            left, top, right, bottom = (edge / factor for edge in place.box)
            if right > left and bottom > top:  # MTCNN cuts boxes off at the left and upper edge, to nothing if need be
                found += self._look_at(plane, (left, top, right - left, bottom - top))
        found.sort(key=lambda face: -face.confidence)
        return [face for at, face in enumerate(found) if not any(_same(face.box, surer.box) for surer in found[:at])]

    def _look_at(self, plane: Plane, place: _Rectangle) -> list[Face]:
        """The faces at a place."""
        part, level = _around(place, _PART), self._level_to_see(place, _LEVELS_ABOVE)
        # Between two levels a faint face may be on neither.
        found = self._look(plane, level, part) or self._look(plane, level + 0.5, part)
        return [self._refined(plane, box, score) for box, score in found]

    def _refined(self, plane: Plane, box: _Rectangle, score: float) -> Face:
        """A face whose box is the mean of the one found and of what is found there half a level down."""
        once = box_of(*box)
        again = self._look(plane, self._level_to_see(box, 1) + 0.5, _around(box, 2))
        nearest = max((other for other, _ in again), key=lambda other: overlap(box_of(*other), once), default=box)
        if not _same(box_of(*nearest), once):
            return Face(once, _rounded(score))
        left, top, width, height = ((one + other) / 2 for one, other in zip(box, nearest, strict=True))
        return Face(box_of(left, top, width, height), _rounded(score))

    def _level_to_see(self, box: _Rectangle, above: int) -> int:
        """The level at which a box is as large as the smallest that dlib gives, and so many levels larger."""
        return max(0, round(_levels_down(SMALLEST_PX / (self._top * math.sqrt(box[2] * box[3])))) - above)

    def _look(
        self, plane: Plane, level: float, part: tuple[int, int, int, int] | None = None
    ) -> list[tuple[_Rectangle, float]]:
        """What dlib finds in a part of a plane, looked at in the copy of a level; the surest first."""
        left, top, right, bottom = part or (0, 0, *plane.shape[::-1])
        source = plane[top:bottom, left:right]
        if not source.size:
            return []
        copy = resized(source, self._top * STEP**level)
        across, down = source.shape[1] / copy.shape[1], source.shape[0] / copy.shape[0]
        return [
            ((left + x * across, top + y * down, width * across, height * down), score)
            for (x, y, width, height), score in _found(self._dlib, copy)
        ]


def _levels_down(factor: float) -> float:
    """How many levels of dlib's pyramid make a picture smaller by a factor."""
    return math.log(factor, STEP)


def _around(box: _Rectangle, sides: float) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the square around a box that is so many of its sides wide, without what lies left
    and above of the picture.
    """
    left, top, width, height = box
    half = sides * math.sqrt(width * height) / 2
    x, y = left + width / 2, top + height / 2
    left, top, right, bottom = (max(0, round(edge)) for edge in (x - half, y - half, x + half, y + half))
    return left, top, right, bottom


def _same(one: Box, other: Box) -> bool:
    return overlap(one, other) >= _SAME


def _found(detector: Any, plane: Plane, upsample: int = 0) -> list[tuple[_Rectangle, float]]:  # noqa: ANN401
    whole = np.ascontiguousarray(plane)  # a part of a plane dlib would copy, and read after it has freed the copy
    boxes, scores, _ = detector.run(whole, upsample)
    return [((b.left(), b.top(), b.width(), b.height()), score) for b, score in zip(boxes, scores, strict=True)]


@cache
def _frontal_detector() -> Any:  # noqa: ANN401 - dlib has no types
    return require("dlib", extra="faces").get_frontal_face_detector()


def _version() -> str:
    return require("dlib", extra="faces").__version__


def _rounded(score: float) -> float:
    return round(score, 4)  # more digits differ between processors
