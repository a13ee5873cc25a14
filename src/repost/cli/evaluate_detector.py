"""`repost evaluate detector`: how good a detector is, before and after sharing."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repost.cli.batches import carry_out
from repost.cli.detect import Crew, Device, Every, Faces, Finder, FinderFile, Weights, looking_for, scoring
from repost.cli.options import AsJson, MaxPixels, check_folder

if TYPE_CHECKING:
    from repost.detectors.evaluation.evaluate import ScoredBy
    from repost.detectors.evaluation.labels import LabelFile
    from repost.detectors.evaluation.results import Evaluation
    from repost.detectors.evaluation.scores import ScoreRow
    from repost.detectors.score_files import ScoreFiles

CALIBRATION_NAME = "calibration.json"


def detector(
    sources: Annotated[
        list[Path] | None, typer.Argument(help="Files and folders to score.", show_default=False)
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of tables, curves and scores.")] = Path("evaluation"),
    model: Annotated[
        str | None, typer.Option("--model", help="A detector, or an architecture for weights of your own.")
    ] = None,
    weights: Weights = None,
    scores: Annotated[
        Path | None, typer.Option(help="Rows of `repost detect --json` instead of files to score.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="CSV or JSON: file,label and more.  [default: by folders]", show_default=False)
    ] = None,
    platform: Annotated[
        list[str] | None, typer.Option("--platform", "-p", help="Also after sharing on a network. Repeatable.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Measure these videos: a FaceForensics++ split file, or a split of the labels.")
    ] = None,
    calibration_split: Annotated[
        str | None, typer.Option(help="Learn a calibration from these videos, named as --split.")
    ] = None,
    calibration_share: Annotated[
        float | None, typer.Option(help="Or from this share of the videos, no clip on both sides.")
    ] = None,
    calibration: Annotated[Path | None, typer.Option(help="Measure the verdicts of this calibration.")] = None,
    error_rate: Annotated[float, typer.Option(help="How often a learned verdict may be wrong.")] = 0.05,
    threshold: Annotated[float, typer.Option(help="Logit from which a file is called fake.")] = 0.0,
    resamples: Annotated[int, typer.Option(min=0, help="Draws of videos for intervals.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of draws and emulations.")] = 0,
    faces: Faces = "auto",
    every: Every = 50,
    finder: Finder = "dlib",
    finder_file: FinderFile = None,
    device: Device = "cpu",
    workers: Crew = 0,
    max_pixels: MaxPixels = None,
    as_json: AsJson = False,
) -> None:
    """Measure a detector by frames and by videos, by method and by network, with intervals over videos.

    Writes results.csv, evaluation.json and ROC curves to OUT; what was scored is kept there, and the same command goes
    on from it. The exit code is 4 when files could not be scored; each is named.
    """
    from repost.core.errors import UsageError
    from repost.detectors.calibration import load_calibration, save_calibration
    from repost.detectors.evaluation.evaluate import Splits, evaluate
    from repost.detectors.evaluation.labels import read_labels
    from repost.detectors.evaluation.measure import Measures
    from repost.detectors.evaluation.scores import read_scores

    check_folder("--out", out)
    splits = Splits(
        test=split, calibration=calibration_split, calibration_share=calibration_share, error_rate=error_rate
    )
    known = load_calibration(calibration) if calibration else None
    if known is not None and splits.calibrates:
        raise UsageError("got --calibration and a split to learn one from, expected one of the two")
    if (scores is None) is not bool(sources) or (scores is None and model is None):
        raise UsageError("got no or too many kinds of input, expected SRC with --model, or --scores FILE")
    if scores is not None and platform:
        raise UsageError("got --platform with --scores, expected SRC: only files can be shared")
    labelled = read_labels(labels) if labels else None
    splits.check(labelled)
    measures = Measures(threshold, seed, resamples, known)
    if scores is not None:
        rows, by = read_scores(scores), _by_name(model, scores)
        if known is not None and model is not None:
            known.check(by.name, None)
    else:
        looking = looking_for(faces, every, finder, finder_file)
        work = scoring(str(model), weights, looking, max_pixels=max_pixels, device=device)
        if known is not None:
            known.check(work.detector, work.weights_sha256)
        work.check()
        rows, by = _score(work, sources or [], platform or [], labelled, out=out, seed=seed, jobs=workers)
    found = evaluate(rows, labelled, by, splits=splits, measures=measures)
    if found.calibration is not None and splits.calibrates:
        out.mkdir(parents=True, exist_ok=True)
        save_calibration(found.calibration, out / CALIBRATION_NAME)
    _tell(found, out, as_json=as_json)


def _by_name(model: str | None, scores: Path) -> ScoredBy:
    from repost.detectors import find_card
    from repost.detectors.evaluation.evaluate import ScoredBy

    if model is None:
        return ScoredBy(f"scores of {scores.name}")
    card = find_card(model)
    return ScoredBy(card.name, card=card)


def _score(
    work: ScoreFiles,
    sources: list[Path],
    platforms: list[str],
    labels: LabelFile | None,
    *,
    out: Path,
    seed: int,
    jobs: int,
) -> tuple[list[ScoreRow], ScoredBy]:
    """Score files, as they are and after sharing; what is scored already is not scored again."""
    from repost import batch
    from repost.channel.encode import require_encoders
    from repost.cli.emulate import chosen_profiles
    from repost.detectors.evaluation.run import items_of, score_rows, warnings_of
    from repost.detectors.score_files import workers_that_pay

    profiles = chosen_profiles(platforms, []) if platforms else {}
    require_encoders(profiles.values())
    found = batch.list_inputs(sources, out)
    crew = jobs or workers_that_pay(found, at_most=os.cpu_count() or 1)
    work = work.for_inputs(found, jobs=crew).on(profiles, seed=seed)
    kept: list[dict[str, Any]] = []

    def show(rows: Iterator[dict[str, Any]]) -> Counter[str]:
        kept.extend(rows)
        return Counter(str(row["status"]) for row in kept)

    carry_out(work, items_of(found, profiles, labels), out=out, doing="scoring", show=show, jobs=crew)
    kept.sort(key=lambda row: (row["file"], row["platform"]))
    return [one for row in kept for one in score_rows(row)], warnings_of(kept, work)


def _tell(found: Evaluation, out: Path, *, as_json: bool) -> None:
    """Write, print; an exit code where files have no score."""
    from repost.cli.exits import EXIT_FAILED
    from repost.core.errors import MissingExtra
    from repost.report.detector_evaluation import print_evaluation, remarks, write_evaluation
    from repost.report.words import shown, without_name

    try:
        written = write_evaluation(found, out)
    except MissingExtra as error:
        typer.echo(f"no curves were drawn: {error}", err=True)
        written = [out / "results.csv", out / "evaluation.json"]
    if as_json:
        for row in found.rows():
            typer.echo(json.dumps(row, sort_keys=True, allow_nan=False))
        for line in remarks(found):
            typer.echo(f"warning: {shown(line)}", err=True)
    else:
        print_evaluation(found)
    for place, reason in found.failed.items():
        typer.echo(f"failed: {shown(place)}: {shown(without_name(reason, place))}", err=True)
    typer.echo(f"written: {', '.join(path.name for path in written)}; in {out}", err=True)
    if found.failed:
        raise typer.Exit(EXIT_FAILED)
