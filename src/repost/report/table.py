"""Tables for the terminal."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from repost.platforms import Profile
from repost.report import words
from repost.report.shares import Measured, Share, share_of

_WIDTH_WITHOUT_TERMINAL = 160
_WIDE_ENOUGH_FOR_LOST = 120
"""Columns from which on lost metadata has a column of its own; the words say it too."""


def share_table(rows: Iterable[Mapping[str, object]], *, width: int | None = None) -> Table:
    """What became of photographs on platforms.

    Args:
        rows: Manifest rows of `emulate` or `demo`; rows of a dry run, failed and skipped ones too.
        width: Columns there are; the terminal's when None.

    Returns:
        File, platform, size, bytes, quality, PSNR and SSIM (where measured), lost metadata (where there is room), and
        what was done in words. Characters in names that would steer the terminal are shown as escapes.
    """
    shares = [share_of(row) for row in rows]
    measured = any(share.metrics for share in shares)
    lost = (width or terminal_width()) >= _WIDE_ENOUGH_FOR_LOST
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("file", overflow="fold", max_width=28)
    table.add_column("platform", overflow="fold", max_width=24)
    for name in ("size", "bytes", "quality", *(("PSNR", "SSIM") if measured else ())):
        table.add_column(name, justify="right", no_wrap=True)
    if lost:
        table.add_column("lost", max_width=20)
    table.add_column("in words", ratio=1, min_width=20)
    before = None
    for share in shares:
        name = "" if share.source == before else share.source
        before = share.source
        cells = [_plain(name), _plain(share.platform), *_facts(share, measured=measured, lost=lost)]
        table.add_row(*cells, _in_words(share))
    return table


def platforms_table(profiles: Iterable[Profile]) -> Table:
    """The platforms that are known.

    Args:
        profiles: In the order to show them in.

    Returns:
        Name, observed, route, what it does, kinds of evidence, and how many parameters are not known.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("platform", "observed", "route"):
        table.add_column(name, no_wrap=True)
    table.add_column("what it does", ratio=1, min_width=24)
    table.add_column("evidence", max_width=22)
    table.add_column("unknown", justify="right")
    for profile in profiles:
        kinds = dict.fromkeys(evidence.kind for evidence in profile.evidence)
        main = "" if profile.main_route else "dim"
        table.add_row(
            Text(profile.platform, style=main),
            profile.observed,
            profile.route,
            _plain(profile.summary),
            ", ".join(kinds),
            str(len(profile.unknown)) if profile.unknown else words.NOTHING,
        )
    return table


def print_shares(rows: Iterable[Mapping[str, object]], *, more: bool = False) -> None:
    """Print what became of photographs.

    Args:
        rows: Manifest rows, see `share_table`.
        more: Whether there were more rows than are shown.
    """
    console = _console()
    console.print(share_table(rows, width=console.width))
    if more:
        console.print("… and more; the manifest has them all", style="dim")


def print_platforms(profiles: Iterable[Profile]) -> None:
    """Print the platforms that are known; see `platforms_table`."""
    _console().print(platforms_table(profiles))


def terminal_width() -> int:
    """Columns of the terminal: $COLUMNS, what the terminal says, or enough for a line in a file."""
    return shutil.get_terminal_size((_WIDTH_WITHOUT_TERMINAL, 24)).columns


def _console() -> Console:
    return Console(width=terminal_width(), highlight=False)


def _plain(text: str) -> Text:
    """Text from outside: no markup, no control characters."""
    return Text(words.shown(text))


def _facts(share: Share, *, measured: bool, lost: bool) -> list[str]:
    trace = share.trace
    if trace is None:
        return [""] * (3 + 2 * measured + lost)
    numbers = share.metrics or Measured()
    before, after = trace.upload.size_bytes, trace.served.size_bytes
    part = f" {100 * after / before:3.0f} %" if before and after else ""
    cells = [
        words.size_in_words(trace.served).replace(" ", ""),
        words.bytes_in_words(after) + part,
        words.quality_in_words(trace).split(",")[0],
    ]
    if measured:
        psnr = words.psnr_in_words(numbers.psnr_db, identical=numbers.identical)
        cells += [psnr, words.ssim_in_words(numbers.ssim)]
    return cells + ([words.metadata_in_words(trace.metadata_lost)] if lost else [])


def _in_words(share: Share) -> Text:
    if share.trace is not None:
        return _plain(share.trace.summary())
    if share.status == "done":
        return _plain(f"would follow rule '{share.rule}' and write {share.output}")
    return Text(f"{share.status}: {words.shown(share.error or 'no reason given')}", style="red")
