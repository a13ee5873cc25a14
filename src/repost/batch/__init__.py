"""Run one piece of work over many items: workers, events, a journal that survives kill -9, and one manifest."""

from repost.batch.engines import ENGINES
from repost.batch.in_flight import InFlight, items_in_flight
from repost.batch.in_order import in_order_of, rows_in_order
from repost.batch.model import Advance, Event, Finished, Item, Row, RowFinished, Started, Status, Summary, Work
from repost.batch.plan import Found, list_inputs, names_kept, output_stems
from repost.batch.runner import run

__all__ = [
    "ENGINES",
    "Advance",
    "Event",
    "Finished",
    "Found",
    "InFlight",
    "Item",
    "Row",
    "RowFinished",
    "Started",
    "Status",
    "Summary",
    "Work",
    "in_order_of",
    "items_in_flight",
    "list_inputs",
    "names_kept",
    "output_stems",
    "rows_in_order",
    "run",
]
