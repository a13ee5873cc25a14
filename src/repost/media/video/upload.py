"""A video on its way to a network."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path

from av.container import InputContainer
from av.video.stream import VideoStream

from repost.core.files import digest_file
from repost.media.video.facts import VideoFacts, read_video_facts
from repost.media.video.open import open_video


class VideoUpload:
    """A video file that a person hands to a network; its frames are only ever streamed.

    Attributes:
        path: The file.
        name: What it is called in errors and traces.
        facts: What its headers and packets say.
        max_pixels: Limit on width x height of a frame, for whoever decodes it; the limit in force when None.
    """

    def __init__(self, path: Path, *, name: str | None = None, max_pixels: int | None = None) -> None:
        self.path, self.name, self.max_pixels = path, name or str(path), max_pixels
        self.facts: VideoFacts = read_video_facts(path, name=self.name, max_pixels=max_pixels)

    def open(self) -> AbstractContextManager[tuple[InputContainer, VideoStream]]:
        """Open it to read packets or frames; see `open_video`."""
        return open_video(self.path, name=self.name, max_pixels=self.max_pixels)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file, on which random draws depend."""
        return digest_file(self.path)

    def feature(self, name: str) -> float:
        """A number that rules and values depend on; see `repost.platforms.values.Feature`."""
        return _FEATURES[name](self.facts)


_FEATURES: dict[str, Callable[[VideoFacts], float]] = {
    "width_px": lambda facts: facts.width_px,
    "height_px": lambda facts: facts.height_px,
    "long_side_px": lambda facts: max(facts.width_px, facts.height_px),
    "short_side_px": lambda facts: min(facts.width_px, facts.height_px),
    "pixel_count": lambda facts: facts.width_px * facts.height_px,
    "aspect_ratio": lambda facts: facts.width_px / facts.height_px,
    "size_bytes": lambda facts: facts.size_bytes,
    "bits_per_pixel": lambda facts: 8 * facts.size_bytes / (facts.width_px * facts.height_px),
    "fps": lambda facts: float(facts.fps),
    "duration_s": lambda facts: facts.duration_s,
    "bitrate_bps": lambda facts: facts.bitrate_bps,
}
