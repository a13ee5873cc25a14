"""The face detectors that can be named, and how they are made."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Literal

from repost.core.errors import FinderNotFound, UsageError
from repost.faces.face import FaceDetector

DETECTORS = {
    "dlib": "repost.faces.dlib_hog:DlibScaled",
    "dlib-full": "repost.faces.dlib_hog:DlibFull",
    "mtcnn": "repost.faces.mtcnn:Mtcnn",
    "yunet": "repost.faces.yunet:YuNet",
    "boxes": "repost.faces.boxes:GivenBoxes",
}
_TAKES: dict[str, Literal["upsample", "file"]] = {
    "dlib": "upsample",
    "dlib-full": "upsample",
    "yunet": "file",
    "boxes": "file",
}
_POINTS = "mtcnn, yunet, and boxes whose file has points of every face"
_MOST_UPSAMPLE = 3


@dataclass(frozen=True, slots=True)
class DetectorChoice:
    """Which face detector, and its settings.

    Attributes:
        name: One of DETECTORS.
        file: The ONNX of yunet, or the JSON or manifest of boxes; None for the others.
        upsample: How often dlib doubles pictures, 0 to 3; 1 when None. None for the others.
    """

    name: str = "dlib"
    file: Path | None = None
    upsample: int | None = None


@cache
def load_detector(choice: DetectorChoice) -> FaceDetector:
    """Make a face detector; the same choice gives the same one again.

    Args:
        choice: Name and settings.

    Raises:
        FinderNotFound: No detector has that name.
        UsageError: A setting is out of range, missing, or of another detector.
        MissingExtra: Its package is not installed.
        RepostError: Its file cannot be used.
    """
    home = DETECTORS.get(choice.name)
    if home is None:
        near = difflib.get_close_matches(choice.name.lower(), DETECTORS, n=2)
        raise FinderNotFound(choice.name, suggestions=near, available=tuple(DETECTORS))
    _check(choice)
    module, _, name = home.partition(":")
    make: Callable[..., FaceDetector] = getattr(import_module(module), name)
    takes = _TAKES.get(choice.name)
    if takes == "file":
        return make(choice.file)
    return make(1 if choice.upsample is None else choice.upsample) if takes == "upsample" else make()


def _check(choice: DetectorChoice) -> None:
    takes = _TAKES.get(choice.name)
    if takes == "file" and choice.file is None:
        raise UsageError(f"the face detector {choice.name} needs its file: --detector-file, of detect --finder-file")
    if takes != "file" and choice.file is not None:
        raise UsageError(f"got the file '{choice.file}' for the face detector {choice.name}, which takes none")
    if takes != "upsample" and choice.upsample is not None:
        raise UsageError(f"got --upsample {choice.upsample} for {choice.name}; only dlib and dlib-full take it")
    if choice.upsample is not None and not 0 <= choice.upsample <= _MOST_UPSAMPLE:
        raise UsageError(f"got --upsample {choice.upsample}, expected 0 to {_MOST_UPSAMPLE}")


def check_points(detector: FaceDetector, name: str) -> None:
    """Refuse a detector whose faces cannot be turned upright.

    Args:
        detector: As loaded.
        name: What it was asked for as.

    Raises:
        UsageError: Its faces have no points.
    """
    if not detector.gives_points:
        raise UsageError(f"the face detector {name} gives no points to align by; those that do are {_POINTS}")
