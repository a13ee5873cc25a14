"""What a detector said of files, as a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from repost.detectors.detect import FileJudged, Judged
from repost.report.table import terminal_width
from repost.report.words import NOTHING, shown

_STYLES = {"fake": "bold", "real": "", "unsure": "yellow"}


def judged_table(judged: Iterable[FileJudged], *, frames: bool = False, calibrated: bool = False) -> Table:
    """What was said of files.

    Args:
        judged: In the order to show them in.
        frames: Whether frames of videos have rows of their own, below their video.
        calibrated: Whether there are verdicts.

    Returns:
        File, verdict where there is one, probability, logit, and how many frames were judged or why there is no score.
        Characters in names that would steer the terminal are shown as escapes.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("file", overflow="fold")
    if calibrated:
        table.add_column("verdict")
    for name in ("p(fake)", "logit"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for one in judged:
        for row in (one.whole, *(one.frames if frames else ())):
            verdict = [_verdict(row)] if calibrated else []
            table.add_row(_name(row), *verdict, *_numbers(row), Text(_more(row), style="red" if row.error else ""))
    return table


def print_judged(judged: Iterable[FileJudged], *, frames: bool, calibrated: bool) -> None:
    """Print the table."""
    Console(width=terminal_width(), highlight=False).print(judged_table(judged, frames=frames, calibrated=calibrated))


def _name(row: Judged) -> Text:
    return Text(shown(row.file) if row.frame is None else f"  frame {row.frame}")


def _verdict(row: Judged) -> Text:
    return Text(NOTHING) if row.verdict is None else Text(row.verdict, style=_STYLES[row.verdict])


def _numbers(row: Judged) -> tuple[str, str]:
    if row.logit_fake is None or row.p_fake is None:
        return NOTHING, NOTHING
    return f"{row.p_fake:.3f}", f"{row.logit_fake:+.2f}"


def _more(row: Judged) -> str:
    if row.error is not None:
        return shown(row.error)
    if row.frames is None:
        return ""
    missed = f", no face in {row.missed} more" if row.missed else ""
    return f"{row.frames} frames{missed}"
