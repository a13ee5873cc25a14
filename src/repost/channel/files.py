"""Share files on networks: the work a batch does when the verb is `emulate`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from repost.batch import Item, Row
from repost.channel.compare import Metric
from repost.channel.encode import encoder_versions
from repost.channel.video.settings import Match
from repost.core.errors import InputNotFound, RepostError, UnreadableMedia, UnsafeOutput
from repost.core.heap import keep_freed_memory
from repost.media.sniff import MEDIA_SUFFIXES, VIDEO_FORMATS, describe, sniff
from repost.platforms import Profile

if TYPE_CHECKING:
    from repost.channel.share_image import ImageShare
    from repost.channel.share_video import VideoShare


def folder_of(platform: str) -> str:
    """The output folder of a platform: its name as asked for, routes joined with a dash."""
    return platform.replace("/", "-")


@dataclass(frozen=True, slots=True)
class ShareFiles:
    """Put each image and video through every platform; an image is decoded once for all of them.

    Attributes:
        out: Output folder; served files go to OUT/<platform>/<stem>.<served extension>.
        profiles: The platforms by the name they were asked for.
        seed: Decides what is drawn for each file and platform.
        metrics: What to measure between upload and served file.
        named: Ids of files that were named themselves: these are expected to be media, whatever they are called.
        max_pixels: Limit on width x height; the limit in force when None.
        match: Whether videos keep the profile's bitrate or its fidelity.
        every: Write every so many frames of a served video as PNG, into a folder of its name, and not the video.
    """

    out: Path
    profiles: Mapping[str, Profile]
    seed: int = 0
    metrics: tuple[Metric, ...] = ()
    named: frozenset[str] = frozenset()
    max_pixels: int | None = None
    match: Match = "bitrate"
    every: int | None = None

    def settings(self, part: str) -> str:
        """Everything besides the content that decides a served file."""
        from repost import __version__

        profile = self.profiles[part]
        known = {
            "repost": __version__,
            "profile": profile.id,
            "digest": profile.digest,
            "seed": self.seed,
            "metrics": sorted(self.metrics),
            "encoders": encoder_versions(),
            "max_pixels": self.max_pixels,
            "match": self.match,
            "every": self.every,
        }
        return json.dumps(known, sort_keys=True)

    def blank(self, item: Item, part: str) -> dict[str, object]:
        """A manifest row of which nothing is known yet."""
        row: dict[str, object] = {"source": item.id, "platform": part, "output": None, "trace": None}
        return row | ({"metrics": None} if self.metrics else {})

    def run(self, item: Item, parts: tuple[str, ...]) -> Iterator[Row]:
        """Share one file on several platforms."""
        found = self._open(item)
        if isinstance(found, str):
            yield from (Row(item.id, part, "skipped", found) for part in parts)
            return
        for part in parts:
            if reason := self._passed_over(item, part, found.media):
                yield Row(item.id, part, "skipped", reason)
                continue
            try:
                yield self._share(found, item, part)
            except RepostError as error:
                yield Row(item.id, part, "failed", str(error))

    def preview(self, item: Item) -> Iterator[dict[str, object]]:
        """What `run` would do, from headers alone.

        Yields:
            A manifest row for each platform: status "planned", the `output`, and the `rule` that would be followed.
        """
        try:
            found = self._open(item)
        except (RepostError, OSError) as error:
            yield from (self.blank(item, part) | {"status": "failed", "error": str(error)} for part in item.parts)
            return
        for part in item.parts:
            row = self.blank(item, part)
            reason = found if isinstance(found, str) else self._passed_over(item, part, found.media)
            if reason or isinstance(found, str):
                yield row | {"status": "skipped", "error": reason}
                continue
            try:
                rule, ending = found.planned(self.profiles[part])
            except RepostError as error:
                yield row | {"status": "failed", "error": str(error)}
                continue
            output = f"{folder_of(part)}/{item.stem}{ending}"
            yield row | {"status": "planned", "error": None, "output": output, "rule": rule}

    def _open(self, item: Item) -> ImageShare | VideoShare | str:
        """The upload, or why the file is passed over: no media, and not claiming to be."""
        if not item.source.is_file() and item.source.exists():
            raise InputNotFound(item.source)  # opening a pipe would wait for ever
        if not item.source.exists():
            raise UnreadableMedia(item.id, reason="it is gone, or a link that leads nowhere")
        with item.source.open("rb") as stream:
            head = stream.read(64)
            found = sniff(head)
            if found in VIDEO_FORMATS:
                reasons = [self._passed_over(item, part, "video") for part in item.parts]
                if None not in reasons:
                    return f"a {found} video; {', '.join(filter(None, reasons))}"
                from repost.channel.share_video import VideoShare

                return VideoShare.open(item.source, item.id, self)
            if item.id not in self.named and found is None and item.source.suffix.lower() not in MEDIA_SUFFIXES:
                return f"not media: {describe(head)}"
            stream.seek(0)
            data = stream.read()
        from repost.channel.share_image import ImageShare

        keep_freed_memory()
        return ImageShare.open(data, item.id, self)

    def _passed_over(self, item: Item, part: str, media: Literal["image", "video"]) -> str | None:
        """Why a platform does not see a file of a folder: it has no rules for such media. Named files fail instead."""
        profile = self.profiles[part]
        if item.id in self.named or profile.rules_for(media):
            return None
        return f"{profile.id} has no rules for {media}s"

    def _share(self, found: ImageShare | VideoShare, item: Item, part: str) -> Row:
        folder = self.out / folder_of(part)
        stem = folder / item.stem
        stem.parent.mkdir(parents=True, exist_ok=True)
        if not stem.parent.resolve().is_relative_to(folder.resolve()):
            raise UnsafeOutput(f"{folder_of(part)}/{item.stem}", source="what a link in the output folder leads to")
        shared = found.share(self.profiles[part], stem)
        names = tuple(path.relative_to(self.out).as_posix() for path in shared.files)
        fields: dict[str, object] = {"output": shared.output.relative_to(self.out).as_posix(), **shared.fields}
        return Row(item.id, part, "done", None, fields, names)


@dataclass(frozen=True, slots=True)
class Shared:
    """What was written for one file and platform.

    Attributes:
        output: The served file, or the folder of its frames.
        files: Every file written.
        fields: The trace and what was measured, for the manifest.
    """

    output: Path
    files: tuple[Path, ...]
    fields: Mapping[str, object]
