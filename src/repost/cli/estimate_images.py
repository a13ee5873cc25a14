"""`repost estimate images`: learn a platform from pairs."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repost.cli.options import AsJson, Jobs, MaxPixels

if TYPE_CHECKING:
    from repost.estimation.images.estimate import Estimated
    from repost.estimation.pairing import FilesOfPair, Refused


def estimate_images(
    platform: Annotated[str, typer.Option("--platform", "-p", help="What to call the network, in small letters.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The profile to write (TOML).")],
    originals: Annotated[Path | None, typer.Option("--originals", help="Folder of what was uploaded.")] = None,
    shared: Annotated[Path | None, typer.Option("--shared", help="Folder of what came back, same names.")] = None,
    pairs: Annotated[Path | None, typer.Option("--pairs", help="What `repost pairs recover` wrote, instead.")] = None,
    route: Annotated[str, typer.Option(help="The way through the network: post, message, avatar.")] = "post",
    observed: Annotated[str, typer.Option(help="When the pairs were made: YYYY-MM.  [default: this month]")] = "",
    findings: Annotated[
        Path | None, typer.Option("--findings", help="Folder to keep what each pair showed, so that a run goes on.")
    ] = None,
    jobs: Jobs = 0,
    max_pixels: MaxPixels = None,
    as_json: AsJson = False,
) -> None:
    """Learn what a network does to images, from pairs of what was uploaded and what came back.

    The profile that is written works at once: repost emulate PHOTOS --profile profile.toml. What no pair could show is
    marked as assumed in it, and each rule says how well it did on pairs it was not learned from.
    """
    from datetime import UTC, datetime

    from repost.cli.progress import progress
    from repost.core.errors import OutputUnwritable
    from repost.estimation.about import About
    from repost.estimation.images.estimate import Estimated, estimate_images
    from repost.platforms.write import write_profile

    about = About(platform, observed or datetime.now(UTC).strftime("%Y-%m"), route)
    found, refused = _pairs(originals, shared, pairs)
    inputs = [pair.upload for pair in found] + [pair.served for pair in found]
    _check_output(out, inputs)
    _check_findings(findings, inputs)
    _name_refused(refused)
    estimated: Estimated | None = None
    with progress("examining", "pair") as advance:
        for event in estimate_images(
            found, about, folder=findings, jobs=jobs or os.cpu_count() or 1, max_pixels=max_pixels
        ):
            if isinstance(event, Estimated):
                estimated = event
            else:
                advance(event.finished, event.total)
    assert estimated is not None, "the last event is the estimate"
    try:
        write_profile(estimated.profile, out)
    except OSError as error:
        raise OutputUnwritable(out, reason=error.strerror or str(error)) from error
    _show(estimated, [*refused, *estimated.refused], out, as_json=as_json)


def _pairs(
    originals: Path | None, shared: Path | None, manifest: Path | None
) -> tuple[list[FilesOfPair], list[Refused]]:
    from repost.core.errors import UsageError
    from repost.estimation.images.pairing import pairs_of_manifest
    from repost.estimation.pairing import pairs_by_name

    if manifest is not None and originals is None and shared is None:
        return pairs_of_manifest(manifest)
    if manifest is None and originals is not None and shared is not None:
        return pairs_by_name(originals, shared)
    raise UsageError("give --originals and --shared (two folders), or --pairs (what `repost pairs recover` wrote)")


def _name_refused(refused: Sequence[Refused]) -> None:
    from repost.report.words import shown

    for one in refused:
        typer.echo(f"failed: {shown(one.name)}: {shown(one.reason.removeprefix(one.name + ': '))}", err=True)


def _check_output(out: Path, inputs: list[Path]) -> None:
    from repost.core.errors import UnsafeOutput, UsageError

    if out.suffix != ".toml" or out.is_dir():
        raise UsageError(f"got -o '{out}', expected a file to write that ends in .toml")
    if not out.absolute().parent.is_dir():
        raise UsageError(f"the folder of -o '{out}' is not there; make it first")
    if out.resolve() in {path.resolve() for path in inputs}:
        raise UnsafeOutput(out, source=out)


def _check_findings(folder: Path | None, inputs: list[Path]) -> None:
    """Findings are kept with a manifest of their own, which must not replace one that lies beside the pictures."""
    from repost.core.errors import UsageError

    if folder is None:
        return
    if folder.resolve() in {path.resolve().parent for path in inputs}:
        raise UsageError(f"got --findings '{folder}', which holds pictures of the pairs; give it a folder of its own")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"got --findings '{folder}', which is a file; expected a folder")


def _show(estimated: Estimated, refused: list[Refused], out: Path, *, as_json: bool) -> None:
    from repost.cli.exits import EXIT_FAILED
    from repost.report.estimate import describe_estimate, estimate_row
    from repost.report.words import shown

    _name_refused(estimated.refused)
    for one in estimated.misfits:
        typer.echo(f"odd: {shown(one.name)}: {shown(one.reason)}", err=True)
    if as_json:
        typer.echo(json.dumps(estimate_row(estimated, refused, out), sort_keys=True))
    else:
        typer.echo(describe_estimate(estimated))
    count = len(estimated.findings)
    typer.echo(f"learned from {count} pair{'s' if count != 1 else ''}, {len(refused)} refused; {out}", err=True)
    if refused:
        raise typer.Exit(EXIT_FAILED)
