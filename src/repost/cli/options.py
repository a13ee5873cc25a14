"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Sources: TypeAlias = Annotated[list[Path], typer.Argument(help="Files and folders.", show_default=False)]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="One JSON object per line on stdout.")]
Jobs: TypeAlias = Annotated[
    int, typer.Option("--jobs", "-j", min=0, help="Worker processes; 0 means one per processor core.")
]
MaxPixels: TypeAlias = Annotated[
    int | None,
    typer.Option(min=1, help="Refuse images with more pixels.  [default: 178956970]", show_default=False),
]
