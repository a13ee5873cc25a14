"""What came of an upload, as a table for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from repost.pairs.manifest import HARMLESS, FilePair, PairManifest
from repost.report.table import terminal_width
from repost.report.words import shown, without_name

MOST_ROWS_SHOWN = 40


def print_recovery(pairs: PairManifest) -> None:
    """Print file pairs, then everything that gave none; tiles are counted.

    Args:
        pairs: As `recover` returns it.
    """
    console = Console(width=terminal_width(), soft_wrap=False)
    if pairs.files:
        console.print(_files_table(pairs))
    problems = [row for row in pairs.problems if not (row.kind in HARMLESS and row.tile_index is not None)]
    for row in problems[:MOST_ROWS_SHOWN]:
        of_tile = "" if row.tile_index is None else f" tile {row.tile_index}"
        where = " ".join(filter(None, (f"{row.sheet_id or ''}{of_tile}", ", ".join(row.downloads))))
        reason = without_name(row.reason, row.downloads[0]) if row.kind == "unreadable" else row.reason
        console.print(Text(f"{row.kind}: {shown(where)}: {shown(reason)}"))
    if len(problems) > MOST_ROWS_SHOWN:
        console.print(f"and {len(problems) - MOST_ROWS_SHOWN} more; all are in pairs.json")


def recovery_counts(pairs: PairManifest) -> Mapping[str, int]:
    """How many there are of each kind: "files", "tiles", and every kind of problem."""
    return {"files": len(pairs.files), "tiles": len(pairs.tiles)} | Counter(row.kind for row in pairs.problems)


def _files_table(pairs: PairManifest) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("uploaded", overflow="fold")
    table.add_column("came back as", overflow="fold")
    for name in ("turned", "scale", "offset px", "correlation", "tiles"):
        table.add_column(name, justify="right", no_wrap=True)
    for pair in pairs.files[:MOST_ROWS_SHOWN]:
        table.add_row(pair.sheet_id, shown(pair.download_name), *_cells(pair))
    return table


def _cells(pair: FilePair) -> tuple[str, ...]:
    place = pair.registration
    return (
        f"{place.rotation}°" if place.rotation else "",
        f"{place.scale_x:.4g}",
        f"{place.offset_x_px:.4g}, {place.offset_y_px:.4g}",
        f"{place.correlation:.4f}",
        f"{pair.tiles_verified}/{pair.tiles_visible}",
    )
