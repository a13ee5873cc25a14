"""What faces are looked for in: the frames of a video, or one image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from repost.core.errors import UnsupportedMedia, UsageError
from repost.media.offered import medium_of
from repost.media.read import read_file
from repost.media.upload import Upload

if TYPE_CHECKING:
    from repost.media.picture import Rgb8
    from repost.media.video.sampling import FrameTable


@dataclass(frozen=True, slots=True)
class Gap:
    """A frame that does not come.

    Attributes:
        kind: "failed", where it cannot be decoded, or "absent", where a sound video has fewer frames than packets.
        reason: In words.
    """

    kind: Literal["failed", "absent"]
    reason: str


@dataclass(frozen=True, slots=True)
class Still:
    """An image.

    Attributes:
        path: The file.
        name: What it is called in errors.
        max_pixels: Limit on width x height; the limit in force when None.
    """

    path: Path
    name: str
    max_pixels: int | None

    def numbers(self, every: int) -> list[int]:
        """Its only number."""
        del every
        return [0]

    def pictures(self, numbers: Sequence[int], *, threads: int) -> Iterator[tuple[int, Rgb8 | Gap]]:
        """The picture, upright, alpha on white.

        Raises:
            UnsupportedMedia: It is an animation, of which one frame would pass for the whole.
            MediaError: It is damaged or too large.
        """
        del threads
        upload = Upload(read_file(self.path), name=self.name, max_pixels=self.max_pixels)
        if upload.facts.animated:
            got, remedy = f"an animated {upload.facts.format}", "convert it to MP4 first (ffmpeg -i IN OUT.mp4)"
            raise UnsupportedMedia(self.name, got=got, expected="a still image or a video", remedy=remedy)
        if numbers:
            yield 0, upload.picture.rgb8()


@dataclass(frozen=True, slots=True)
class Clip:
    """A video.

    Attributes:
        table: Of its frames.
    """

    table: FrameTable

    def numbers(self, every: int) -> list[int]:
        """Every so-manieth frame it has or should have; see `FrameTable.numbers`."""
        return self.table.numbers(every)

    def pictures(self, numbers: Sequence[int], *, threads: int) -> Iterator[tuple[int, Rgb8 | Gap]]:
        """Frames, upright, in their order; those that do not come, at the end.

        Raises:
            MediaError: The file is gone or has changed its kind.
        """
        from repost.media.video.frames import upright_rgb8
        from repost.media.video.sampling import Sampled, sample_frames

        left, outcome = set(numbers), Sampled()
        for number, frame in sample_frames(self.table, numbers, threads=threads, outcome=outcome):
            left.discard(number)
            yield number, upright_rgb8(frame)
        fault = outcome.fault or self.table.fault
        if fault is None and self.table.times:
            fault = "its data is damaged"  # where each frame is known by its packet, one that is missing is damaged
        for number in sorted(left):
            if fault is None:
                yield number, Gap("absent", f"{self.table.name} has fewer frames than packets, and none of this number")
            else:
                yield number, Gap("failed", f"{self.table.name}: frame {number} cannot be decoded: {fault}")


def open_source(path: Path, *, name: str, named: bool, max_pixels: int | None = None) -> Still | Clip | str:
    """Take up a file.

    Args:
        path: The file.
        name: What it is called in errors.
        named: Whether it was named itself and is so expected to be media.
        max_pixels: Limit on width x height of a picture; the limit in force when None.

    Returns:
        An image, or a video whose packets have been read; a reason to pass it over, where it is no media and does not
        claim to be.

    Raises:
        MediaError: It cannot be read.
        InputNotFound: It is a folder, a pipe or a device.
    """
    medium = medium_of(path, name=name, named=named)
    if medium == "image":
        return Still(path, name, max_pixels)
    if medium != "video":
        return medium
    from repost.media.video.sampling import read_frame_table

    return Clip(read_frame_table(path, name=name, max_pixels=max_pixels))


def check_every(every: int) -> None:
    """Refuse a step that leads nowhere.

    Raises:
        UsageError: It is less than 1.
    """
    if every < 1:
        raise UsageError(f"got every {every} frames, expected 1 or more")
