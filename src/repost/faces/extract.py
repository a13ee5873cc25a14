"""From a video or an image to cut-out faces, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from repost.core.errors import MediaError, UsageError
from repost.faces.choose import POLICIES, Policy, choose
from repost.faces.face import Box, Face, FaceDetector
from repost.faces.geometry import SCALE, Square, aligned_crop, square_around
from repost.faces.registry import DetectorChoice, check_points, load_detector
from repost.faces.sources import Clip, Gap, Still, check_every, open_source
from repost.media.picture import from_rgb8

if TYPE_CHECKING:
    from repost.media.picture import Rgb8

EVERY = 50
"""Frames from one sampled to the next, as in the data set of adversarial deepfakes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSettings:
    """How faces are found, chosen and cut out.

    Attributes:
        detector: What finds them.
        policy: Which of several is meant; see `choose`.
        scale: How much larger than the face the square is.
        least_px: The square is at least so large.
        align: Turn it so that the eyes are level.
        max_pixels: Limit on width x height of a picture; the limit in force when None.
        threads: Decoder threads for videos; 0 leaves it to FFmpeg. Nothing depends on it.
    """

    detector: DetectorChoice = field(default_factory=DetectorChoice)
    policy: Policy = "largest"
    scale: float = SCALE
    least_px: int = 0
    align: bool = False
    max_pixels: int | None = None
    threads: int = 0

    def load(self) -> FaceDetector:
        """Check the settings, and make the detector.

        Raises:
            UsageError: A setting is wrong, or the detector gives no points to align by.
            RepostError: The detector cannot be made; see `load_detector`.
        """
        if self.policy not in POLICIES:
            raise UsageError(f"got the policy '{self.policy}', expected {', '.join(POLICIES)}")
        if not 0 < self.scale <= _LARGEST_SCALE:
            raise UsageError(f"got the scale {self.scale}, expected more than 0 and at most {_LARGEST_SCALE}")
        if self.least_px < 0:
            raise UsageError(f"got at least {self.least_px} px, expected 0 or more")
        found = load_detector(self.detector)
        if self.align:
            check_points(found, self.detector.name)
        return found


_LARGEST_SCALE = 100


@dataclass(frozen=True, slots=True)
class CutOut:
    """A face by itself.

    Attributes:
        pixels: uint8 HWC RGB, square.
        square: Where it was in the picture; None where it was turned.
    """

    pixels: Rgb8
    square: Square | None = None


FrameStatus = Literal["done", "no_face", "failed", "absent"]


@dataclass(frozen=True, slots=True)
class FrameFaces:
    """What came of one frame.

    Attributes:
        frame: Its number; 0 of an image.
        status: "done"; "no_face"; "failed", where it cannot be decoded or cut; or "absent", where the video turns out
            to have fewer frames than packets.
        faces: All that were found, the surest first.
        chosen: The one that was cut out.
        cut: What was cut out.
        error: Why it failed or is absent.
        size_px: Width and height of the upright frame; None where there was none to look at.
    """

    frame: int
    status: FrameStatus
    faces: tuple[Face, ...] = ()
    chosen: Face | None = None
    cut: CutOut | None = None
    error: str | None = None
    size_px: tuple[int, int] | None = None


def find_faces(
    pixels: Rgb8, detector: str = "dlib", *, file: Path | None = None, upsample: int | None = None
) -> list[Face]:
    """Find the faces of one picture.

    Args:
        pixels: uint8 HWC RGB, upright.
        detector: A name in `DETECTORS`.
        file: What yunet and boxes read.
        upsample: How often dlib doubles the picture; 1 when None.

    Returns:
        Faces, the surest first.

    Raises:
        InvalidPixels: `pixels` is in another form.
        RepostError: The detector cannot be made; see `load_detector`.
    """
    from_rgb8(pixels)
    return load_detector(DetectorChoice(detector, file, upsample)).find(pixels)


def extract(
    path: Path | str, settings: FaceSettings | None = None, *, every: int = EVERY, name: str | None = None
) -> Iterator[FrameFaces]:
    """Cut the faces out of every so-manieth frame of a video, or out of an image.

    Args:
        path: A video or an image.
        settings: How; the defaults when None.
        every: Frames 0, every, 2 * every, ... are looked at.
        name: What it is called in errors and files of boxes; the file's name when None.

    Yields:
        What came of each frame, in their order; one without a face, or that cannot be decoded, too.

    Raises:
        UsageError: A setting is wrong.
        MediaError: It is no image or video, or not one frame can be read.
    """
    check_every(every)
    settings = settings or FaceSettings()
    detector = settings.load()
    source = open_source(Path(path), name=name or Path(path).name, named=True, max_pixels=settings.max_pixels)
    assert not isinstance(source, str)  # what is named is never passed over
    yield from faces_of(source, source.numbers(every), settings, detector)


def faces_of(
    source: Still | Clip, numbers: Sequence[int], settings: FaceSettings, detector: FaceDetector
) -> Iterator[FrameFaces]:
    """Cut the faces out of some frames.

    Args:
        source: An image or a video.
        numbers: Of the frames, in their order; with the policy "track" all before one that is wanted, too.
        settings: How.
        detector: As `settings.load` gives it.

    Yields:
        What came of each frame: in their order, those that do not come at the end.

    Raises:
        MediaError: Nothing can be decoded at all.
    """
    name = source.name if isinstance(source, Still) else source.table.name
    last: Box | None = None
    for number, pixels in source.pictures(numbers, threads=settings.threads):
        if isinstance(pixels, Gap):
            yield FrameFaces(number, pixels.kind, error=pixels.reason)
            continue
        try:
            faces = tuple(detector.find(pixels, source=name, frame=number))
            chosen = choose(faces, settings.policy, last=last)
            cut = None if chosen is None else _cut_out(pixels, chosen, settings)
        except MediaError as error:
            yield FrameFaces(number, "failed", error=str(error))
            continue
        last = chosen.box if chosen is not None else last
        height, width = pixels.shape[:2]
        status = "no_face" if chosen is None else "done"
        yield FrameFaces(number, status, faces, chosen, cut, size_px=(width, height))


def _cut_out(pixels: Rgb8, face: Face, settings: FaceSettings) -> CutOut:
    if settings.align:
        scale, least_px, most = settings.scale, settings.least_px, settings.max_pixels
        return CutOut(aligned_crop(pixels, face, scale=scale, least_px=least_px, max_pixels=most))
    height, width = pixels.shape[:2]
    square = square_around(face.box, width, height, scale=settings.scale, least_px=settings.least_px)
    return CutOut(square.of(pixels), square)
