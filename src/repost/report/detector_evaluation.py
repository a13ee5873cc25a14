"""What an evaluation of a detector found: tables for the terminal, CSV and JSON, and ROC curves."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repost.detectors.evaluation.measure import LEVELS
from repost.detectors.evaluation.results import ALL_METHODS, Estimate, Evaluation, Result
from repost.report.drawing import WIDE_INCHES, draw, write_files
from repost.report.words import NOTHING, shown

if TYPE_CHECKING:
    from rich.table import Table

_HIGH_INCHES = 6.2
_COLUMNS = (
    ("AUC", "auc"),
    ("EER", "eer"),
    ("AP", "average_precision"),
    ("accuracy", "accuracy"),
    ("FPR", "false_positive_rate"),
    ("TPR", "true_positive_rate"),
    ("AUC lost", "auc_drop"),
)
"""Heads, and what is below them; all else is in results.csv."""
_WITH_INTERVAL = ("auc", "auc_drop")
_IN_LITTLE_ROOM = ("auc", "eer", "false_positive_rate", "true_positive_rate", "auc_drop")
_WIDE = 130
"""Columns of a terminal from which all is shown."""
_LINES = {"clean": "-", "emulated": "--", "shared": ":"}
_ROC_LIMITS = (-0.02, 1.02)
"""A curve along 0 or 1, of a detector that is always right or always wrong, is seen beside the axis."""
_MOST_NAMED = 20
"""Files in the terminal; the JSON has them all."""


def print_evaluation(found: Evaluation) -> None:
    """Print a table for each level, and everything that falls short."""
    from rich.console import Console

    from repost.report.table import terminal_width

    width = terminal_width()
    console = Console(width=width, highlight=False)
    console.print(shown(f"{found.detector}, called fake from a logit of {found.settings['threshold']:g}"), markup=False)
    for level in LEVELS:
        results = [one for one in found.results if one.level == level]
        if level == "frame" and all(one.real_scores + one.fake_scores == _videos(one) for one in results):
            continue  # one picture of each video: it would say the same twice
        console.print()
        console.print(_table(level, results, wide=width >= _WIDE))
    in_words = "in brackets and in" if width >= _WIDE else "in"
    console.print(f"95 % intervals over videos are {in_words} results.csv", style="dim")
    if found.calibration is not None:
        console.print("real: fake / unsure means how many of the real ones are called fake, and unsure", style="dim")
    for line in remarks(found):
        console.print(shown(f"! {line}"), markup=False)


def remarks(found: Evaluation) -> Iterator[str]:
    """What a reader must know besides the numbers, a line each: warnings, what is not defined, what was left out."""
    yield from found.warnings
    by_reason: dict[str, list[Result]] = {}
    for one in found.results:
        if one.undefined:
            by_reason.setdefault(one.undefined, []).append(one)
    for reason, results in by_reason.items():
        yield f"{_rows_in_words(results, found.results)}: {reason}"
    if found.outside:
        yield f"{found.outside} scores belong to no split that was asked for"
    yield from _named("without a label, and so not measured", found.unlabelled)
    yield from _named("labelled, and without a score", found.unscored)


def evaluation_files(found: Evaluation) -> dict[str, bytes]:
    """The evaluation as files: `results.csv`, a row for each result, and `evaluation.json`, everything."""
    rows = [one.to_dict() for one in found.results]
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    whole = {"schema_version": 1, **found.summary(), "results": rows}
    return {
        "results.csv": buffer.getvalue().encode(errors="backslashreplace"),  # of names that are not UTF-8
        "evaluation.json": json.dumps(whole, indent=2, sort_keys=True, allow_nan=False).encode() + b"\n",
    }


def write_evaluation(found: Evaluation, folder: Path) -> list[Path]:
    """Write an evaluation as tables and, where matplotlib is installed, its ROC curves.

    Args:
        found: The evaluation.
        folder: Where to; made where it does not exist.

    Returns:
        The files: results.csv, evaluation.json, and roc_platforms and roc_methods as .svg and .png, the latter where
        there are several methods. Without both kinds of videos there is no curve.

    Raises:
        MissingExtra: Matplotlib is not installed; the tables are written all the same.
        OutputUnwritable: The folder cannot be written.
    """
    written = write_files(evaluation_files(found), folder)
    ways = [one for one in found.results if one.method == ALL_METHODS]
    methods = [one for one in found.results if one.route == "clean"]
    figures = {"roc_platforms": (ways, _way_in_words)}
    if any(one.method != ALL_METHODS for one in methods):
        figures["roc_methods"] = (methods, _method_in_words)
    for name, (results, label) in figures.items():
        if any(one.curve is not None for one in results):
            drawn = draw_curves(results, label, title=shown(found.detector))
            written += write_files({f"{name}.{kind}": data for kind, data in drawn.items()}, folder)
    return written


def draw_curves(results: Sequence[Result], label: Callable[[Result], str], *, title: str) -> dict[str, bytes]:
    """Draw ROC curves: a plot for each level, a curve for each result, its equal error rate as a dot.

    Args:
        results: At least one with a curve.
        label: What a curve is called.
        title: Of the figure, such as the detector's name.

    Returns:
        The figure as "svg" and "png"; the same results give the same bytes.

    Raises:
        MissingExtra: Matplotlib is not installed.
    """

    def fill(figure: Any) -> None:  # noqa: ANN401 - matplotlib is untyped
        figure.suptitle(title, fontsize=12)
        for axes, level in zip(figure.subplots(1, len(LEVELS)), LEVELS, strict=True):
            _draw_level(axes, [one for one in results if one.level == level and one.curve is not None], label)

    return draw(fill, wide_inches=WIDE_INCHES, high_inches=_HIGH_INCHES)


def _draw_level(axes: Any, results: Sequence[Result], label: Callable[[Result], str]) -> None:  # noqa: ANN401
    axes.plot([0, 1], [0, 1], color="0.8", linewidth=1)
    colours = list(dict.fromkeys((one.method, one.platform) for one in results))
    for one in results:
        if one.curve is None:
            continue
        colour = f"C{colours.index((one.method, one.platform)) % 10}"
        words = f"{label(one)}: AUC {_in_words(one.estimates['auc'])}"
        rates = one.curve.false_positive_rate, one.curve.true_positive_rate
        axes.plot(*rates, _LINES[one.route], color=colour, label=words)
        eer = one.estimates["eer"].value
        axes.plot([eer], [1 - eer], "o", color=colour, markersize=4)
    axes.plot([], [], "o", color="0.4", markersize=4, label="equal error rate")
    axes.set(xlabel="real called fake (FPR)", ylabel="fakes found (TPR)", xlim=_ROC_LIMITS, ylim=_ROC_LIMITS)
    axes.set_title(_counts_in_words(results[0]) if results else "", fontsize=10)
    axes.set_aspect("equal")
    # Below: a detector that is wrong has its curve where there is room for words otherwise.
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.14), fontsize=8)


def _counts_in_words(one: Result) -> str:
    if one.level == "video":
        return f"videos: {one.real_videos} real, {one.fake_videos} fake"
    return (
        f"frames: {one.real_scores} of {one.real_videos} real videos, {one.fake_scores} of {one.fake_videos} fake ones"
    )


def _method_in_words(one: Result) -> str:
    return "all methods" if one.method == ALL_METHODS else shown(one.method)


def _table(level: str, results: Sequence[Result], *, wide: bool) -> Table:
    from rich.table import Table
    from rich.text import Text

    columns = [
        (head, name)
        for head, name in _COLUMNS
        if (wide or name in _IN_LITTLE_ROOM) and any(name in one.estimates for one in results)
    ]
    verdicts = any(one.verdicts for one in results)
    said_of = ("real: fake / unsure", "fake: real / unsure") if verdicts else ()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for head in (f"{level}s", "shared"):
        table.add_column(head, overflow="fold", min_width=9)
    for head in ("real", "fake", *(head for head, _ in columns)):
        table.add_column(head, justify="right", no_wrap=True)
    for head in said_of:
        table.add_column(head, justify="right", min_width=6)
    for one in results:
        counts = [f"{one.real_scores}", f"{one.fake_scores}"]
        cells = [_in_words(one.estimates.get(name), interval=wide and name in _WITH_INTERVAL) for _, name in columns]
        said = [_verdicts_in_words(one, kind) for kind in ("real", "fake")] if verdicts else []
        table.add_row(Text(_method_in_words(one)), Text(shown(_way_in_words(one))), *counts, *cells, *said)
    return table


def _verdicts_in_words(one: Result, kind: str) -> str:
    found = one.verdicts.get(kind)
    if found is None:
        return NOTHING
    wrong = found.fake if kind == "real" else found.real
    return f"{100 * wrong:.1f} / {100 * found.unsure:.1f} %"


def _in_words(found: Estimate | None, *, interval: bool = True) -> str:
    if found is None:
        return NOTHING
    if not interval or found.low is None or found.high is None:
        return f"{found.value:.3f}"
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def _videos(one: Result) -> int:
    return one.real_videos + one.fake_videos


def _way_in_words(one: Result) -> str:
    return "as they were" if one.route == "clean" else f"{one.platform}, {one.route}"


def _rows_in_words(some: Sequence[Result], results: Sequence[Result]) -> str:
    """What rows of the table have in common: their methods, and the way they were shared where it matters."""
    methods = dict.fromkeys(_method_in_words(one) for one in some)
    if all(one in some for one in results if _method_in_words(one) in methods):
        return ", ".join(methods)
    return "; ".join(dict.fromkeys(f"{_method_in_words(one)}, {_way_in_words(one)}" for one in some))


def _named(what: str, files: Sequence[str]) -> Iterator[str]:
    if files:
        more = f" and {len(files) - _MOST_NAMED} more" if len(files) > _MOST_NAMED else ""
        yield f"{len(files)} {'file' if len(files) == 1 else 'files'} {what}: {', '.join(files[:_MOST_NAMED])}{more}"
