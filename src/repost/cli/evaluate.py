"""`repost evaluate`: say how good something is, on photographs kept apart for that."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repost.cli import evaluate_detector
from repost.cli.options import AsJson, Jobs, check_folder
from repost.cli.stamp_key import Key, KeyFile

if TYPE_CHECKING:
    from repost.stamp.evaluation.marker import StampMarker
    from repost.stamp.evaluation.measure import Measures
    from repost.stamp.evaluation.results import Evaluation
    from repost.stamp.evaluation.splits import PartName, Split

app = typer.Typer(no_args_is_help=True, help="Measure; run the same command again to go on after a stop.")

app.command("detector")(evaluate_detector.detector)

PICTURES_NAME = "pictures.png"
MOST_PICTURES = 6
Folders = list[Path] | None


@app.callback()
def group() -> None:
    """Measure; run the same command again to go on after a stop."""


@app.command()
def stamp(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of rows, result, model card and pictures.")],
    positives: Annotated[Folders, typer.Option(help="Photographs to stamp: test. Repeatable.")] = None,
    negatives: Annotated[Folders, typer.Option(help="More unstamped photographs: test. Repeatable.")] = None,
    calibration: Annotated[Folders, typer.Option(help="Unstamped ones that set thresholds. Repeatable.")] = None,
    training: Annotated[Folders, typer.Option(help="What the model saw: copies are kept out. Repeatable.")] = None,
    plan: Annotated[
        Path | None, typer.Option(help="A TOML file that says all four (docs/stamp_evaluation.md).")
    ] = None,
    root: Annotated[Path, typer.Option(help="Folder that the plan's folders are relative to.")] = Path(),
    model: Annotated[str, typer.Option(help="A released model, or the folder of one.")] = "rs_aug",
    key: Key = None,
    key_file: KeyFile = None,
    strength: Annotated[float, typer.Option(help="Of the stamp.")] = 1.0,
    conditions: Annotated[str, typer.Option(help="Names or patterns, by comma: none,jpeg*,share:*.")] = "*",
    keys: Annotated[int, typer.Option(min=0, help="Other keys each test photograph is scanned with.")] = 4,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many photographs of each part.")] = None,
    seed: Annotated[int, typer.Option(help="Of all draws.")] = 0,
    jobs: Jobs = 0,
    as_json: AsJson = False,
) -> None:
    """Measure what a stamp survives, how often it is wrongly seen, and how visible it is, on saved 8-bit pictures."""
    from repost.cli.stamp_key import chosen_key
    from repost.core.errors import UsageError
    from repost.stamp.embed import check_strength
    from repost.stamp.evaluation.conditions import choose
    from repost.stamp.evaluation.marker import StampMarker
    from repost.stamp.evaluation.measure import Measures
    from repost.stamp.evaluation.splits import load_plan, make_split, plan_of_folders

    check_folder("--out", out)
    folders: dict[PartName, list[Path]] = {
        "positives": positives or [],
        "negatives": negatives or [],
        "calibration": calibration or [],
        "training": training or [],
    }
    if (plan is None) is not any(folders.values()):
        raise UsageError(
            "got both --plan and folders, or neither; expected --plan FILE or --positives FOLDER and so on"
        )
    check_strength(strength)
    wanted_key = chosen_key(key, key_file)
    asked = Measures(choose([name.strip() for name in conditions.split(",") if name.strip()]), seed, keys, keys)
    planned = load_plan(plan) if plan else plan_of_folders(folders)
    marker = StampMarker(model, wanted_key, strength)
    typer.echo(f"evaluating {marker.name}: looking for copies among the photographs", err=True)
    split = make_split(planned, root, limit=limit)
    found = _measure(marker, split, asked, out=out, jobs=jobs or os.cpu_count() or 1)
    _write(found, marker, split, out)
    _tell(found, as_json=as_json)


def _measure(marker: StampMarker, split: Split, asked: Measures, *, out: Path, jobs: int) -> Evaluation:
    from repost import batch
    from repost.cli.progress import progress
    from repost.stamp.evaluation.evaluate import evaluate
    from repost.stamp.evaluation.results import Evaluation

    with progress("evaluating", "row") as advance:
        for event in evaluate(marker, split, asked, out=out, jobs=jobs):
            if isinstance(event, Evaluation):
                return event
            if isinstance(event, batch.RowFinished):
                advance(event.finished, event.total)
    raise AssertionError("an evaluation ends with its result")


def _write(found: Evaluation, marker: StampMarker, split: Split, out: Path) -> None:
    """The model card, and pictures of some photographs spread over the test and of the one with the worst block."""
    from repost.core.files import atomic_path
    from repost.media.read import read_file, read_picture
    from repost.report.stamp_evaluation import evaluation_card, write_card
    from repost.report.stamp_pictures import Compared, contact_sheet

    write_card(out, evaluation_card(found, marker.facts()))
    photos = split.parts["positives"]
    worst = found.quality.worst_photo.partition("/")[2] if found.quality else ""
    spread = photos[:: max(1, len(photos) // MOST_PICTURES)][: MOST_PICTURES - 1]
    shown = {photo.id: photo for photo in spread}
    shown |= {photo.id: photo for photo in photos if photo.id == worst}
    rows: list[Compared] = []
    for photo in shown.values():
        cover = read_picture(read_file(photo.path), name=photo.id).rgb8()
        rows.append(Compared(f"{photo.id}{' (worst block)' * (photo.id == worst)}", cover, marker.stamp(cover)))
    if rows:
        with atomic_path(out / PICTURES_NAME) as path:
            contact_sheet(rows).save(path, "PNG")


def _tell(found: Evaluation, *, as_json: bool) -> None:
    """Print; an exit code where photographs could not be measured."""
    from repost.cli.exits import EXIT_FAILED
    from repost.report.stamp_evaluation import evaluation_rows, print_evaluation
    from repost.report.words import shown

    if as_json:
        for row in evaluation_rows(found):
            typer.echo(json.dumps(row, sort_keys=True))
    else:
        print_evaluation(found)
    for name, reason in found.failed.items():
        typer.echo(f"failed: {shown(name)}: {shown(reason)}", err=True)
    if found.failed:
        raise typer.Exit(EXIT_FAILED)
