"""`repost scan`: whether files are stamped."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from repost.cli.options import AsJson, MaxPixels, Model, Sources, Workers
from repost.cli.stamp_key import Key, KeyFile

if TYPE_CHECKING:
    from repost.stamp.scan_files import FileScan


def scan(
    sources: Sources,
    key: Key = None,
    key_file: KeyFile = None,
    model: Model = "rs_aug",
    workers: Workers = 0,
    max_pixels: MaxPixels = None,
    as_json: AsJson = False,
) -> None:
    """Look for a do-not-forward stamp in photographs and videos.

    The exit code is 0 when a file is stamped and 1 when none is; uncertain ones are not. It is 4 when a file could not
    be read, whatever the others are, since what that file is stays open; each such file is named.
    """
    from repost.cli.exits import EXIT_FAILED, EXIT_NEGATIVE
    from repost.cli.progress import progress
    from repost.cli.stamp_key import chosen_key
    from repost.stamp.scan_files import scan_files

    wanted_key = chosen_key(key, key_file)
    jobs = workers or os.cpu_count() or 1
    with progress("scanning", "file") as advance:
        scans = scan_files(sources, key=wanted_key, jobs=jobs, max_pixels=max_pixels, model=model, advance=advance)
        found = list(_told(scans, as_json=as_json))
    if found and not as_json:
        from repost.report.stamp import print_table, scan_table

        print_table(scan_table(found))
    if any(one.error is not None for one in found):
        raise typer.Exit(EXIT_FAILED)
    if not any(one.stamped for one in found):
        raise typer.Exit(EXIT_NEGATIVE)


def _told(scans: Iterator[FileScan | None], *, as_json: bool) -> Iterator[FileScan]:
    """Tell of files as they come: JSON on stdout, what cannot be read on stderr, and how many were no media."""
    from repost.report.words import shown

    passed_over = 0
    for one in scans:
        if one is None:
            passed_over += 1
            continue
        if as_json:
            typer.echo(json.dumps(one.to_row(), sort_keys=True))
        if one.error is not None:
            typer.echo(f"failed: {shown(one.error)}", err=True)
        yield one
    if passed_over:
        typer.echo(f"{passed_over} passed over: no media, and not claiming to be", err=True)
