"""Tables for the terminal."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from repost.platforms import Profile
from repost.report import words
from repost.report.shares import Measured, Share, share_of

_WIDTH_WITHOUT_TERMINAL = 160
_WIDE = 150
_INDENT = 2


def share_table(rows: Iterable[Mapping[str, object]], *, width: int | None = None) -> RenderableType:
    """What became of photographs on platforms.

    Args:
        rows: Manifest rows of `emulate` or `demo`; rows of a dry run, failed and skipped ones too.
        width: Columns there are; the terminal's when None.

    Returns:
        File, platform, size, bytes, quality, PSNR and SSIM (where measured), lost metadata, and what was done in words.
        Where there is less room, each photograph has a heading and the words have a line of their own; they name the
        lost metadata too. Characters in names that would steer the terminal are shown as escapes.
    """
    shares = [share_of(row) for row in rows]
    measured = any(share.metrics for share in shares)
    wide = (width or terminal_width()) >= _WIDE
    return _wide_table(shares, measured=measured) if wide else _narrow_table(shares, measured=measured)


def _wide_table(shares: Sequence[Share], *, measured: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("file", overflow="fold", max_width=28)
    table.add_column("platform", overflow="fold", max_width=24)
    for name in _fact_names(measured=measured):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("lost", max_width=20)
    table.add_column("in words", ratio=1)
    for share, first in _with_first(shares):
        lost = words.metadata_in_words(share.trace.metadata_lost) if share.trace else ""
        name = _plain(share.source if first else "")
        table.add_row(name, _plain(share.platform), *_facts(share, measured=measured), lost, _in_words(share))
    return table


def _narrow_table(shares: Sequence[Share], *, measured: bool) -> Group:
    heads = ["platform", *_fact_names(measured=measured)]
    lines = [[words.shown(share.platform), *_facts(share, measured=measured)] for share in shares]
    widths = [max(cell_len(line[column]) for line in [heads, *lines]) for column in range(len(heads))]
    pieces: list[RenderableType] = [_line(heads, widths, style="bold")]
    for (share, first), line in zip(_with_first(shares), lines, strict=True):
        if first:
            pieces.append(Text(words.shown(share.source), style="bold", overflow="fold"))
        pieces += [_line(line, widths), Padding(_in_words(share), (0, 0, 0, 2 * _INDENT))]
    return Group(*pieces)


def _line(cells: Sequence[str], widths: Sequence[int], *, style: str = "") -> Padding:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for column, width in enumerate(widths):
        grid.add_column(width=width, no_wrap=True, justify="right" if column else "left")
    grid.add_row(*(Text(cell, style=style) for cell in cells))
    return Padding(grid, (0, 0, 0, _INDENT))


def _with_first(shares: Sequence[Share]) -> list[tuple[Share, bool]]:
    """Each share, and whether its photograph differs from that of the one before."""
    before: list[str | None] = [None, *(share.source for share in shares)]
    return [(share, share.source != source) for share, source in zip(shares, before, strict=False)]


def platforms_table(profiles: Iterable[Profile]) -> Table:
    """The platforms that are known.

    Args:
        profiles: In the order to show them in.

    Returns:
        The name to type, when it was observed, what it does, kinds of evidence ("example" where it is of no real
        network), and how many parameters are not known.
        A platform's bare name is its newest profile by its main route; older ones carry their date.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("name", "observed"):
        table.add_column(name, no_wrap=True)
    table.add_column("what it does", ratio=1, min_width=24)
    table.add_column("evidence", max_width=22)
    table.add_column("unknown", justify="right")
    newest: dict[str, str] = {}
    for profile in profiles:
        dated = profile.observed != newest.setdefault(profile.short_name, profile.observed)
        name = f"{profile.short_name}@{profile.observed}" if dated else profile.short_name
        kinds = ["example"] if profile.example else dict.fromkeys(evidence.kind for evidence in profile.evidence)
        table.add_row(
            Text(name, style="bold" if name == profile.platform else ""),
            profile.observed,
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


def _fact_names(*, measured: bool) -> list[str]:
    return ["size", "bytes", "quality", *(("PSNR", "SSIM") if measured else ())]


def _facts(share: Share, *, measured: bool) -> list[str]:
    trace = share.trace
    if trace is None:
        return [""] * len(_fact_names(measured=measured))
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
    return cells


def _in_words(share: Share) -> Text:
    if share.trace is not None:
        return _plain(share.trace.summary())
    if share.status == "planned":
        return _plain(f"would follow rule '{share.rule}' and write {share.output}")
    return Text(f"{share.status}: {words.shown(share.error or 'no reason given')}", style="red")
