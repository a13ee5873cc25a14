"""Run one piece of work over many items: workers, events, a journal that survives kill -9, and one manifest."""

from repost.batch.engines import ENGINES
from repost.batch.model import Event, Finished, Item, Row, RowFinished, Started, Status, Summary, Work
from repost.batch.plan import Found, list_inputs, output_stems
from repost.batch.runner import run

__all__ = [
    "ENGINES",
    "Event",
    "Finished",
    "Found",
    "Item",
    "Row",
    "RowFinished",
    "Started",
    "Status",
    "Summary",
    "Work",
    "list_inputs",
    "output_stems",
    "run",
]
