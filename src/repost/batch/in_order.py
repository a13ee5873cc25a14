"""Answers in the order of the questions, whichever worker was first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from repost.batch.model import Advance, Event, Item, Row, RowFinished
from repost.batch.plan import Found


def in_order_of(sources: Sequence[Path], found: Sequence[Found]) -> list[Found]:
    """Files in the order of the sources they are from; those of one folder as they were, sorted.

    Args:
        sources: As a person named them.
        found: Of `list_inputs`.
    """
    places = {source: index for index, source in reversed(list(enumerate(sources)))}

    def place(entry: Found) -> int:
        above = (entry.path,) if entry.explicit else (entry.path, *entry.path.parents)
        return min((places[path] for path in above if path in places), default=len(sources))

    return sorted(found, key=place)


def rows_in_order(items: Sequence[Item], events: Iterator[Event], advance: Advance | None = None) -> Iterator[Row]:
    """Rows in the order of the items, each as soon as all before it are there.

    Args:
        items: At least one, of one part each.
        events: Of a run of them.
        advance: Told how far the run is, which may be ahead of the rows that were given.
    """
    waiting: dict[str, Row] = {}
    expected = iter(items)
    next_id = next(expected).id
    for event in events:
        if not isinstance(event, RowFinished):
            continue
        if advance is not None:
            advance(event.finished, event.total)
        waiting[event.row.item] = event.row
        while next_id in waiting:
            yield waiting.pop(next_id)
            next_id = getattr(next(expected, None), "id", "")
