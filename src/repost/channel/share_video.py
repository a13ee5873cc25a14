"""Share one video on networks and write what they serve, as a file or as frames."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from PIL import Image

from repost.batch import InFlight
from repost.channel.files import Shared
from repost.channel.video.emulate import emulate_video, served_extension
from repost.channel.video.fidelity import compare_videos
from repost.channel.video.plan import plan_video
from repost.core.files import write_atomic
from repost.media.video.frames import decode_frames, upright_rgb8
from repost.media.video.upload import VideoUpload
from repost.platforms import Profile

if TYPE_CHECKING:
    from repost.channel.files import ShareFiles


@dataclass(frozen=True, slots=True)
class VideoShare:
    """A video on its way to networks.

    Attributes:
        upload: The video.
        work: What is wanted.
    """

    media: ClassVar[Literal["video"]] = "video"
    upload: VideoUpload
    work: ShareFiles

    @classmethod
    def open(cls, path: Path, name: str, work: ShareFiles) -> VideoShare:
        """Take up a file.

        Raises:
            MediaError: It is no video, damaged, or too large.
        """
        return cls(VideoUpload(path, name=name, max_pixels=work.max_pixels), work)

    def planned(self, profile: Profile) -> tuple[str, str]:
        """The rule that would be followed, and what is added to the name of the output.

        Raises:
            UnsupportedMedia: The profile cannot take this video.
        """
        plan = plan_video(self.upload, profile, seed=self.work.seed, match=self.work.match)
        return plan.rule.name, "" if self.work.every else f".{served_extension(plan, self.upload.facts)}"

    def share(self, profile: Profile, stem: Path) -> Shared:
        """Share the video and write the served file or its frames.

        Args:
            profile: The platform.
            stem: The output without its extension.

        Raises:
            RepostError: The video or a codec failed.
        """
        if self.work.every is None:
            _, ending = self.planned(profile)
            target = stem.with_name(stem.name + ending)
            return Shared(target, (target,), self._emulate(profile, target))
        with tempfile.TemporaryDirectory(prefix="repost-") as scratch:
            served = Path(scratch) / "served"
            fields = self._emulate(profile, served)
            stem.mkdir(exist_ok=True)
            files = tuple(_write_frames(served, stem, every=self.work.every))
            _clear_other_frames(stem, files)
            return Shared(stem, files, fields)

    def _emulate(self, profile: Profile, target: Path) -> dict[str, object]:
        hand = InFlight(self.work.out, self.upload.facts.frame_count)
        try:
            emulated = emulate_video(
                self.upload, profile, target, seed=self.work.seed, match=self.work.match, on_frame=hand.tell
            )
        finally:
            hand.clear()
        fields: dict[str, object] = {"trace": emulated.trace.to_dict()}
        if self.work.metrics:
            fields["metrics"] = compare_videos(self.upload, target, metrics=self.work.metrics)
        return fields


def _clear_other_frames(folder: Path, files: tuple[Path, ...]) -> None:
    """Remove the frames of an earlier run with other settings, which nothing would tell from those of this one."""
    kept = {path.name for path in files}
    for path in folder.glob("[0-9]*.png"):
        if path.name not in kept and path.stem.isdecimal():
            path.unlink()


def _write_frames(video: Path, folder: Path, *, every: int) -> Iterator[Path]:
    for index, frame in enumerate(decode_frames(video)):
        if index % every == 0:
            buffer = io.BytesIO()
            # A PNG of a frame says nothing about turning it, unlike the video it is from.
            Image.fromarray(upright_rgb8(frame)).save(buffer, "PNG", compress_level=1)
            path = folder / f"{index:06}.png"
            write_atomic(path, buffer.getvalue())
            yield path
