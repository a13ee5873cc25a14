"""Look for a stamp in files and folders, with workers; answers come in listing order."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repost import batch
from repost.core.errors import RepostError
from repost.core.heap import keep_freed_memory
from repost.media.offered import medium_of
from repost.media.read import read_file
from repost.stamp.files import rounded
from repost.stamp.model import DEFAULT_MODEL, load_model
from repost.stamp.still import scan_still


@dataclass(frozen=True, slots=True, kw_only=True)
class FileScan:
    """What was found in one file.

    Attributes:
        file: The file, as it was named, or below the folder that was named.
        stamped: The verdict: True, False, or None for uncertain and for files with an error.
        score: Decades of evidence; of a video, pooled over frames.
        p_value: At most how often a file without this key's stamp gets such a score.
        model: Version of the model that looked.
        frames: How many frames of a video were looked at; None of an image.
        error: Why it could not be read, or None.
    """

    file: str
    stamped: bool | None
    score: float | None
    p_value: float | None
    model: str
    frames: int | None = None
    error: str | None = None

    def to_row(self) -> dict[str, object]:
        """As JSON values: `frames` of videos alone, and `error` of what could not be read alone."""
        row: dict[str, object] = {
            "file": self.file,
            "stamped": self.stamped,
            "score": self.score,
            "p_value": self.p_value,
            "model": self.model,
        }
        if self.frames is not None:
            row["frames"] = self.frames
        if self.error is not None:
            row["error"] = self.error
        return row


def scan_files(
    sources: Sequence[Path],
    *,
    key: str | None = None,
    jobs: int = 1,
    max_pixels: int | None = None,
    model: str = DEFAULT_MODEL,
    advance: batch.Advance | None = None,
) -> Generator[FileScan | None, None, None]:
    """Look for a stamp in every image and video.

    Args:
        sources: Files and folders; these are walked with what lies below them, as `batch.list_inputs` does.
        key: Whose stamp; the published default when None.
        jobs: Worker processes; with 1 there is none.
        max_pixels: Limit on width x height; the limit in force when None.
        model: Name or folder of the model; see `model.load_model`.
        advance: Told how many files are looked at, and how many there are.

    Yields:
        What was found in each file as soon as it and all before it are known: in the order of `sources`, those of a
        folder sorted. None for a file of a folder that is no media and does not claim to be.

    Raises:
        InputNotFound: A source does not exist.
        UsageError: There is no file in them.
    """
    version = load_model(model).version
    with tempfile.TemporaryDirectory(prefix="repost-") as scratch:
        out = Path(scratch)
        found = batch.in_order_of(sources, batch.list_inputs(sources, out))
        items = [batch.Item(entry.id, entry.path) for entry in found]
        named_ids = frozenset(entry.id for entry in found if entry.explicit)
        work = ScanFiles(key, version, model, named_ids, max_pixels)
        events = batch.run(items, work, out=out, jobs=min(jobs, len(items)))
        with closing(events):
            yield from map(_scan_of, batch.rows_in_order(items, events, advance))


@dataclass(frozen=True, slots=True)
class ScanFiles:
    """Look for a stamp in each file; the work of the batch.

    Attributes:
        key: Whose stamp; the published default when None.
        version: Of the model that looks.
        model: Its name or folder.
        named: Ids of files that were named themselves: these are expected to be media, whatever they are called.
        max_pixels: Limit on width x height; the limit in force when None.
    """

    key: str | None = field(repr=False)
    version: str
    model: str = DEFAULT_MODEL
    named: frozenset[str] = frozenset()
    max_pixels: int | None = None

    def settings(self, part: str) -> str:
        """Nothing: what is found is not kept from run to run."""
        del part
        return self.version

    def blank(self, item: batch.Item, part: str) -> dict[str, object]:
        """A row of which nothing is known yet."""
        del part
        unknown = dict.fromkeys(("stamped", "score", "p_value", "frames"))
        return {"file": os.fspath(item.source), **unknown, "model": self.version}

    def run(self, item: batch.Item, parts: tuple[str, ...]) -> Iterator[batch.Row]:
        """Scan one file."""
        (part,) = parts
        name = os.fspath(item.source)
        try:
            medium = medium_of(item.source, name=name, named=item.id in self.named)
            if medium not in ("image", "video"):
                yield batch.Row(item.id, part, "skipped", medium)
                return
            fields = self._scan_video(item, name) if medium == "video" else self._scan_still(item, name)
        except (RepostError, OSError) as error:
            yield batch.Row(item.id, part, "failed", str(error))
            return
        yield batch.Row(item.id, part, "done", None, fields)

    def _scan_still(self, item: batch.Item, name: str) -> dict[str, object]:
        keep_freed_memory()
        data = read_file(item.source)
        found = scan_still(data, self.key, name=name, max_pixels=self.max_pixels, model=self.model)
        return {"stamped": found.stamped, "score": rounded(found.score), "p_value": rounded(found.p_value)}

    def _scan_video(self, item: batch.Item, name: str) -> dict[str, object]:
        from repost.media.video.upload import VideoUpload
        from repost.stamp.video import scan_video

        upload = VideoUpload(item.source, name=name, max_pixels=self.max_pixels)
        found, frames = scan_video(upload, self.key, model=self.model)
        measured = {"score": rounded(found.score), "p_value": rounded(found.p_value)}
        return {"stamped": found.stamped, "frames": frames, **measured}


def _scan_of(row: batch.Row) -> FileScan | None:
    if row.status == "skipped":
        return None
    fields: Mapping[str, Any] = row.fields
    return FileScan(**fields, error=row.error)
