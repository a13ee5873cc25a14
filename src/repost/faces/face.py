"""What a face is, and what finds faces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from repost.media.picture import Rgb8

Points: TypeAlias = tuple[tuple[float, float], ...]
"""Five points (x, y) in pixels: both eyes, the nose, both corners of the mouth; of each pair the one further left in an
upright picture comes first."""


class Box(NamedTuple):
    """A rectangle of whole pixels.

    Attributes:
        left: First column.
        top: First row.
        right: Last column, which belongs to it.
        bottom: Last row, which belongs to it.

    Convention:
        That of dlib's rectangles, which the crop of FaceForensics++ is defined on: a box of one pixel has right = left.
        A box may reach beyond the picture.
    """

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left + 1

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top + 1

    @property
    def area(self) -> int:
        """Pixels; 0 where a side is none."""
        return max(0, self.width) * max(0, self.height)

    @property
    def centre(self) -> tuple[float, float]:
        """Its middle (x, y), where a pixel's own middle is a whole number."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2


def box_of(left: float, top: float, width: float, height: float) -> Box:
    """The box of whole pixels nearest to a rectangle.

    Args:
        left: Its left edge in pixels; a pixel's own left edge is a whole number.
        top: Its top edge.
        width: More than 0.
        height: More than 0.
    """
    edges = left, top, left + width, top + height
    x1, y1, x2, y2 = (round(float(edge)) for edge in edges)
    return Box(x1, y1, max(x1, x2 - 1), max(y1, y2 - 1))


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, from 0 to 1."""
    shared = Box(
        max(one.left, other.left), max(one.top, other.top), min(one.right, other.right), min(one.bottom, other.bottom)
    )
    common = shared.area
    return common / (one.area + other.area - common) if common else 0.0


@dataclass(frozen=True, slots=True)
class Face:
    """A face that was found.

    Attributes:
        box: Where it is.
        confidence: How sure the detector is, on a scale of its own: dlib's distance from the hyperplane (above 0), a
            probability of MTCNN and YuNet, what a file of boxes says.
        points: Five points of it, where the detector gives them.
    """

    box: Box
    confidence: float
    points: Points | None = None


class FaceDetector(Protocol):
    """Finds the faces of a picture. One detector serves one thread at a time."""

    gives_points: bool
    """Whether the faces have points."""

    def identity(self) -> str:
        """What decides what is found besides the picture: name, settings, versions, digests of files."""
        ...

    def find(self, pixels: Rgb8, *, source: str = "", frame: int = 0) -> list[Face]:
        """Find faces.

        Args:
            pixels: uint8 HWC RGB, upright.
            source: What the picture is from, as rows name it; for detectors that look boxes up.
            frame: Its number there; 0 of an image.

        Returns:
            Faces, the surest first; empty where there is none.

        Raises:
            RepostError: This picture cannot be looked at.
        """
        ...
