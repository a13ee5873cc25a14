"""`repost stamp`: put an invisible do-not-forward mark into photographs and videos."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from repost.cli.batches import carry_out
from repost.cli.exits import EXIT_FAILED, EXIT_NEGATIVE
from repost.cli.options import AsJson, MaxPixels, Model, Sources, Workers
from repost.cli.stamp_key import Key, KeyFile

_MOST_ROWS_SHOWN = 48


def stamp(
    sources: Sources,
    out: Annotated[Path, typer.Option("--out", "-o", help="Output folder.")],
    key: Key = None,
    key_file: KeyFile = None,
    strength: Annotated[float, typer.Option(help="Times the model's own amplitude.")] = 1.0,
    again: Annotated[bool, typer.Option("--again", help="Stamp files that carry a stamp already, too.")] = False,
    model: Model = "rs_aug",
    workers: Workers = 0,
    max_pixels: MaxPixels = None,
    as_json: AsJson = False,
) -> None:
    """Put an invisible do-not-forward mark into photographs and videos.

    Stamped files go to OUT/<same path> in their own format. Each is scanned again as it was written: where its stamp is
    not found the row has a warning. A run that was interrupted goes on when the same command is given again.
    """
    from repost import batch
    from repost.cli.stamp_key import chosen_key
    from repost.stamp.embed import check_strength
    from repost.stamp.files import StampFiles
    from repost.stamp.key import key_fingerprint
    from repost.stamp.model import load_model
    from repost.stamp.still import StampSettings

    wanted = StampSettings(chosen_key(key, key_file), strength, again, max_pixels, model)
    check_strength(strength)
    found = batch.list_inputs(sources, out)
    stems = batch.output_stems(entry.id for entry in found)
    items = [batch.Item(entry.id, entry.path, stem=stems[entry.id]) for entry in found]
    work = StampFiles(
        out,
        wanted,
        load_model(model).version,
        key_fingerprint(wanted.key),
        named=frozenset(entry.id for entry in found if entry.explicit),
        renamed=frozenset(stems) - batch.names_kept(stems),
    )
    counts = carry_out(
        work,
        items,
        out=out,
        doing="stamping",
        show=partial(_show, as_json=as_json),
        jobs=workers or os.cpu_count() or 1,
    )
    if counts["failed"]:
        raise typer.Exit(EXIT_FAILED)
    if not counts["done"]:
        typer.echo("nothing to stamp: no file is an image or video", err=True)
        raise typer.Exit(EXIT_NEGATIVE)


def _show(rows: Iterator[dict[str, Any]], *, as_json: bool) -> Counter[str]:
    """Print rows as they come (JSON) or as a table at the end; count them by status, and those with a warning."""
    from repost.report.stamp import print_table, stamp_table
    from repost.report.words import shown

    kept: list[dict[str, Any]] = []
    counts = Counter[str]()
    for row in rows:
        counts[row["status"]] += 1
        counts["warned"] += row["warning"] is not None
        if row["status"] == "failed":
            typer.echo(f"failed: {shown(row['error'])}", err=True)
        if row["warning"] is not None:
            typer.echo(f"warning: {shown(row['source'])}: {row['warning']}", err=True)
        if as_json:
            typer.echo(json.dumps(row, sort_keys=True))
        elif len(kept) <= _MOST_ROWS_SHOWN:
            kept.append(row)
    if kept:
        kept.sort(key=lambda row: str(row["source"]))
        print_table(stamp_table(kept[:_MOST_ROWS_SHOWN]), more=len(kept) > _MOST_ROWS_SHOWN)
    return counts
