"""`repost estimate videos`: learn a platform from pairs of videos."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repost.cli.learned import check_findings, check_output, finish, name_refused, save_profile
from repost.cli.options import AsJson, Jobs, MaxPixels, check_folder

if TYPE_CHECKING:
    from repost.estimation.about import About
    from repost.estimation.pairing import FilesOfPair, Refused
    from repost.estimation.videos.estimate import EstimatedVideos
    from repost.estimation.videos.pair import Examination


def estimate_videos(
    originals: Annotated[Path, typer.Option("--originals", help="Folder of what was uploaded.")],
    shared: Annotated[Path, typer.Option("--shared", help="Folder of what came back, same names.")],
    platform: Annotated[str, typer.Option("--platform", "-p", help="What to call the network.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The profile to write (TOML).")],
    codec: Annotated[str, typer.Option(help="FFmpeg's name of the encoder that originals are encoded with.")] = (
        "libx264"
    ),
    crf_min: Annotated[int, typer.Option(min=0, max=63, help="Smallest rate factor tried.")] = 20,
    crf_max: Annotated[int, typer.Option(min=0, max=63, help="Largest rate factor tried.")] = 51,
    reference_json: Annotated[
        Path | None, typer.Option(help="Also add the samples to this database of the published framework (JSON).")
    ] = None,
    route: Annotated[str, typer.Option(help="The way through the network: post, message, story.")] = "post",
    observed: Annotated[str, typer.Option(help="When the pairs were made: YYYY-MM.  [default: this month]")] = "",
    findings: Annotated[
        Path | None, typer.Option("--findings", help="Folder to keep what each pair showed, so that a run goes on.")
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(help="Draw each pair into this folder: bitrate by CRF, quantisers, frames.")
    ] = None,
    jobs: Jobs = 0,
    max_pixels: MaxPixels = None,
    as_json: AsJson = False,
) -> None:
    """Learn what a network does to videos, from pairs of what was uploaded and what came back.

    The profile that is written works at once: repost emulate VIDEOS --profile profile.toml. What no pair could show is
    marked as assumed in it. With --reference-json the same rate factors, as whole numbers, go into the database of the
    Social Media Compression Emulation Framework, whose scripts read it unchanged.
    """
    from datetime import UTC, datetime

    from repost.estimation.about import About
    from repost.estimation.pairing import pairs_by_name
    from repost.estimation.videos.lookup import profile_name
    from repost.estimation.videos.pair import Examination
    from repost.estimation.videos.rate_cache import default_cache
    from repost.estimation.videos.reference import append_samples

    about = About(profile_name(platform), observed or datetime.now(UTC).strftime("%Y-%m"), route)
    how = Examination(encoder=codec, crf_min=crf_min, crf_max=crf_max, cache=default_cache())
    found, refused = pairs_by_name(originals, shared, media="video", anywhere=True)
    check_output(out, found)
    check_findings(findings, found)
    _check_before_hours_of_work(codec, reference_json, figures)
    name_refused(refused)
    estimated = _learned(
        found, about, how=how, folder=findings, jobs=jobs or os.cpu_count() or 1, max_pixels=max_pixels
    )
    save_profile(estimated.profile, out)
    if reference_json is not None:
        append_samples(reference_json, estimated.samples(), platform=platform, codec=codec)
    if figures is not None:
        _draw(estimated, found, figures)
    _show(estimated, [*refused, *estimated.refused], out, as_json=as_json)


def _check_before_hours_of_work(codec: str, reference_json: Path | None, figures: Path | None) -> None:
    """Find what would fail after the pairs are examined."""
    from repost.core.errors import UsageError
    from repost.core.extras import require
    from repost.estimation.videos.draft import standard_of
    from repost.estimation.videos.reference import load_reference

    standard_of(codec)
    if figures is not None:
        check_folder("--figures", figures)
        require("matplotlib", extra="report")
    if reference_json is not None and reference_json.exists():
        load_reference(reference_json)
    elif reference_json is not None and not reference_json.absolute().parent.is_dir():
        raise UsageError(f"the folder of --reference-json '{reference_json}' is not there; make it first")


def _learned(
    pairs: Sequence[FilesOfPair],
    about: About,
    *,
    how: Examination,
    folder: Path | None,
    jobs: int,
    max_pixels: int | None,
) -> EstimatedVideos:
    from repost.cli.progress import progress
    from repost.estimation.videos.estimate import EstimatedVideos, estimate_videos

    with progress("examining", "pair") as advance:
        for event in estimate_videos(pairs, about, how=how, folder=folder, jobs=jobs, max_pixels=max_pixels):
            if isinstance(event, EstimatedVideos):
                return event
            advance(event.finished, event.total)
    raise AssertionError("the last event is the estimate")


def _draw(estimated: EstimatedVideos, pairs: Sequence[FilesOfPair], folder: Path) -> None:
    from repost.report.video_estimate import draw_pair

    files = {pair.name: pair for pair in pairs}
    for finding in estimated.findings:
        for path in draw_pair(finding, files[finding.name], estimated.profile, folder / finding.name):
            typer.echo(f"wrote {path}", err=True)


def _show(estimated: EstimatedVideos, refused: list[Refused], out: Path, *, as_json: bool) -> None:
    from repost.report.video_estimate import describe_video_estimate, video_estimate_row

    name_refused(estimated.refused)
    if as_json:
        typer.echo(json.dumps(video_estimate_row(estimated, refused, out), sort_keys=True))
    else:
        typer.echo(describe_video_estimate(estimated))
    finish(len(estimated.findings), refused, out)
