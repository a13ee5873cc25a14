"""`repost emulate`: put photographs through networks."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from repost.cli.batches import carry_out
from repost.cli.options import AsJson, Jobs, MaxPixels, Sources

if TYPE_CHECKING:
    from repost.estimation.videos.lookup import Lookup
    from repost.platforms import Profile

MOST_ROWS_SHOWN = 24


def emulate(
    sources: Sources,
    out: Annotated[Path, typer.Option("--out", "-o", help="Output folder.")] = Path("reposted"),
    platform: Annotated[
        list[str] | None,
        typer.Option("--platform", "-p", help="A network: facebook, facebook@2023, instagram/message. Repeatable."),
    ] = None,
    profile: Annotated[
        list[Path] | None, typer.Option("--profile", help="A profile of your own (TOML). Repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides what is drawn where a network is not constant.")] = 0,
    metrics: Annotated[str, typer.Option(help="What to measure, by comma: psnr, ssim.")] = "",
    match: Annotated[
        str, typer.Option(help="What videos keep where a network's encoder is not known: bitrate or quality.")
    ] = "bitrate",
    every: Annotated[
        int | None, typer.Option("--every", min=1, help="Write every N-th frame of videos as PNG, and no video.")
    ] = None,
    reference_json: Annotated[
        Path | None,
        typer.Option(help="Take --platform from a database of the Social Media Compression Emulation Framework."),
    ] = None,
    lookup: Annotated[
        str, typer.Option(help="How that database is read: reference (as its own scripts do), nearest or law.")
    ] = "reference",
    codec: Annotated[str, typer.Option(help="Whose samples of that database, by FFmpeg's name.")] = "libx264",
    jobs: Jobs = 0,
    max_pixels: MaxPixels = None,
    engine: Annotated[str, typer.Option(help="Where workers run: local or ray.")] = "local",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, from headers alone.")] = False,
    as_json: AsJson = False,
) -> None:
    """Do to photographs and videos exactly what networks do to them.

    Served files go to OUT/<platform>/<same path>, what was done to each to OUT/manifest.jsonl. A run that was
    interrupted, even killed, goes on where it was when the same command is given again.
    """
    from repost import batch
    from repost.channel.compare import parse_metrics
    from repost.channel.encode import require_encoders
    from repost.channel.files import ShareFiles, folder_of
    from repost.channel.video.settings import parse_match

    if reference_json is None:
        profiles = chosen_profiles(platform or [], profile or [])
    else:
        profiles = _profiles_of_reference(reference_json, platform or [], profile or [], lookup=lookup, codec=codec)
    require_encoders(profiles.values())
    found = batch.list_inputs(sources, out, parts=[folder_of(name) for name in profiles])
    stems = batch.output_stems((entry.id for entry in found), as_folders=every is not None)
    items = [batch.Item(entry.id, entry.path, tuple(profiles), stems[entry.id]) for entry in found]
    named = frozenset(entry.id for entry in found if entry.explicit)
    work = ShareFiles(out, profiles, seed, parse_metrics(metrics), named, max_pixels, parse_match(match), every)
    if dry_run:
        _finish(_show((row for item in items for row in work.preview(item)), as_json=as_json))
        return
    show = partial(_show, as_json=as_json)
    workers = jobs or os.cpu_count() or 1
    _finish(carry_out(work, items, out=out, doing="sharing", show=show, jobs=workers, engine=engine))


def chosen_profiles(names: list[str], files: list[Path]) -> dict[str, Profile]:
    """The profiles that were asked for, by the name they were asked for.

    Args:
        names: Bundled ones; what ends with ".toml" is a file.
        files: Files of profiles.

    Raises:
        UsageError: None was asked for, or one twice.
    """
    from repost.channel.files import folder_of
    from repost.core.errors import UsageError
    from repost.platforms import load_profile, resolve

    own = [Path(name) for name in names if name.endswith(".toml")]
    profiles = {name.strip().lower(): resolve(name) for name in names if not name.endswith(".toml")}
    for path in (*own, *files):
        loaded = load_profile(path)
        profiles[loaded.platform if loaded.main_route else f"{loaded.platform}/{loaded.route}"] = loaded
    if not profiles:
        raise UsageError("no platform given; add --platform facebook (`repost platforms list` shows all)")
    folders = {folder_of(name) for name in profiles}
    if len(folders) < len(names) + len(files):
        raise UsageError("the same platform was given twice; give each one once, or profiles of your own other names")
    return profiles


def _profiles_of_reference(
    path: Path, names: list[str], files: list[Path], *, lookup: str, codec: str
) -> dict[str, Profile]:
    from repost.core.errors import UsageError
    from repost.estimation.videos.lookup import profile_of_reference
    from repost.estimation.videos.reference import load_reference

    if files or not names:
        raise UsageError("--reference-json goes with --platform, the name that the database has, and no --profile")
    database = load_reference(path)
    wanted = cast("Lookup", lookup)  # another word is refused where it is looked up
    return {name: profile_of_reference(database, name, codec=codec, lookup=wanted) for name in names}


def _show(rows: Iterator[dict[str, Any]], *, as_json: bool) -> Counter[str]:
    """Print rows as they come (JSON) or as a table at the end; say how many there were of each status."""
    import json

    from repost.report.table import print_shares
    from repost.report.words import shown

    kept: list[dict[str, object]] = []
    counts = Counter[str]()
    for row in rows:
        counts[str(row["status"])] += 1
        if as_json:
            typer.echo(json.dumps(row, sort_keys=True))
            continue
        if row["status"] == "failed":
            typer.echo(f"failed: {shown(str(row['error']))}", err=True)
        if len(kept) <= MOST_ROWS_SHOWN:
            kept.append(row)
    if kept:
        kept.sort(key=lambda row: (str(row["source"]), str(row["platform"])))
        print_shares(kept[:MOST_ROWS_SHOWN], more=len(kept) > MOST_ROWS_SHOWN)
    return counts


def _finish(counts: Counter[str]) -> None:
    from repost.cli.exits import EXIT_FAILED, EXIT_NEGATIVE

    if counts["failed"]:
        raise typer.Exit(EXIT_FAILED)
    if counts.total() == counts["skipped"]:
        typer.echo("nothing to share: no file is an image or video that these profiles have rules for", err=True)
        raise typer.Exit(EXIT_NEGATIVE)
