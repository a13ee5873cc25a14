"""YuNet (Wu and others 2023) in OpenCV, from an ONNX file such as face_detection_yunet_2023mar.onnx of OpenCV's zoo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from repost.core.errors import InputNotFound, InvalidWeights
from repost.core.extras import require
from repost.core.files import digest_file
from repost.faces.face import Face, box_of

if TYPE_CHECKING:
    from repost.media.picture import Rgb8

_LEAST_SCORE, _OVERLAP, _MOST = 0.7, 0.3, 5000
"""As in OpenCV's own sample; its zoo asks for 0.9, which loses faces that are turned away."""
_EXPECTED = "the ONNX of YuNet, such as face_detection_yunet_2023mar.onnx of OpenCV's zoo"


class YuNet:
    """YuNet at the picture's own size.

    Args:
        file: Its ONNX.

    Raises:
        InputNotFound: There is no such file.
        InvalidWeights: It is no ONNX, or of another network.
        MissingExtra: OpenCV is not installed.
    """

    gives_points = True

    def __init__(self, file: Path) -> None:
        if not file.is_file():
            raise InputNotFound(file)
        self._file, self._cv2 = file, require("cv2", extra="faces")
        self._digest = digest_file(file)
        logging = self._cv2.utils.logging
        usual = logging.setLogLevel(logging.LOG_LEVEL_ERROR)  # OpenCV 5 warns of a default of its own
        try:
            self._network: Any = self._cv2.FaceDetectorYN.create(
                str(file), "", (320, 320), _LEAST_SCORE, _OVERLAP, _MOST
            )
        except self._cv2.error as error:
            raise InvalidWeights(file, reason=_in_words(error), expected=_EXPECTED) from error
        finally:
            logging.setLogLevel(usual)

    def identity(self) -> str:
        """Name, digest of the file and version."""
        return f"yunet {self._digest} {_LEAST_SCORE} {self._cv2.__version__}"

    def find(self, pixels: Rgb8, *, source: str = "", frame: int = 0) -> list[Face]:
        """See `FaceDetector.find`."""
        del source, frame
        self._network.setInputSize((pixels.shape[1], pixels.shape[0]))
        try:
            rows: Any = self._network.detect(self._cv2.cvtColor(pixels, self._cv2.COLOR_RGB2BGR))[1]
        except self._cv2.error as error:
            raise InvalidWeights(self._file, reason=_in_words(error), expected=_EXPECTED) from error
        numbers: list[list[float]] = [] if rows is None else rows.tolist()
        return sorted(map(_face, numbers), key=lambda face: -face.confidence)


def _face(row: list[float]) -> Face:
    """Four numbers of the box, five points (the subject's right eye, left in the picture, comes first), the score."""
    points = tuple((row[at], row[at + 1]) for at in range(4, 14, 2))
    return Face(box_of(*row[:4]), round(row[14], 4), points)


def _in_words(error: Any) -> str:  # noqa: ANN401 - OpenCV's errors have no types
    return " ".join((error.err or str(error)).split())[:200]
