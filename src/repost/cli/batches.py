"""Carry out a batch for a verb: progress, rows as they come, an interruption, what there was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from repost.batch import Item, Summary, Work


def carry_out(
    work: Work,
    items: Iterable[Item],
    *,
    out: Path,
    doing: str,
    show: Callable[[Iterator[dict[str, Any]]], Counter[str]],
    jobs: int,
    engine: str = "local",
) -> Counter[str]:
    """Do the work of a verb that writes files, and say what there was.

    Args:
        work: Of the batch.
        items: At least one; where they come as an iterator, `jobs` are started whatever there is to do.
        out: Output folder.
        doing: What the progress bar says, such as "sharing".
        show: Prints the rows, and counts them by status; "warned" may count those with a warning besides.
        jobs: Worker processes at most.
        engine: Where workers run.

    Returns:
        What `show` counted.

    Raises:
        typer.Exit: It was interrupted.
    """
    from repost import batch
    from repost.cli.exits import EXIT_INTERRUPTED
    from repost.cli.progress import progress

    summaries: list[Summary] = []
    most = min(jobs, len(items)) if isinstance(items, Sequence) else jobs

    def rows() -> Iterator[dict[str, Any]]:
        with progress(doing, "file", in_hand=lambda: batch.items_in_flight(out)) as advance:
            for event in batch.run(items, work, out=out, jobs=most, engine=engine):
                if isinstance(event, batch.RowFinished):
                    advance(event.finished, event.total)
                    yield event.row.manifest_row()
                elif isinstance(event, batch.Finished):
                    summaries.append(event.summary)

    try:
        counts = show(rows())
    except KeyboardInterrupt:
        typer.echo("interrupted; what is finished is kept, the same command goes on from there", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    typer.echo(f"{_in_words(summaries[0], counts['warned'])}; {out / 'manifest.jsonl'}", err=True)
    return counts


def _in_words(summary: Summary, warned: int) -> str:
    reused = f" ({summary.reused} kept from an earlier run)" if summary.reused else ""
    warnings = f", {warned} with a warning" if warned else ""
    skipped = f", {summary.skipped} skipped" if summary.skipped else ""
    return f"{summary.done} done{warnings}{skipped}, {summary.failed} failed{reused}"
