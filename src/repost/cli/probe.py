"""`repost probe`: what a file is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, cast

import typer

from repost.cli.options import AsJson


def probe(
    files: Annotated[list[Path], typer.Argument(help="Image files.", show_default=False)], as_json: AsJson = False
) -> None:
    """Say what an image file is: container, size, metadata and how a JPEG was coded."""
    from repost.cli.each import each
    from repost.estimation.history.estimate import table_layers
    from repost.media.probe import probe_file
    from repost.media.read import read_file
    from repost.report.history import layer_rows, layers_in_words

    for path, (found, layers) in each(
        files, lambda path: (probe_file(path), table_layers(read_file(path), name=str(path)))
    ):
        if as_json:
            typer.echo(json.dumps({"file": str(path), **found, "layers": layer_rows(layers)}, sort_keys=True))
        else:
            found["layers"] = layers_in_words(layers)
            typer.echo("\n".join([str(path), *(f"  {name:<18} {_plain(value)}" for name, value in found.items())]))


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(entry) for entry in cast("list[object]", value)) or "none"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
