"""dlib's frontal face detector (histograms of oriented gradients), as it is and on scaled copies."""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from repost.core.extras import require
from repost.faces.face import Face, box_of, overlap
from repost.faces.planes import grey, resized

if TYPE_CHECKING:
    from repost.faces.planes import Plane
    from repost.media.picture import Rgb8

STEP = 5 / 6
"""From one level of dlib's pyramid to the next (pyramid_down<6>)."""
SMALLEST_PX = 72
"""Side of the smallest boxes dlib gives, for its window of 80 px; measured."""
PASSES_PX = (760, 1900, 3840)
"""Most pixels on the long side of the copies that are looked at in turn: faces down to a tenth, a twenty-sixth and a
fiftieth of it. Found on the tuning clips of benchmarks/faces.py."""
PLAUSIBLE = 0.2
"""Score of a face that ends the search; on tuning clips all true faces are above it."""
_WORTH_A_PASS = 3
"""Levels to the next copy at least: one that is hardly larger shows little more and costs as much."""
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
    """dlib's detector on copies of growing size, until one shows a face.

    Args:
        upsample: The largest copy is the picture doubled so often, but not beyond the last of PASSES_PX.

    Convention:
        Copies are the picture times 2**upsample * (5/6)**k for a whole k, so that their levels are levels of dlib's own
        pyramid. Between two levels dlib's choice is a toss-up, and boxes a level apart overlap by less than 0.7: each
        face is looked at again half a level down, and its box is the mean of both.
    """

    gives_points = False

    def __init__(self, upsample: int = 1) -> None:
        self._upsample, self._dlib = upsample, _frontal_detector()

    def identity(self) -> str:
        """Name, settings and version."""
        return f"dlib {self._upsample} {PASSES_PX} {PLAUSIBLE} {_version()}"

    def find(self, pixels: Rgb8, *, source: str = "", frame: int = 0) -> list[Face]:
        """See `FaceDetector.find`."""
        del source, frame
        plane = grey(pixels)
        found: list[Face] = []
        for factor in self.factors(max(plane.shape)):
            found = self._look(plane, factor) or found
            if found and found[0].confidence >= PLAUSIBLE:
                break
        return found

    def factors(self, long_side_px: int) -> list[float]:
        """The scales of the copies of a picture, in the order they are looked at.

        Args:
            long_side_px: Of the picture.
        """
        top = 2.0**self._upsample
        levels = [max(0, math.ceil(math.log(limit / (long_side_px * top), STEP))) for limit in PASSES_PX]
        kept = [level for level, larger in pairwise(levels) if level - larger >= _WORTH_A_PASS]
        return [top * STEP**level for level in (*kept, levels[-1])]

    def _look(self, plane: Plane, factor: float) -> list[Face]:
        copy = resized(plane, factor)
        across, down = plane.shape[1] / copy.shape[1], plane.shape[0] / copy.shape[0]
        faces: list[Face] = []
        for box, score in _found(self._dlib, copy):
            left, top, width, height = self._refined(copy, box) if factor < 2**self._upsample else box
            faces.append(Face(box_of(left * across, top * down, width * across, height * down), _rounded(score)))
        return faces

    def _refined(self, copy: Plane, box: _Rectangle) -> _Rectangle:
        """The mean of a box and of what is found there half a level down."""
        left, top, width, height = box
        x1, y1 = max(0, int(left - width / 2)), max(0, int(top - height / 2))
        part = copy[y1 : int(top + height * 1.5), x1 : int(left + width * 1.5)]
        # A large face is looked at small, but a level above the smallest that can be found.
        level = max(0, round(math.log(SMALLEST_PX / width, STEP)) - 1) + 0.5
        small = resized(part, STEP**level)
        across, down = part.shape[1] / small.shape[1], part.shape[0] / small.shape[0]
        again = [
            (x1 + x * across, y1 + y * down, wide * across, high * down)
            for (x, y, wide, high), _ in _found(self._dlib, small)
        ]
        nearest = max(again, key=lambda other: overlap(box_of(*other), box_of(*box)), default=None)
        if nearest is None or overlap(box_of(*nearest), box_of(*box)) < _SAME:
            return box
        left, top, width, height = ((one + other) / 2 for one, other in zip(box, nearest, strict=True))
        return left, top, width, height


def _found(detector: Any, plane: Plane, upsample: int = 0) -> list[tuple[_Rectangle, float]]:  # noqa: ANN401
    boxes, scores, _ = detector.run(plane, upsample)
    return [((b.left(), b.top(), b.width(), b.height()), score) for b, score in zip(boxes, scores, strict=True)]


@cache
def _frontal_detector() -> Any:  # noqa: ANN401 - dlib has no types
    return require("dlib", extra="faces").get_frontal_face_detector()


def _version() -> str:
    return require("dlib", extra="faces").__version__


def _rounded(score: float) -> float:
    return round(score, 4)  # more digits differ between processors
