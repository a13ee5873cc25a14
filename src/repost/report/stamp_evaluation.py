"""What an evaluation of a stamp found: table, model card, JSON rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repost.report.stamp_words import failures, rate_in_words, small_rate_in_words, threshold_in_words

if TYPE_CHECKING:
    from rich.table import Table

    from repost.stamp.evaluation.quality import QualityOfAll
    from repost.stamp.evaluation.results import Evaluation, Layout

CARD_NAME = "MODEL_CARD.md"
_QUALITIES = (
    ("psnr_db", "PSNR, dB", "{:.2f}"),
    ("ssim", "SSIM", "{:.4f}"),
    ("largest_change", "largest change of a value", "{:.1f}"),
    ("worst_block_psnr_db", "PSNR of the worst 32x32 block, dB", "{:.2f}"),
)
Cells = tuple[Sequence[str], list[Sequence[str]]]


def condition_cells(found: Evaluation) -> Cells:
    """Head and rows of the table of conditions: what is found and what is wrongly found, at every threshold."""
    names = [threshold.name for threshold in found.thresholds]
    head = ("condition", *(f"found, {name}" for name in names), "wrongly found, published", "AUC")
    rows: list[Sequence[str]] = [
        (
            one.name,
            *(rate_in_words(one.detected[name]) for name in names),
            small_rate_in_words(one.false_positives["published"]),
            "–" if one.auc is None else f"{one.auc:.5f}",
        )
        for one in found.conditions
    ]
    return head, rows


def layout_cells(layout: Layout) -> Cells:
    """Head and row in the layout of DeepRAFT's tables, with what it prints beside; accuracies in percent."""
    from repost.stamp.evaluation.layout400 import PRINTED

    head = ("400x400", "PSNR", "SSIM", *(row.corruption for row in layout.rows))
    accuracies = [f"{100 * row.balanced_accuracy:.2f}" for row in layout.rows]
    ours: list[str] = ["this stamp, 8-bit file", "–", "–", *accuracies]
    if layout.quality is not None:
        ours[1:3] = f"{layout.quality.mean['psnr_db']:.2f}", f"{layout.quality.mean['ssim']:.4f}"
    empty = [""] * (len(layout.rows) - 1)
    printed = [
        (name, f"{psnr:.2f}", f"{ssim:.4f}", f"{accuracy:.2f}", *empty) for name, psnr, ssim, accuracy in PRINTED
    ]
    return head, [ours, *printed]


def quality_cells(quality: QualityOfAll) -> Cells:
    """Head and rows of mean and worst."""
    rows: list[Sequence[str]] = [
        (words, form.format(quality.mean[name]), form.format(quality.worst[name])) for name, words, form in _QUALITIES
    ]
    return (f"{quality.count} photographs", "mean", "worst"), rows


def key_cells(found: Evaluation) -> Cells:
    """Head and rows of how often p-values under random keys are small."""
    rows: list[Sequence[str]] = [
        (f"{check.p:g}", rate_in_words(check.unstamped), rate_in_words(check.stamped)) for check in found.keys
    ]
    return ("p at most", "unstamped, random key", "stamped, another key"), rows


def print_evaluation(found: Evaluation) -> None:
    """Print the tables and everything that falls short."""
    from rich.console import Console

    from repost.report.table import terminal_width
    from repost.report.words import shown

    console = Console(width=terminal_width(), highlight=False)
    tables = [condition_cells(found), layout_cells(found.layout)]
    tables += [quality_cells(found.quality)] if found.quality else []
    tables += [key_cells(found)] if found.keys else []
    console.print(f"{shown(found.marker)}: {_photos_in_words(found.photos)}", markup=False)
    for cells in tables:
        console.print(_table(cells))
        console.print()
    for line in _facts(found):
        console.print(shown(line), markup=False)
    for line in failures(found):
        console.print(shown(f"! {line}"), markup=False)


def evaluation_rows(found: Evaluation) -> Iterator[Mapping[str, Any]]:
    """The evaluation as JSON objects: one per condition with `"kind": "condition"`, then one of `"kind": "summary"`."""
    whole = found.to_dict()
    for condition in whole.pop("conditions"):
        yield {"kind": "condition", "marker": found.marker, **condition}
    yield {"kind": "summary", **whole, "failures": list(failures(found))}


def evaluation_card(found: Evaluation, facts: Mapping[str, str]) -> str:
    """The model card, Markdown.

    Args:
        found: The evaluation.
        facts: What is known of the model beyond: "data", "licence", "authors", "steps", "seed", "hardware" and the
            like, by name.
    """
    told = "\n".join(f"- {name}: {text}" for name, text in facts.items()) or "- nothing is stated of its training"
    short = "\n".join(f"- {line}" for line in failures(found)) or "- none in what was measured"
    quality = "" if found.quality is None else f"\n## How visible it is\n\n{_markdown(quality_cells(found.quality))}\n"
    keys = "" if not found.keys else f"\n## p-values under random keys\n\n{_markdown(key_cells(found))}\n"
    return f"""# {found.marker}

An invisible stamp: {found.identity}.

{told}

## Operating point

{chr(10).join(f"- {line}" for line in _facts(found))}

## Known failures

{short}

## What it survives

Share of stamped photographs found, with the exact (Clopper-Pearson) 95 % interval; and of the same photographs
unstamped, under the same changes, how many are wrongly found, with the one-sided 95 % bound.

{_markdown(condition_cells(found))}
{quality}
## In the layout of DeepRAFT's tables

Balanced accuracy in percent at the published threshold, photographs cut square and resized to 400x400 px. The printed
rows were measured before rounding and clipping, and name no false-positive rate.

{_markdown(layout_cells(found.layout))}
{keys}
## How it was measured

{_photos_in_words(found.photos)[:1].upper()}{_photos_in_words(found.photos)[1:]}; no photograph is in two parts
({_dropped_in_words(found.dropped)}). The saved 8-bit file was stamped, changed and scanned; nothing was tuned on the
test photographs. Draws have the seed {found.seed}; settings and photographs the digest `{found.settings_digest[:12]}`.
"""


def write_card(folder: Path, text: str) -> Path:
    """Write the model card into a folder, as `MODEL_CARD.md`."""
    from repost.core.files import write_atomic

    path = folder / CARD_NAME
    write_atomic(path, text.encode())
    return path


def _facts(found: Evaluation) -> Iterator[str]:
    for threshold in found.thresholds:
        negatives = found.negatives.get(threshold.name)
        seen = f"; test negatives: {small_rate_in_words(negatives)}" if negatives and negatives.count else ""
        yield f"threshold {threshold_in_words(threshold)}{seen}"
    wrong = [one.false_positives["published"] for one in found.conditions]
    if wrong:
        hits, count = sum(rate.hits for rate in wrong), sum(rate.count for rate in wrong)
        yield f"all conditions together: {hits} of {count} unstamped pictures wrongly found at the published threshold"
    if found.wrong_key.count:
        yield f"stamps found with another key: {small_rate_in_words(found.wrong_key)}"


def _photos_in_words(photos: Mapping[str, int]) -> str:
    return (
        f"{photos['positives']} test photographs stamped and unstamped, {photos['negatives']} test negatives, "
        f"{photos['calibration']} for calibration, {photos['training']} trained on"
    )


def _dropped_in_words(dropped: Mapping[str, int]) -> str:
    left_out = ", ".join(f"{count} {reason}" for reason, count in dropped.items())
    return f"left out: {left_out}" if left_out else "no copies were found"


def _markdown(cells: Cells) -> str:
    head, rows = cells
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _table(cells: Cells) -> Table:
    from rich.table import Table
    from rich.text import Text

    head, rows = cells
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for number, name in enumerate(head):
        table.add_column(Text(name), justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
