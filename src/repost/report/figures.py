"""Figures of what networks do, drawn with matplotlib."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from repost.core.errors import OutputUnwritable, RepostError
from repost.core.extras import require
from repost.core.files import write_atomic
from repost.estimation.images.investigate import ChangeAtSize, Investigation, QualityShare, SizeRule

_WIDE_INCHES, _HIGH_INCHES = 11.0, 4.2


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
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _write_all(found, folder)
    except OSError as error:
        if isinstance(error, RepostError):
            raise
        raise OutputUnwritable(folder, reason=error.strerror or str(error)) from error


def _write_all(found: Investigation, folder: Path) -> list[Path]:
    written: list[Path] = []
    tables: tuple[tuple[str, type[Any], Sequence[Any]], ...] = (
        ("qualities.csv", QualityShare, found.qualities),
        ("changes.csv", ChangeAtSize, found.changes),
        ("size_rules.csv", SizeRule, found.size_rules),
    )
    for name, kind, rows in tables:
        write_atomic(folder / name, _csv(kind, rows).encode())
        written.append(folder / name)
    for kind_of_file, data in draw_investigation(found).items():
        write_atomic(folder / f"figure.{kind_of_file}", data)
        written.append(folder / f"figure.{kind_of_file}")
    return written


def draw_investigation(found: Investigation) -> dict[str, bytes]:
    """Draw shares of qualities and change against size, one colour for each network.

    Args:
        found: The investigation.

    Returns:
        The figure as "svg" and "png"; the same findings give the same bytes.

    Raises:
        MissingExtra: Matplotlib is not installed.
    """
    matplotlib: Any = require("matplotlib", extra="report")
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "repost", "svg.fonttype": "none", "axes.spines.top": False,
                     "axes.spines.right": False, "font.size": 10}):  # fmt: skip
        figure: Any = Figure(figsize=(_WIDE_INCHES, _HIGH_INCHES), layout="constrained")
        left, right = figure.subplots(1, 2)
        _draw_qualities(left, found.qualities)
        _draw_changes(right, found.changes)
        files: dict[str, bytes] = {}
        for kind, metadata in (("svg", {"Date": None, "Creator": None}), ("png", {"Software": None})):
            buffer = io.BytesIO()
            figure.savefig(buffer, format=kind, dpi=150, metadata=metadata)
            files[kind] = buffer.getvalue()
    return files


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
