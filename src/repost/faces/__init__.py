"""Find, choose and cut out the faces of photographs and videos.

>>> from repost.faces import crop, extract, find_faces               # doctest: +SKIP
>>> crop(pixels, find_faces(pixels)[0].box)                           # doctest: +SKIP
>>> [found.status for found in extract("clip.mp4", every=50)]         # doctest: +SKIP
"""

from __future__ import annotations

from repost.faces.choose import choose
from repost.faces.extract import CutOut, FaceSettings, FrameFaces, extract, find_faces
from repost.faces.face import Box, Face, FaceDetector, overlap
from repost.faces.geometry import Square, aligned_crop, crop, square_around
from repost.faces.registry import DETECTORS, DetectorChoice, load_detector

__all__ = [
    "DETECTORS",
    "Box",
    "CutOut",
    "DetectorChoice",
    "Face",
    "FaceDetector",
    "FaceSettings",
    "FrameFaces",
    "Square",
    "aligned_crop",
    "choose",
    "crop",
    "extract",
    "find_faces",
    "load_detector",
    "overlap",
    "square_around",
]
