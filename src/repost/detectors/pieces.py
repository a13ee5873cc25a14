"""What of a file is shown to a detector: a face crop as it is, or the face found in a picture or in frames."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from repost.core.errors import MediaError, MissingExtra, UsageError
from repost.faces.choose import choose
from repost.faces.extract import EVERY
from repost.faces.face import Box
from repost.faces.geometry import crop
from repost.faces.registry import DetectorChoice, load_detector
from repost.faces.sources import Clip, Gap, Still
from repost.media.read import read_file
from repost.media.upload import Upload

if TYPE_CHECKING:
    from repost.media.picture import Rgb8
    from repost.platforms import Profile

Faces = Literal["auto", "crops", "find"]
NO_FACE = "no face was found"

LONGEST_CROP = 1.2
"""Long over short side from which a picture is hardly a face crop: those are square, or clipped a little by the edge of
the picture; photographs begin at 5:4."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One picture to be judged, or why there is none.

    Attributes:
        pixels: uint8, HWC, RGB; None where there is nothing to judge.
        frame: Which frame of a video, counted from 0; None of an image.
        box: Of the face that was found; None of a picture as it is.
        error: Why there are no pixels.
    """

    pixels: Rgb8 | None
    frame: int | None = None
    box: Box | None = None
    error: str | None = None

    @property
    def oblong(self) -> bool:
        """Whether it is a picture as it is that is hardly a face crop."""
        if self.pixels is None or self.box is not None:
            return False
        return max(self.pixels.shape[:2]) > LONGEST_CROP * min(self.pixels.shape[:2])


def oblong_in_words(count: int) -> str:
    """What to be careful about where files were taken for face crops that are hardly any: `Piece.oblong`."""
    return f"{count} taken for face crops, and not square; if they are whole photographs add --faces find"


@dataclass(frozen=True, slots=True)
class Looking:
    """How faces are got from files.

    Attributes:
        faces: "crops" takes pictures and frames as they are, "find" finds and cuts out the largest face, as
            FaceForensics++ cuts, "auto" takes images as they are and finds the faces of videos.
        every: Of videos every so-manieth frame is looked at: 0, every, 2 * every, ...
        finder: What finds faces.
    """

    faces: Faces = "auto"
    every: int = EVERY
    finder: DetectorChoice = field(default_factory=DetectorChoice)

    def __post_init__(self) -> None:
        if self.faces not in get_args(Faces):
            raise UsageError(f"got --faces {self.faces}, expected one of {', '.join(get_args(Faces))}")
        if self.every < 1:
            raise UsageError(f"got --every {self.every}, expected 1 or more")

    def identity(self) -> str:
        """What decides which pixels are judged."""
        return f"{self.faces} {self.every} {self._finder_identity()}"

    def _finder_identity(self) -> str:
        if self.faces == "crops":
            return "none"
        try:
            return load_detector(self.finder).identity()
        except MissingExtra:
            return "not installed"  # images can be judged as crops all the same

    def piece(self, pixels: Rgb8, *, name: str, frame: int | None) -> Piece:
        """What of a picture is judged.

        Args:
            pixels: uint8, HWC, RGB; upright.
            name: What the file is called in files of boxes.
            frame: Which frame of a video it is; None of an image.
        """
        if self.faces == "crops" or (self.faces == "auto" and frame is None):
            return Piece(pixels, frame)
        finder = load_detector(self.finder)
        try:
            face = choose(finder.find(pixels, source=name, frame=frame or 0), "largest")
            if face is None:
                return Piece(None, frame, error=NO_FACE)
            return Piece(crop(pixels, face.box), frame, face.box)
        except MediaError as error:  # such as of a file of boxes that has none for this frame
            return Piece(None, frame, error=str(error))


def pieces_of(
    source: Still | Clip, looking: Looking, profile: Profile | None, *, seed: int, listed_as: str = ""
) -> Iterator[Piece]:
    """What of a file is judged, made as it is asked for.

    Args:
        source: An image or a video.
        looking: How faces are got: from what a network serves, where it is shared first.
        profile: The network; None for none. A video is shared as a video where the profile has rules for videos; where
            it has none, each frame is shared as a photograph, pixels standing for a lossless PNG.
        seed: Of the emulation.
        listed_as: What the file is called in files of boxes.

    Yields:
        Of an image its piece, of a video one for each frame that is looked at, also for those that cannot be decoded.

    Raises:
        RepostError: The file cannot be decoded, or not be shared.
    """
    if isinstance(source, Still):
        yield looking.piece(_picture(source, profile, seed), name=listed_as, frame=None)
    elif profile is None or not profile.rules_for("video"):
        yield from _frames(source, looking, profile, seed=seed, listed_as=listed_as)
    else:
        from repost.channel.video.emulate import emulate_video
        from repost.media.video.sampling import read_frame_table
        from repost.media.video.upload import VideoUpload

        table = source.table
        upload = VideoUpload(table.path, name=table.name, max_pixels=table.max_pixels)
        with tempfile.TemporaryDirectory(prefix="repost-") as scratch:
            served = emulate_video(upload, profile, Path(scratch) / "served", seed=seed)
            clip = Clip(read_frame_table(served.path, name=table.name))
            yield from _frames(clip, looking, None, seed=seed, listed_as=listed_as)


def _picture(source: Still, profile: Profile | None, seed: int) -> Rgb8:
    if profile is None:
        ((_, pixels),) = source.pictures([0], threads=1)
        assert not isinstance(pixels, Gap), "an image has no gaps"
        return pixels
    return _shared(Upload(read_file(source.path), name=source.name, max_pixels=source.max_pixels), profile, seed)


def _frames(source: Clip, looking: Looking, profile: Profile | None, *, seed: int, listed_as: str) -> Iterator[Piece]:
    for number, pixels in source.pictures(source.numbers(looking.every), threads=1):
        if isinstance(pixels, Gap):
            if pixels.kind == "failed":
                yield Piece(None, number, error=pixels.reason)
            continue
        shown = pixels if profile is None else _shared(Upload.of(pixels), profile, seed)
        yield looking.piece(shown, name=listed_as, frame=number)


def _shared(upload: Upload, profile: Profile, seed: int) -> Rgb8:
    from repost.channel.image import emulate_image

    return emulate_image(upload, profile, seed=seed).pixels
