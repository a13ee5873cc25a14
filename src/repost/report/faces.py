"""What faces were found in files, as a table for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from repost.report.table import terminal_width
from repost.report.words import NOTHING, shown

_MOST_FILES_SHOWN = 48
_COLUMNS = ("faces", "no face", "several", "failed")


class FaceTally:
    """Counts manifest rows of `faces` by file."""

    def __init__(self) -> None:
        self._files: dict[str, Counter[str]] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        """Count a row.

        Args:
            row: A manifest row of `faces`.
        """
        counts = self._files.setdefault(row["source"], Counter())
        counts["frames"] += row["status"] != "skipped"
        counts["faces"] += row["status"] == "done"
        counts["no face"] += row["status"] == "no_face"
        counts["several"] += (row["faces"] or 0) > 1
        counts["failed"] += row["status"] == "failed"

    def table(self) -> Table:
        """One row for each file: frames that were looked at, and of how many a face was cut out, had none, had several,
        or failed. Characters in names that would steer the terminal are shown as escapes.
        """
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        table.add_column("file", overflow="fold")
        for name in ("frames", *_COLUMNS):
            table.add_column(name, justify="right", no_wrap=True)
        for source, counts in sorted(self._files.items())[:_MOST_FILES_SHOWN]:
            cells = [str(counts[name]) if counts[name] else NOTHING for name in _COLUMNS]
            style = "red" if counts["failed"] else ""
            table.add_row(Text(shown(source), style=style), str(counts["frames"]), *cells)
        return table

    def print(self) -> None:
        """Print the table, where there is a row."""
        if not self._files:
            return
        console = Console(width=terminal_width(), highlight=False)
        console.print(self.table())
        if len(self._files) > _MOST_FILES_SHOWN:
            console.print("… and more; the manifest has them all", style="dim")
