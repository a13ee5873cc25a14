"""Stamp files: the work a batch does when the verb is `stamp`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from repost.batch import InFlight, Item, Row
from repost.channel.encode import encoder_versions
from repost.core.errors import OutputUnwritable, RepostError, UnsafeOutput
from repost.core.files import write_atomic
from repost.core.heap import keep_freed_memory
from repost.media.offered import medium_of
from repost.media.read import read_file
from repost.media.sniff import suffix_fits
from repost.stamp.model import load_model
from repost.stamp.still import StampSettings, stamp_still

if TYPE_CHECKING:
    from repost.stamp.scan import ScanResult

SIGNIFICANT_DIGITS = 6
"""Of the numbers in rows: more differ between processors."""


@dataclass(frozen=True, slots=True)
class StampFiles:
    """Stamp each image and video, and write it under its own name.

    Attributes:
        out: Output folder; a stamped file goes to OUT/<path of the source>.
        settings_of_stamp: Key, strength and limits.
        model: Version of the model that stamps.
        fingerprint: Of the key, for rows and for telling finished work of another key; the key itself is nowhere.
        named: Ids of files that were named themselves: these are expected to be media, whatever they are called.
        renamed: Ids whose own name another output may have.
    """

    out: Path
    settings_of_stamp: StampSettings
    model: str
    fingerprint: str
    named: frozenset[str] = frozenset()
    renamed: frozenset[str] = field(default=frozenset(), repr=False)

    def settings(self, part: str) -> str:
        """Everything besides the content that decides a stamped file."""
        del part
        from repost import __version__

        wanted = self.settings_of_stamp
        known = {
            "repost": __version__,
            "model": self.model,
            "weights": load_model(wanted.model).facts.embedder_sha256,
            "key": self.fingerprint,
            "strength": wanted.strength,
            "again": wanted.again,
            "max_pixels": wanted.max_pixels,
            "encoders": encoder_versions(),
            "onnxruntime": _runtime_version(),
        }
        return json.dumps(known, sort_keys=True)

    def blank(self, item: Item, part: str) -> dict[str, object]:
        """A manifest row of which nothing is known yet."""
        del part
        unknown = dict.fromkeys(("output", "survives", "score", "p_value", "warning", "frames"))
        of_all = {"model": self.model, "key": self.fingerprint, "strength": self.settings_of_stamp.strength}
        return {"source": item.id, **unknown, "notes": [], **of_all}

    def run(self, item: Item, parts: tuple[str, ...]) -> Iterator[Row]:
        """Stamp one file."""
        (part,) = parts
        try:
            medium = medium_of(item.source, name=item.id, named=item.id in self.named)
            if medium not in ("image", "video"):
                yield Row(item.id, part, "skipped", medium)
                return
            fields = self._stamp_video(item) if medium == "video" else self._stamp_still(item)
        except RepostError as error:
            yield Row(item.id, part, "failed", str(error))
            return
        yield Row(item.id, part, "done", None, fields, (str(fields["output"]),))

    def _stamp_still(self, item: Item) -> dict[str, object]:
        keep_freed_memory()
        stamped = stamp_still(read_file(item.source), self.settings_of_stamp, name=item.id)
        target = self._target(item, stamped.format, stamped.extension)
        try:
            write_atomic(target, stamped.data)
        except OSError as error:
            raise OutputUnwritable(target.name, reason=error.strerror or str(error)) from error
        return self._fields(target, stamped.check, stamped.notes)

    def _stamp_video(self, item: Item) -> dict[str, object]:
        from repost.media.video.upload import VideoUpload
        from repost.stamp.video import plan_stamping, stamp_video

        upload = VideoUpload(item.source, name=item.id, max_pixels=self.settings_of_stamp.max_pixels)
        plan = plan_stamping(upload)
        target = self._target(item, plan.format, plan.format)
        hand = InFlight(self.out, upload.facts.frame_count)
        try:
            stamped = stamp_video(upload, plan, target, settings=self.settings_of_stamp, on_frame=hand.tell)
        finally:
            hand.clear()
        return self._fields(target, stamped.check, stamped.notes) | {"frames": stamped.frames}

    def _target(self, item: Item, format_: str, extension: str) -> Path:
        """Where the output goes; its folder is made."""
        keeps_name = item.id not in self.renamed and suffix_fits(item.id, format_)
        target = self.out / (item.id if keeps_name else f"{item.stem}.{extension}")
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.parent.resolve().is_relative_to(self.out.resolve()):
            raise UnsafeOutput(target.name, source="what a link in the output folder leads to")
        return target

    def _fields(self, target: Path, check: ScanResult, notes: tuple[str, ...]) -> dict[str, object]:
        return {
            "output": target.relative_to(self.out).as_posix(),
            "survives": check.stamped is True,
            "score": rounded(check.score),
            "p_value": rounded(check.p_value),
            "warning": warning_of(check),
            "notes": list(notes),
        }


def warning_of(check: ScanResult) -> str | None:
    """What to warn of after a stamped file was scanned again; None where its stamp is found.

    Args:
        check: What the scan of the file as written found.
    """
    if check.stamped:
        return None
    found = "is not found" if check.stamped is False else "is uncertain"
    return (
        f"the stamp {found} in the written file (p = {check.p_value:.2g}): the picture is too noisy or too hard in its "
        "contrasts to hold one, or its format too coarse; take another picture, a larger copy, or a higher --strength"
    )


def rounded(number: float) -> float:
    """A number as rows hold it."""
    return float(f"{number:.{SIGNIFICANT_DIGITS}g}")


def _runtime_version() -> str:
    with contextlib.suppress(PackageNotFoundError):
        return version("onnxruntime")
    return "absent"
