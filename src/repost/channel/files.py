"""Share files on networks: the work a batch does when the verb is `emulate`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from repost.batch import Item, Row
from repost.channel.compare import Fidelity, Metric, compare, was_cropped
from repost.channel.encode import encoder_versions
from repost.channel.image import Emulated, emulate_image, matching_rule
from repost.core.errors import InputNotFound, RepostError, UnsafeOutput
from repost.core.files import write_atomic
from repost.core.heap import keep_freed_memory
from repost.media.sniff import EXTENSIONS, MEDIA_SUFFIXES, VIDEO_FORMATS, describe, sniff
from repost.media.upload import Upload
from repost.platforms import Profile
from repost.platforms.steps import IMAGE_ENCODES, ClientSave, Passthrough, Step, Transcode


def folder_of(platform: str) -> str:
    """The output folder of a platform: its name as asked for, routes joined with a dash."""
    return platform.replace("/", "-")


@dataclass(frozen=True, slots=True)
class ShareFiles:
    """Put each file through every platform, decoding it once.

    Attributes:
        out: Output folder; served files go to OUT/<platform>/<stem>.<served extension>.
        profiles: The platforms by the name they were asked for.
        seed: Decides what is drawn for each file and platform.
        metrics: What to measure between upload and served file.
        named: Ids of files that were named themselves: these are expected to be images, whatever they are called.
        max_pixels: Limit on width x height; the limit in force when None.
    """

    out: Path
    profiles: Mapping[str, Profile]
    seed: int = 0
    metrics: tuple[Metric, ...] = ()
    named: frozenset[str] = frozenset()
    max_pixels: int | None = None

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
            "encoders": dict(encoder_versions()),
            "max_pixels": self.max_pixels,
        }
        return json.dumps(known, sort_keys=True)

    def blank(self, item: Item, part: str) -> dict[str, object]:
        """A manifest row of which nothing is known yet."""
        row: dict[str, object] = {"source": item.id, "platform": part, "output": None, "trace": None}
        return row | ({"metrics": None} if self.metrics else {})

    def run(self, item: Item, parts: tuple[str, ...]) -> Iterator[Row]:
        """Share one file on several platforms."""
        keep_freed_memory()
        upload = self._upload(item)
        if isinstance(upload, str):
            yield from (Row(item.id, part, "skipped", upload) for part in parts)
            return
        for part in parts:
            try:
                yield self._share(upload, item, part)
            except RepostError as error:
                yield Row(item.id, part, "failed", str(error))

    def preview(self, item: Item) -> Iterator[dict[str, object]]:
        """What `run` would do, from headers alone.

        Yields:
            A manifest row for each platform: status "planned", the `output`, and the `rule` that would be followed.
        """
        try:
            upload = self._upload(item)
        except (RepostError, OSError) as error:
            yield from (self.blank(item, part) | {"status": "failed", "error": str(error)} for part in item.parts)
            return
        for part in item.parts:
            row = self.blank(item, part)
            if isinstance(upload, str):
                yield row | {"status": "skipped", "error": upload}
                continue
            try:
                _, rule = matching_rule(upload, self.profiles[part])
            except RepostError as error:
                yield row | {"status": "failed", "error": str(error)}
                continue
            output = f"{folder_of(part)}/{item.stem}.{EXTENSIONS[_served_format(rule.steps, upload)]}"
            yield row | {"status": "planned", "error": None, "output": output, "rule": rule.name}

    def _upload(self, item: Item) -> Upload | str:
        """The upload, or why the file is passed over: no image, and not claiming to be one."""
        if not item.source.is_file() and item.source.exists():
            raise InputNotFound(item.source)  # opening a pipe would wait for ever
        with item.source.open("rb") as stream:
            head = stream.read(64)
            found = sniff(head)
            if item.id not in self.named:
                if found in VIDEO_FORMATS:
                    return f"a {found} video; only images are shared so far"
                if found is None and item.source.suffix.lower() not in MEDIA_SUFFIXES:
                    return f"not media: {describe(head)}"
            stream.seek(0)
            data = head if found in VIDEO_FORMATS else stream.read()
        return Upload(data, name=item.id, max_pixels=self.max_pixels)

    def _share(self, upload: Upload, item: Item, part: str) -> Row:
        emulated = emulate_image(upload, self.profiles[part], seed=self.seed)
        output = f"{folder_of(part)}/{item.stem}.{emulated.extension}"
        target = self.out / output
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.parent.resolve().is_relative_to((self.out / folder_of(part)).resolve()):
            raise UnsafeOutput(output, source="what a link in the output folder leads to")
        write_atomic(target, emulated.data)
        fields: dict[str, object] = {"output": output, "trace": emulated.trace.to_dict()}
        if self.metrics:
            fields["metrics"] = self._measure(upload, emulated)
        return Row(item.id, part, "done", None, fields, (output,))

    def _measure(self, upload: Upload, emulated: Emulated) -> Fidelity:
        return compare(
            upload.picture.rgb8(),
            emulated.pixels,
            mask=emulated.mask if emulated.trace.left_out else None,
            metrics=self.metrics,
            cropped=was_cropped(emulated.trace),
        )


def _served_format(steps: tuple[Step, ...], upload: Upload) -> str:
    """The format of the file the last writing step leaves."""
    last = steps[-1]
    if isinstance(last, Passthrough):
        return upload.facts.format
    if isinstance(last, Transcode):
        return "jpeg"
    written = last.encode if isinstance(last, ClientSave) else last
    assert isinstance(written, IMAGE_ENCODES), "rules are checked to end with a step that writes a file"
    return written.codec
