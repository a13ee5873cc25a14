"""`repost estimate investigate`: what several networks do, side by side."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repost.cli.options import AsJson, Jobs, MaxPixels, check_folder

if TYPE_CHECKING:
    from repost.estimation.images.finding import PairFinding
    from repost.estimation.pairing import FilesOfPair, Refused


def estimate_investigate(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for tables and the figure.")],
    originals: Annotated[Path | None, typer.Option("--originals", help="Folder of what was uploaded.")] = None,
    shared: Annotated[
        list[str] | None, typer.Option("--shared", help="NAME=FOLDER of what came back from a network. Repeatable.")
    ] = None,
    pairs: Annotated[
        list[str] | None, typer.Option("--pairs", help="NAME=FOLDER that `repost pairs recover` wrote. Repeatable.")
    ] = None,
    jobs: Jobs = 0,
    max_pixels: MaxPixels = None,
    as_json: AsJson = False,
) -> None:
    """Compare networks: which qualities they serve, how much pixels change at which size, and their size rules.

    Writes qualities.csv, changes.csv, size_rules.csv and the figure as SVG and PNG (that needs repost[report]).
    """
    from dataclasses import asdict, replace

    from repost.cli.exits import EXIT_FAILED
    from repost.estimation.images.investigate import investigate
    from repost.report.figures import write_investigation
    from repost.report.words import shown

    check_folder("-o", out)
    found: dict[str, list[PairFinding]] = {}
    refused: list[Refused] = []
    for name, files, missing in _sets(originals, shared or [], pairs or []):
        findings, odd = _examined(name, files, jobs or os.cpu_count() or 1, max_pixels)
        refused += [replace(one, name=f"{name}: {one.name}") for one in (*missing, *odd)]
        if findings:
            found[name] = findings
    for one in refused:
        typer.echo(f"failed: {shown(one.name)}: {shown(one.reason)}", err=True)
    if found:
        investigation = investigate(found)
        if as_json:
            typer.echo(json.dumps(asdict(investigation), sort_keys=True))
        else:
            for rule in investigation.size_rules:
                typer.echo(f"{rule.platform:<12} {rule.uploads}: {rule.rule} ({rule.resized} of {rule.count} resized)")
        for path in write_investigation(investigation, out):
            typer.echo(f"wrote {path}", err=True)
    if refused or not found:
        raise typer.Exit(EXIT_FAILED)


def _sets(
    originals: Path | None, shared: list[str], pairs: list[str]
) -> list[tuple[str, list[FilesOfPair], list[Refused]]]:
    from repost.core.errors import UsageError
    from repost.estimation.images.pairing import pairs_of_manifest
    from repost.estimation.pairing import pairs_by_name

    if bool(shared) != (originals is not None) or not (shared or pairs):
        raise UsageError("give --originals FOLDER with --shared NAME=FOLDER for each network, or --pairs NAME=FOLDER")
    sets: list[tuple[str, list[FilesOfPair], list[Refused]]] = []
    for text in shared:
        name, folder = _named(text, "--shared")
        assert originals is not None, "checked above"
        sets.append((name, *pairs_by_name(originals, folder)))
    for text in pairs:
        name, folder = _named(text, "--pairs")
        sets.append((name, *pairs_of_manifest(folder)))
    names = [name for name, _, _ in sets]
    if len(set(names)) < len(names):
        raise UsageError(f"got the same name twice in {', '.join(names)}; give every network a name of its own")
    return sets


def _named(text: str, option: str) -> tuple[str, Path]:
    import re

    from repost.core.errors import UsageError
    from repost.platforms.profile import NAME_PATTERN

    name, equals, folder = text.partition("=")
    if not (equals and name and folder):
        raise UsageError(f"got {option} {text}, expected NAME=FOLDER such as facebook=downloads/facebook")
    if not re.fullmatch(NAME_PATTERN, name):
        raise UsageError(f"got the name {name!r} in {option}, expected small letters, digits, '-' and '_'")
    return name, Path(folder)


def _examined(
    name: str, files: list[FilesOfPair], jobs: int, max_pixels: int | None
) -> tuple[list[PairFinding], list[Refused]]:
    from repost.cli.progress import progress
    from repost.estimation.images.estimate import Examined, examine_pairs

    with progress(f"examining {name}", "pair") as advance:
        for event in examine_pairs(files, jobs=jobs, max_pixels=max_pixels):
            if isinstance(event, Examined):
                return list(event.findings), list(event.refused)
            advance(event.finished, event.total)
    raise AssertionError("the last event holds the findings")
