"""Cut faces out of files: the work a batch does when the verb is `faces`."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from PIL import Image

from repost.batch import Found, InFlight, Item, Row
from repost.channel.encode import encoder_versions
from repost.core.errors import OutputUnwritable, RepostError, UnsafeOutput, UsageError
from repost.core.files import write_atomic
from repost.core.heap import keep_freed_memory
from repost.faces.extract import EVERY, FaceSettings, FrameFaces, faces_of
from repost.faces.sources import check_every, open_source
from repost.media.png import png_bytes

if TYPE_CHECKING:
    from repost.media.picture import Rgb8

NO_FACE = "no_face"
"""The status of a frame without a face, in rows."""

Format = Literal["png", "jpg"]
_PART_DIGITS, _NAME_DIGITS = 9, 6
_QUALITY, _BEST_QUALITY = 95, 100


@dataclass(frozen=True, slots=True)
class ExtractFaces:
    """Cut a face out of every sampled frame.

    Attributes:
        out: Output folder; a face goes to OUT/<stem>_<frame>.<format>.
        cutting: How faces are found, chosen and cut out.
        every: Frames from one sampled to the next.
        format: Of the output.
        quality: Of JPEG, 1 to 100; 95 when None. None for PNG.
        named: Ids of files that were named themselves: these are expected to be media, whatever they are called.
    """

    out: Path
    cutting: FaceSettings
    every: int = EVERY
    format: Format = "png"
    quality: int | None = None
    named: frozenset[str] = frozenset()

    def check(self) -> None:
        """Refuse what is wrong before anything is written.

        Raises:
            UsageError: A setting is wrong.
            RepostError: The detector cannot be made.
        """
        check_every(self.every)
        if self.format not in get_args(Format):
            raise UsageError(f"got the format '{self.format}', expected png or jpg")
        if self.quality is not None and not 1 <= self.quality <= _BEST_QUALITY:
            raise UsageError(f"got the quality {self.quality}, expected 1 to {_BEST_QUALITY}")
        if self.quality is not None and self.format == "png":
            raise UsageError(f"got the quality {self.quality} for PNG, expected none; add --format jpg")
        self.cutting.load()

    @property
    def jpeg_quality(self) -> int:
        """Of the output, where it is JPEG."""
        return _QUALITY if self.quality is None else self.quality

    def settings(self, part: str) -> str:
        """Everything besides the content that decides a face."""
        del part
        return _settings(self)

    def blank(self, item: Item, part: str) -> dict[str, object]:
        """A manifest row of which nothing is known yet."""
        unknown = dict.fromkeys(("box", "crop", "output", "confidence", "faces", "size_px"))
        return {"source": item.id, "frame": int(part), "detector": self.cutting.detector.name, **unknown}

    def run(self, item: Item, parts: tuple[str, ...]) -> Iterator[Row]:
        """Cut out the faces of some frames of one file."""
        due = {int(part): part for part in parts}
        try:
            source = open_source(
                item.source, name=item.id, named=item.id in self.named, max_pixels=self.cutting.max_pixels
            )
            if isinstance(source, str):
                yield from (Row(item.id, part, "skipped", source) for part in parts)
                return
            keep_freed_memory()
            detector = self.cutting.load()
            for found in _told(faces_of(source, self._looked_at(due), self.cutting, detector), len(due), self.out):
                if found.frame in due:
                    yield self._row(item, due.pop(found.frame), found)
        except RepostError as error:
            yield from (Row(item.id, part, "failed", str(error)) for part in due.values())

    def _looked_at(self, due: Mapping[int, str]) -> Sequence[int]:
        """The frames that are due; to go on from the frame before, all up to the last of them."""
        return range(0, max(due) + 1, self.every) if self.cutting.policy == "track" else sorted(due)

    def _row(self, item: Item, part: str, found: FrameFaces) -> Row:
        if found.status in ("failed", "absent"):
            return Row(item.id, part, "failed" if found.status == "failed" else "skipped", found.error)
        fields: dict[str, object] = {"faces": len(found.faces), "size_px": found.size_px and list(found.size_px)}
        if found.chosen is None or found.cut is None:
            return Row(item.id, part, "done", None, fields, verdict=NO_FACE)
        output = f"{item.stem}_{found.frame:0{_NAME_DIGITS}}.{self.format}"
        try:
            self._write(output, found.cut.pixels)
        except RepostError as error:
            return Row(item.id, part, "failed", str(error))
        fields |= {
            "box": list(found.chosen.box),
            "crop": None if found.cut.square is None else list(found.cut.square),
            "confidence": found.chosen.confidence,
            "output": output,
        }
        return Row(item.id, part, "done", None, fields, (output,))

    def _write(self, output: str, pixels: Rgb8) -> None:
        target = self.out / output
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.parent.resolve().is_relative_to(self.out.resolve()):
                raise UnsafeOutput(output, source="what a link in the output folder leads to")
            write_atomic(target, png_bytes(pixels) if self.format == "png" else _jpeg(pixels, self.jpeg_quality))
        except OSError as error:
            if isinstance(error, RepostError):
                raise
            raise OutputUnwritable(output, reason=error.strerror or str(error)) from error


def _told(frames: Iterator[FrameFaces], whole: int, out: Path) -> Iterator[FrameFaces]:
    """The same, and a progress bar may know how many have come."""
    hand = InFlight(out, whole)
    try:
        for count, found in enumerate(frames):
            hand.tell(count)
            yield found
    finally:
        hand.clear()


@cache
def _settings(work: ExtractFaces) -> str:
    from repost import __version__

    cutting = work.cutting
    known = {
        "repost": __version__,
        "detector": cutting.load().identity(),
        "policy": cutting.policy,
        "every": work.every if cutting.policy == "track" else None,  # else a frame does not depend on the others
        "scale": cutting.scale,
        "least_px": cutting.least_px,
        "align": cutting.align,
        "max_pixels": cutting.max_pixels,
        "format": work.format,
        "quality": work.jpeg_quality if work.format == "jpg" else None,
        "codecs": encoder_versions(),
    }
    return json.dumps(known, sort_keys=True)


def _jpeg(pixels: Rgb8, quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def face_items(found: Sequence[Found], work: ExtractFaces, stems: Mapping[str, str]) -> Iterator[Item]:
    """The items of a batch: a file each, a part for each frame that is looked at.

    Args:
        found: The files.
        work: What is done to them.
        stems: Their output names, from `batch.output_stems`.

    Yields:
        Items, each as soon as the packets of its video are read. What cannot be read has one part; its row says why.
    """
    for entry in found:
        try:
            source = open_source(entry.path, name=entry.id, named=entry.explicit, max_pixels=work.cutting.max_pixels)
            numbers = [0] if isinstance(source, str) else source.numbers(work.every)
        except (RepostError, OSError):
            numbers = [0]
        parts = tuple(f"{number:0{_PART_DIGITS}}" for number in numbers)
        yield Item(entry.id, entry.path, parts, stems[entry.id])
