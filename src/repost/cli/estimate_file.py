"""`repost estimate file`: how often and how strongly a picture was compressed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from repost.cli.options import AsJson, MaxPixels


def estimate_file(
    files: Annotated[list[Path], typer.Argument(help="Image files.", show_default=False)],
    max_pixels: MaxPixels = None,
    as_json: AsJson = False,
) -> None:
    """Say how a picture was compressed: by its file, and by what its pixels give away of earlier JPEGs."""
    from repost.cli.each import each
    from repost.estimation.history.estimate import estimate_history
    from repost.media.read import read_file
    from repost.report.history import history_row, history_text

    for path, found in each(
        files, lambda path: estimate_history(read_file(path), name=str(path), max_pixels=max_pixels)
    ):
        if as_json:
            typer.echo(json.dumps(history_row(found, name=str(path)), sort_keys=True))
        else:
            typer.echo(history_text(found, name=str(path)))
