"""`repost detect`: whether faces are fake, as far as a detector can tell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias, cast

import typer

from repost.cli.options import AsJson, MaxPixels, Sources

if TYPE_CHECKING:
    from repost.detectors.detect import FileJudged
    from repost.detectors.pieces import Faces as HowFaces
    from repost.detectors.pieces import Looking
    from repost.detectors.score_files import ScoreFiles

Detector: TypeAlias = Annotated[
    str, typer.Option("--model", help="A detector, or an architecture for weights of your own: meso4-df, xception.")
]
Weights: TypeAlias = Annotated[
    Path | None,
    typer.Option("--weights", help="Their file.  [default: that of `repost weights`]", show_default=False),
]
Faces: TypeAlias = Annotated[
    str,
    typer.Option(
        "--faces", help="crops: files are face crops. find: faces are found. auto: images crops, videos find."
    ),
]
Crew: TypeAlias = Annotated[
    int, typer.Option("--workers", "--jobs", "-j", min=0, help="Worker processes; 0 means as many as pay.")
]
Finder: TypeAlias = Annotated[
    str, typer.Option("--finder", help="What finds faces: dlib, dlib-full, mtcnn, yunet or boxes.")
]
FinderFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--finder-file", help="What yunet (its ONNX) and boxes (a JSON, or a manifest of `faces`) read."),
]
Device: TypeAlias = Annotated[
    str, typer.Option("--device", help="Where the detector computes: auto, cpu or cuda. A GPU rounds otherwise.")
]
Every: TypeAlias = Annotated[int, typer.Option("--every", min=1, help="Look at every N-th frame of videos.")]

NOT_CALIBRATED = (
    "not calibrated: p_fake is the network's own opinion and no frequency; "
    "`repost evaluate detector --calibration-share` makes a calibration"
)


def detect(
    sources: Sources,
    model: Detector,
    weights: Weights = None,
    faces: Faces = "auto",
    every: Every = 50,
    finder: Finder = "dlib",
    finder_file: FinderFile = None,
    calibration: Annotated[
        Path | None, typer.Option(help="From `repost evaluate detector`: probabilities, and fake, real or unsure.")
    ] = None,
    frames: Annotated[bool, typer.Option("--frames", help="Also a row for each frame of videos.")] = False,
    device: Device = "cpu",
    workers: Crew = 0,
    max_pixels: MaxPixels = None,
    as_json: AsJson = False,
) -> None:
    """Say how likely faces in photographs and videos are fake.

    Images are taken for face crops, as `repost faces` writes them; in whole photographs faces are found with
    --faces find. The exit code is 0 when every file was judged, whatever was found, and 4 when one could not be; each
    is named.
    """
    from repost.cli.exits import EXIT_FAILED, EXIT_NEGATIVE
    from repost.cli.progress import progress
    from repost.detectors.calibration import load_calibration
    from repost.detectors.detect import detect_files

    known = load_calibration(calibration) if calibration else None
    looking = looking_for(faces, every, finder, finder_file)
    work = scoring(model, weights, looking, max_pixels=max_pixels, device=device)
    if known is not None:
        known.check(work.detector, work.weights_sha256)
    work.check()
    with progress("judging", "file") as advance:
        judged = detect_files(sources, work, jobs=workers, calibration=known, advance=advance)
        found = list(_told(judged, frames=frames, as_json=as_json))
    if not as_json and found:
        from repost.report.detect import print_judged

        print_judged(found, frames=frames, calibrated=known is not None)
    if known is None and any(one.whole.logit_fake is not None for one in found):
        typer.echo(NOT_CALIBRATED, err=True)
    if any(one.whole.error is not None for one in found):
        raise typer.Exit(EXIT_FAILED)
    if not found:
        typer.echo("nothing to judge: no file is an image or a video", err=True)
        raise typer.Exit(EXIT_NEGATIVE)


def looking_for(faces: str, every: int, finder: str, finder_file: Path | None) -> Looking:
    """How faces are got, by the options.

    Args:
        faces: "auto", "crops" or "find".
        every: Of videos every so-manieth frame.
        finder: What finds faces.
        finder_file: What it reads.

    Raises:
        UsageError: There is no such way, or no such finder.
        InputNotFound: The finder's file is not there.
    """
    from repost.core.errors import InputNotFound
    from repost.detectors.pieces import Looking
    from repost.faces.registry import DetectorChoice

    if finder_file is not None and not finder_file.is_file():
        raise InputNotFound(finder_file)
    return Looking(cast("HowFaces", faces), every, DetectorChoice(finder, finder_file))


def scoring(model: str, weights: Path | None, looking: Looking, *, max_pixels: int | None, device: str) -> ScoreFiles:
    """The work of judging files.

    Args:
        model: A detector or an architecture.
        weights: Their file; None for those that are on this machine.
        looking: How faces are got.
        max_pixels: Limit on width x height; the limit in force when None.
        device: Where the detector computes: "auto", "cpu" or "cuda".

    Raises:
        DetectorNotFound: There is no such detector.
        WeightsNotFound: Its weights are not on this machine.
        InputNotFound: The file of weights is not there.
        MissingExtra: torch is not installed.
        UsageError: This machine has no such device.
    """
    from repost.core.extras import require
    from repost.core.files import digest_file
    from repost.detectors.score_files import ScoreFiles, weights_of

    file, name = weights_of(model, weights), model.strip().lower()
    require("torch", extra="detectors")
    from repost.training.device import chosen_device

    return ScoreFiles(
        detector=name,
        weights=file,
        weights_sha256=digest_file(file),
        looking=looking,
        max_pixels=max_pixels,
        device=chosen_device(device),
    )


def _told(judged: Iterator[FileJudged | None], *, frames: bool, as_json: bool) -> Iterator[FileJudged]:
    """Tell of files as they come: JSON on stdout, what could not be judged on stderr, and what to be careful about."""
    from repost.detectors.pieces import oblong_in_words
    from repost.report.words import shown

    passed_over = oblong = 0
    for one in judged:
        if one is None:
            passed_over += 1
            continue
        oblong += one.whole.oblong
        if as_json:
            for row in (*(one.frames if frames else ()), one.whole):
                typer.echo(json.dumps(row.to_row(), sort_keys=True))
        if one.whole.error is not None:
            typer.echo(f"failed: {shown(one.whole.error)}", err=True)
        yield one
    if passed_over:
        typer.echo(f"{passed_over} passed over: no media, and not claiming to be", err=True)
    if oblong:
        typer.echo(f"warning: {oblong_in_words(oblong)}", err=True)
