"""`repost faces`: cut the faces out of videos and photographs."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from repost.cli.batches import carry_out
from repost.cli.exits import EXIT_FAILED, EXIT_NEGATIVE
from repost.cli.options import AsJson, MaxPixels, Sources, Workers


def faces(
    sources: Sources,
    out: Annotated[Path, typer.Option("--out", "-o", help="Output folder.")],
    every: Annotated[int, typer.Option(help="Look at frames 0, N, 2 N, ... of videos.")] = 50,
    detector: Annotated[str, typer.Option(help="What finds faces: dlib, dlib-full, mtcnn, yunet or boxes.")] = "dlib",
    detector_file: Annotated[
        Path | None, typer.Option(help="What yunet (its ONNX) and boxes (a JSON, or the manifest of a run) read.")
    ] = None,
    upsample: Annotated[
        int | None, typer.Option(help="How often dlib doubles pictures, 0 to 3.  [default: 1]", show_default=False)
    ] = None,
    policy: Annotated[str, typer.Option(help="Which of several faces: largest, first or track.")] = "largest",
    scale: Annotated[float, typer.Option(help="Side of the square, times the longer side of the face.")] = 1.3,
    min_size: Annotated[int, typer.Option(help="Side of the square at least, in pixels.")] = 0,
    align: Annotated[bool, typer.Option("--align", help="Turn faces so that their eyes are level.")] = False,
    format_: Annotated[str, typer.Option("--format", help="png or jpg.")] = "png",
    quality: Annotated[int | None, typer.Option(help="Of JPEG, 1 to 100.  [default: 95]", show_default=False)] = None,
    workers: Workers = 0,
    max_pixels: MaxPixels = None,
    as_json: AsJson = False,
) -> None:
    """Cut the faces out of every so-manieth frame of videos, and out of photographs.

    Faces go to OUT/<path of the source>_<frame>.png, what became of each frame to OUT/manifest.jsonl: a frame without a
    face has a row too. A run that was interrupted goes on when the same command is given again. The exit code is 1 when
    there is no face anywhere, and 4 when something could not be read.
    """
    from repost import batch
    from repost.faces.extract import FaceSettings
    from repost.faces.files import ExtractFaces, Format, face_items
    from repost.faces.registry import DetectorChoice

    found = batch.list_inputs(sources, out)
    cores = os.cpu_count() or 1
    jobs = min(workers or cores, len(found))
    cutting = FaceSettings(
        detector=DetectorChoice(detector, detector_file, upsample),
        policy=cast("Any", policy),  # another word is refused when the settings are loaded
        scale=scale,
        least_px=min_size,
        align=align,
        max_pixels=max_pixels,
        threads=max(1, cores // jobs),
    )
    named_ids = frozenset(entry.id for entry in found if entry.explicit)
    work = ExtractFaces(out, cutting, every, cast("Format", format_), quality, named_ids)
    work.check()
    items = face_items(found, work, batch.output_stems(entry.id for entry in found))
    counts = carry_out(work, items, out=out, doing="looking for faces", show=partial(_show, as_json=as_json), jobs=jobs)
    if counts["no_face"]:
        count = counts["no_face"]
        typer.echo(f"no face in {count} {'frame' if count == 1 else 'frames'}; each has a row", err=True)
    if counts["failed"]:
        raise typer.Exit(EXIT_FAILED)
    if not counts["done"]:
        typer.echo("there is no face in any of these", err=True)
        raise typer.Exit(EXIT_NEGATIVE)


def _show(rows: Iterator[dict[str, Any]], *, as_json: bool) -> Counter[str]:
    """Print rows as they come (JSON), or a table of the files at the end; count rows by status."""
    from repost.report.faces import FaceTally
    from repost.report.words import shown

    tally = FaceTally()
    counts = Counter[str]()
    for row in rows:
        counts[row["status"]] += 1
        if row["status"] == "failed":
            typer.echo(f"failed: {shown(row['error'])}", err=True)
        if as_json:
            typer.echo(json.dumps(row, sort_keys=True))
        else:
            tally.add(row)
    if not as_json:
        tally.print()
    return counts
