"""The memory of an output folder: what was done, under which key, giving which files.

`OUT/.repost/journal.jsonl` has one line per finished row and one writer, the run that holds the lock. It is only
appended to while a run goes on, so a kill at any moment costs at most the line being written.
"""

from __future__ import annotations

import json
import os
import sys
import time
import zlib
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, get_args

from repost.batch.model import Item, Row, Status
from repost.core.errors import OutputUnwritable
from repost.core.files import atomic_writer

STATE_FOLDER = ".repost"
SYNC_INTERVAL_S = 1.0
"""A sync makes the file system write out all fresh outputs too; after every row it cost a tenth of the run. What a
power cut loses in between is done again."""
MANIFEST_NAME = "manifest.jsonl"


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the journal.

    Attributes:
        row: What became of the part.
        key: Digest of everything that decided it; empty where it could not be computed.
        digests: SHA-256 of each of the row's outputs, in their order.
    """

    row: Row
    key: str
    digests: tuple[str, ...] = ()

    def to_line(self) -> bytes:
        """The record as one line of ASCII; names that are no valid Unicode survive as escapes."""
        row = self.row
        line = {
            "item": row.item,
            "part": row.part,
            "status": row.status,
            "error": row.error,
            "fields": row.fields,
            "outputs": dict(zip(row.outputs, self.digests, strict=True)),
            "key": self.key,
        }
        if row.verdict is not None:
            line["verdict"] = row.verdict
        body = _as_json(line)
        return body[:-1] + f', "~crc32": {zlib.crc32(body)}}}\n'.encode("ascii")

    @classmethod
    def from_line(cls, line: bytes) -> Record | None:
        """The record of a line, or None where the line is damaged."""
        try:
            data: Any = json.loads(line)
            if data.pop("~crc32") != zlib.crc32(_as_json(data)):
                return None
            verdict: Any = data.get("verdict")
            texts: list[Any] = [data["item"], data["part"], data["key"], *data["outputs"].values()]
            texts += [data["error"] or "", verdict or ""]
            if not all(isinstance(text, str) for text in texts) or data["status"] not in get_args(Status):
                return None
            fields, outputs = {**data["fields"]}, tuple(data["outputs"])
            row = Row(data["item"], data["part"], data["status"], data["error"], fields, outputs, verdict)
            return cls(row, data["key"], tuple(data["outputs"].values()))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return None


def _as_json(line: Mapping[str, object]) -> bytes:
    return json.dumps(line, sort_keys=True, allow_nan=False).encode("ascii")


class Journal:
    """The journal of one output folder, opened for one run.

    Only the place of each row is held in memory, never the row: a million rows take a few hundred megabytes.
    """

    def __init__(self, out: Path) -> None:
        """Open the journal and cut off a line that a kill left half written.

        Args:
            out: The output folder; this run holds its lock.

        Raises:
            OutputUnwritable: The journal cannot be opened.
        """
        self._out = out
        self._path = out / STATE_FOLDER / "journal.jsonl"
        self._synced_s = time.monotonic()
        self._syncer = ThreadPoolExecutor(1, thread_name_prefix="repost-sync")
        self._sync: Future[None] | None = None
        self._offsets: dict[tuple[str, str], int] = {}
        # Which item wrote an output last, both as hashes to stay small. Where a source was renamed (a.png is now
        # a.webp) two items name the same output, and only the newer one may keep its row.
        self._owners: dict[int, int] = {}
        with _failures_named(self._path):
            self._writer = self._path.open("ab", buffering=0)
            self._reader = self._path.open("rb")
            self._end = self._scan()
            self._writer.truncate(self._end)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files; nothing is left to be written."""
        self._syncer.shutdown()
        self._reader.close()
        self._writer.close()

    def records_of(self, item: Item) -> tuple[Record, ...]:
        """The last record of each of an item's parts that has one.

        Args:
            item: The item.

        Returns:
            The records, in the order of the parts.
        """
        offsets = (self._offsets.get((item.id, part)) for part in dict.fromkeys(item.parts))
        records = (self._read(offset) for offset in offsets if offset is not None)
        return tuple(record for record in records if record is not None)

    def append(self, records: Iterable[Record]) -> None:
        """Add records. They survive a kill at once, and a power cut from the next sync on.

        Args:
            records: New records; the last one of an item's part is the one that counts.

        Raises:
            OutputUnwritable: The disk is full, or the folder is gone.
        """
        lines: list[bytes] = []
        for record in records:
            lines.append(record.to_line())
            self._note(record, self._end)
            self._end += len(lines[-1])
        rest = memoryview(b"".join(lines))
        if not rest:
            return
        with _failures_named(self._path):
            while rest:
                rest = rest[os.write(self._writer.fileno(), rest) :]
            if time.monotonic() - self._synced_s >= SYNC_INTERVAL_S and (self._sync is None or self._sync.done()):
                if self._sync is not None:
                    self._sync.result()
                # Beside the run, not in it: workers would stand idle meanwhile.
                self._sync = self._syncer.submit(os.fsync, self._writer.fileno())
                self._synced_s = time.monotonic()

    def confirm(self, record: Record) -> None:
        """Take note that the outputs of an earlier record were verified to be its own.

        Args:
            record: One of those given by `records_of`.
        """
        self._claim(record)

    def finish(self) -> Path:
        """Write the manifest and the journal anew, each sorted and at once, and close the journal.

        Both hold the last row of every item and part the journal knows, those of earlier runs included, unless an
        output of the row is gone or was since written by another item.

        Returns:
            The manifest.

        Raises:
            OutputUnwritable: One of the two cannot be written; both are then as they were, or only the journal is new.
        """
        manifest = self._out / MANIFEST_NAME
        with (
            _failures_named(self._out),
            atomic_writer(manifest, fsync=True) as rows,
            atomic_writer(self._path, fsync=True) as lines,
        ):
            for record in self._standing():
                rows.write(json.dumps(record.row.manifest_row(), sort_keys=True).encode("ascii") + b"\n")
                lines.write(record.to_line())
            self.close()  # where open files cannot be replaced
        return manifest

    def _standing(self) -> Iterator[Record]:
        for item_and_part in sorted(self._offsets):
            record = self._read(self._offsets[item_and_part])
            if record is not None and all(self._stands(record, output) for output in record.row.outputs):
                yield record

    def _stands(self, record: Record, output: str) -> bool:
        return self._owners.get(hash(output)) == hash(record.row.item) and (self._out / output).is_file()

    def _scan(self) -> int:
        end = 0
        for line in self._reader:
            if not line.endswith(b"\n"):
                break
            record = Record.from_line(line)
            if record is not None:  # a damaged line costs its own work, and no other
                self._note(record, end)
            end += len(line)
        return end

    def _note(self, record: Record, offset: int) -> None:
        self._offsets[record.row.item, sys.intern(record.row.part)] = offset
        self._claim(record)

    def _claim(self, record: Record) -> None:
        for output in record.row.outputs:
            self._owners[hash(output)] = hash(record.row.item)

    def _read(self, offset: int) -> Record | None:
        self._reader.seek(offset)
        return Record.from_line(self._reader.readline())


@contextmanager
def _failures_named(path: Path) -> Generator[None, None, None]:
    try:
        yield
    except OSError as error:
        raise OutputUnwritable(path, reason=error.strerror or str(error), resumes=True) from error
