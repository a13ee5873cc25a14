"""Figures of what networks do, drawn with matplotlib."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from repost.estimation.images.investigate import ChangeAtSize, Investigation, QualityShare, SizeRule
from repost.report.drawing import WIDE_INCHES, draw, write_files

_HIGH_INCHES = 4.2


def write_investigation(found: Investigation, folder: Path) -> list[Path]:
    """Write an investigation as tables and, where matplotlib is installed, as a figure.

    Args:
        found: The investigation.
        folder: Where to; made where it does not exist.

    Returns:
        The files: qualities.csv, changes.csv, size_rules.csv, figure.svg, figure.png.

    Raises:
        MissingExtra: Matplotlib is not installed; the tables are written all the same.
        OutputUnwritable: The folder cannot be written.
    """
    tables: tuple[tuple[str, type[Any], Sequence[Any]], ...] = (
        ("qualities.csv", QualityShare, found.qualities),
        ("changes.csv", ChangeAtSize, found.changes),
        ("size_rules.csv", SizeRule, found.size_rules),
    )
    written = write_files({name: _csv(kind, rows).encode() for name, kind, rows in tables}, folder)
    drawn = {f"figure.{kind}": data for kind, data in draw_investigation(found).items()}
    return written + write_files(drawn, folder)


def draw_investigation(found: Investigation) -> dict[str, bytes]:
    """Draw shares of qualities and change against size, one colour for each network.

    Args:
        found: The investigation.

    Returns:
        The figure as "svg" and "png"; the same findings give the same bytes.

    Raises:
        MissingExtra: Matplotlib is not installed.
    """

    def fill(figure: Any) -> None:  # noqa: ANN401 - matplotlib is untyped
        left, right = figure.subplots(1, 2)
        _draw_qualities(left, found.qualities)
        _draw_changes(right, found.changes)

    return draw(fill, wide_inches=WIDE_INCHES, high_inches=_HIGH_INCHES)


def _draw_qualities(axes: Any, rows: Sequence[QualityShare]) -> None:  # noqa: ANN401 - matplotlib is untyped
    """Bars side by side for each quality that occurs, files that were not encoded at the right end."""
    platforms = list(dict.fromkeys(row.platform for row in rows))
    kinds = sorted({row.quality for row in rows}, key=lambda quality: (quality is None, quality or 0))
    width = 0.8 / len(platforms)
    for place, platform in enumerate(platforms):
        shares = {row.quality: row.share for row in rows if row.platform == platform}
        positions = [index + (place - (len(platforms) - 1) / 2) * width for index in range(len(kinds))]
        axes.bar(positions, [100 * shares.get(kind, 0) for kind in kinds], width, label=platform)
    labels = ["kept or\nno JPEG" if kind is None else str(kind) for kind in kinds]
    axes.set_xticks(range(len(kinds)), labels, rotation=90 if len(kinds) > 12 else 0)
    axes.set(xlabel="JPEG quality", ylabel="share of pairs (%)", title="Quality served")
    axes.legend(frameon=False)


def _draw_changes(axes: Any, rows: Sequence[ChangeAtSize]) -> None:  # noqa: ANN401
    """One line for each network, with the 95 % interval of the mean as a band."""
    for platform in dict.fromkeys(row.platform for row in rows):
        found = [row for row in rows if row.platform == platform]
        sides = [row.long_side_px for row in found]
        (line,) = axes.plot(sides, [row.mean_change for row in found], marker="o", markersize=3.5, label=platform)
        low, high = [row.low for row in found], [row.high for row in found]
        axes.fill_between(sides, low, high, color=line.get_color(), alpha=0.18, linewidth=0)
    axes.set(
        xlabel="long side of the upload (px)", ylabel="mean absolute change (levels of 255)", title="Change of pixels"
    )
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)


def _csv(kind: type[Any], rows: Sequence[Any]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [field.name for field in fields(kind)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return buffer.getvalue()
