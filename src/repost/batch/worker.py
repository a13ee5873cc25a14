"""What is done with one item, in whatever process the engine chose.

The engines only carry tasks here and outcomes back, so every engine gives the same rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from repost.batch.journal import Record
from repost.batch.model import Item, Row, Work
from repost.core.errors import RepostError, UnreadableMedia, WorkerDied
from repost.core.files import digest_file


@dataclass(frozen=True, slots=True)
class Task:
    """An item, and what the journal knows of its parts."""

    item: Item
    known: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came back for one part; `reused` where the record is the journal's own."""

    record: Record
    reused: bool = False


def perform(task: Task, work: Work, out: Path, *, stopped: Callable[[], bool] = lambda: False) -> list[Outcome]:
    """Do what is left to do of one item.

    Args:
        task: The item and its earlier records.
        work: What is done to it.
        out: The output folder.
        stopped: Asked before each part; when it says yes the remaining parts are left alone.

    Returns:
        One outcome per part, fewer when stopped. An exception of the work is a failed row.
    """
    return list(perform_in_turn(task, work, out, stopped=stopped))


def perform_in_turn(
    task: Task, work: Work, out: Path, *, stopped: Callable[[], bool] = lambda: False
) -> Iterator[Outcome]:
    """The same as `perform`, each outcome as soon as it is there."""
    item = task.item
    parts = tuple(dict.fromkeys(item.parts))
    try:
        content = digest_file(item.source)
        keys = {part: _key(content, work.settings(part), item) for part in parts}
    except Exception as error:  # noqa: BLE001 - one bad file is a row and never ends the run
        if isinstance(error, FileNotFoundError):
            error = UnreadableMedia(item.id, reason="it is gone, or a link that leads nowhere")
        yield from (Outcome(_failed(work, item, part, _describe(error, item, out))) for part in parts)
        return
    kept = [record for record in task.known if _is_current(record, keys, out)]
    yield from (Outcome(record, reused=True) for record in kept)
    done = {record.row.part for record in kept}
    due = {part: keys[part] for part in parts if part not in done}
    if due:
        yield from map(Outcome, _attempt(work, item, due, out, stopped))


def alone(task: Task) -> Iterator[Task]:
    """Split a task on which a worker died, so that only the part that kills is lost.

    Args:
        task: The task.

    Yields:
        A task for each part.
    """
    for part in dict.fromkeys(task.item.parts):
        known = tuple(record for record in task.known if record.row.part == part)
        yield Task(replace(task.item, parts=(part,)), known)


def give_up(task: Task, work: Work) -> list[Outcome]:
    """The rows of a task on which a worker died again.

    Args:
        task: The task.
        work: What killed it.

    Returns:
        A failed row for each part.
    """
    item = task.item
    return [Outcome(_failed(work, item, part, str(WorkerDied(item.id)))) for part in item.parts]


def _key(content: str, settings: str, item: Item) -> str:
    facts = json.dumps([content, settings, item.id, item.stem])
    return hashlib.sha256(facts.encode("ascii")).hexdigest()


def _is_current(record: Record, keys: Mapping[str, str], out: Path) -> bool:
    if record.row.status == "failed" or record.key != keys.get(record.row.part):
        return False
    try:
        return all(
            digest_file(out / output) == digest
            for output, digest in zip(record.row.outputs, record.digests, strict=True)
        )
    except OSError:
        return False


def _attempt(
    work: Work, item: Item, due: Mapping[str, str], out: Path, stopped: Callable[[], bool]
) -> Iterator[Record]:
    left = dict(due)
    reason = "the work gave no row for this part"
    try:
        if stopped():
            return
        for row in work.run(item, tuple(due)):
            if row.item != item.id or row.part not in left:
                raise ValueError(f"the work gave a row for {row.item!r} {row.part!r}, expected one of {tuple(left)}")
            yield _settled(work, item, row, left.pop(row.part), out)
            if stopped():
                return
    except Exception as error:  # noqa: BLE001 - one bad file is a row and never ends the run
        reason = _describe(error, item, out)
    for part in left:
        yield _failed(work, item, part, reason)


def _settled(work: Work, item: Item, row: Row, key: str, out: Path) -> Record:
    if row.status == "failed":
        return _failed(work, item, row.part, row.error or "the work gave no reason", row.fields)
    try:
        digests = tuple(digest_file(out / _checked(output)) for output in row.outputs)
        fields = _plain({**work.blank(item, row.part), **row.fields})
    except (OSError, TypeError, ValueError) as error:
        return _failed(work, item, row.part, _describe(error, item, out))
    return Record(replace(row, fields=fields), key, digests)


def _checked(output: str) -> str:
    path = PurePosixPath(output)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ValueError(f"the work gave the output {output!r}, expected a path relative to the output folder")
    return output


def _failed(work: Work, item: Item, part: str, error: str, fields: Mapping[str, object] | None = None) -> Record:
    try:
        laid_over = _plain({**work.blank(item, part), **(fields or {})})
    except (TypeError, ValueError):
        laid_over = _plain(work.blank(item, part))
    return Record(Row(item.id, part, "failed", error, laid_over), key="")


def _plain(fields: Mapping[str, object]) -> dict[str, object]:
    # Through JSON and back: a row is the same whether it is fresh or read from the journal.
    return json.loads(json.dumps(fields, sort_keys=True, allow_nan=False))


def _describe(error: Exception, item: Item, out: Path) -> str:
    message = str(error)
    # The manifest must not depend on where the folders are. OSError quotes its paths, hence the second form of each.
    for place, name in ((str(item.source), item.id), (f"{out}/", "")):
        if place.startswith("/"):
            message = message.replace(place, name).replace(repr(place)[1:-1], repr(name)[1:-1])
    if not isinstance(error, RepostError):
        message = f"{type(error).__name__}: {message}"
    return " ".join(message.split()).removesuffix(":")
