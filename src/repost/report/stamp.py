"""Stamped and scanned files, as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from repost.report.table import terminal_width
from repost.report.words import NOTHING, shown
from repost.stamp.scan_files import FileScan

_VERDICTS = {True: "stamped", False: "not stamped", None: "uncertain"}
_STYLES = {True: "bold", False: "", None: "yellow"}


def p_in_words(p_value: float | None) -> str:
    """A p-value in three letters' worth of digits: 0.42, 0.0031, 3e-15; a dash where there is none."""
    if p_value is None:
        return NOTHING
    return f"{p_value:.2g}"


def verdict_in_words(found: FileScan) -> str:
    """Whether a file is stamped: "stamped", "not stamped", "uncertain" or "unreadable"."""
    return "unreadable" if found.error is not None else _VERDICTS[found.stamped]


def scan_table(scans: Iterable[FileScan]) -> Table:
    """What was found in files.

    Args:
        scans: In the order to show them in.

    Returns:
        File, verdict, p-value, score, and how many frames of a video were looked at, or why a file is unreadable.
        Characters in names that would steer the terminal are shown as escapes.
    """
    table = _table("file", "verdict", "p", "score", "")
    for found in scans:
        style = "red" if found.error is not None else _STYLES[found.stamped]
        score = NOTHING if found.score is None else f"{found.score:.3g}"
        more = f"{found.frames} frames" if found.frames is not None else shown(found.error or "")
        verdict = Text(verdict_in_words(found), style=style)
        table.add_row(Text(shown(found.file)), verdict, p_in_words(found.p_value), score, Text(more))
    return table


def stamp_table(rows: Iterable[Mapping[str, Any]]) -> Table:
    """What became of files that were to be stamped.

    Args:
        rows: Manifest rows of `stamp`.

    Returns:
        File, output, whether the stamp is found in the written file, its p-value there, and what there is to say.
    """
    table = _table("file", "output", "found again", "p", "")
    for row in rows:
        again = NOTHING if row["survives"] is None else "yes" if row["survives"] else Text("NO", style="bold red")
        said = [row["error"] or row["warning"], *row["notes"]]
        words = Text(shown("; ".join(filter(None, said))), style="red" if row["status"] == "failed" else "")
        output = row["output"] or row["status"]
        table.add_row(Text(shown(row["source"])), Text(shown(output)), again, p_in_words(row["p_value"]), words)
    return table


def print_table(table: Table, *, more: bool = False) -> None:
    """Print a table.

    Args:
        table: Of this module.
        more: Whether there were more rows than are shown.
    """
    console = Console(width=terminal_width(), highlight=False)
    console.print(table)
    if more:
        console.print("… and more; the manifest has them all", style="dim")


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in names:
        number = name in ("p", "score")
        table.add_column(name, justify="right" if number else "left", no_wrap=number, overflow="fold")
    return table
