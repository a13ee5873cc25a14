"""The run: tasks out, rows into the journal, the manifest at the end."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path

from repost.batch.engines import Engine, resolve_engine
from repost.batch.in_flight import sweep
from repost.batch.journal import Journal
from repost.batch.lock import output_lock
from repost.batch.model import Event, Finished, Item, RowFinished, Started, Summary, Work
from repost.batch.worker import Task
from repost.core.errors import UsageError


def run(
    items: Iterable[Item], work: Work, *, out: Path, jobs: int = 1, engine: str = "local"
) -> Generator[Event, None, None]:
    """Do one piece of work on many items, and remember it.

    Work done before in the same folder under the same content, settings and names is not done again. One item that
    fails is a row and never ends the run. `OUT/manifest.jsonl` describes everything done in the folder, by this run
    and earlier ones; it is the same, byte for byte, for any number of workers, any engine, interrupted or not.

    Args:
        items: The items, with unique ids. An iterator is read only as far as the workers have come.
        work: What is done to each; importable by worker processes when there are several.
        out: The output folder; made where it does not exist.
        jobs: How many items are worked on at once. With 1 the work runs in this process.
        engine: A name in `ENGINES`.

    Returns:
        The events: `Started`, a `RowFinished` for each row in any order, `Finished`. Closing the generator early (or
        Ctrl-C) stops the workers and frees the folder; the next run goes on from there.

    Raises:
        UsageError: `jobs` or `engine` is wrong (at once), or the work cannot be sent to worker processes.
        OutputBusy: Another run is writing to `out` (from the first event on, as all that follow).
        OutputUnwritable: The folder is full or read-only.
        MissingExtra: The engine's package is not installed.
    """
    if jobs < 1:
        raise UsageError(f"got jobs={jobs}, expected 1 or more")
    return _events(items, work, resolve_engine(engine), out.absolute(), jobs)


def _events(items: Iterable[Item], work: Work, engine: Engine, out: Path, jobs: int) -> Generator[Event, None, None]:
    total = sum(len(set(item.parts)) for item in items) if isinstance(items, Sequence) else None
    counts: Counter[str] = Counter()
    with output_lock(out), Journal(out) as journal:
        sweep(out)
        yield Started(total)
        tasks = (Task(item, journal.records_of(item)) for item in items)
        with contextlib.closing(engine(tasks, work, out=out, jobs=jobs)) as batches:
            finished = 0
            for outcomes in batches:
                journal.append(outcome.record for outcome in outcomes if not outcome.reused)
                for outcome in outcomes:
                    if outcome.reused:
                        journal.confirm(outcome.record)
                    row = outcome.record.row
                    counts.update([row.status, "reused"] if outcome.reused else [row.status])
                    finished += 1
                    yield RowFinished(row, outcome.reused, finished, total)
        yield Finished(Summary(counts["done"], counts["failed"], counts["skipped"], counts["reused"]), journal.finish())
