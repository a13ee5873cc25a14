"""Options that several verbs share, and checks of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Sources: TypeAlias = Annotated[list[Path], typer.Argument(help="Files and folders.", show_default=False)]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="One JSON object per line on stdout.")]
Jobs: TypeAlias = Annotated[
    int, typer.Option("--jobs", "-j", min=0, help="Worker processes; 0 means one per processor core.")
]
Workers: TypeAlias = Annotated[
    int, typer.Option("--workers", "--jobs", "-j", min=0, help="Worker processes; 0 means one per processor core.")
]
MaxPixels: TypeAlias = Annotated[
    int | None,
    typer.Option(min=1, help="Refuse images with more pixels.  [default: 178956970]", show_default=False),
]


Model: TypeAlias = Annotated[str, typer.Option(help="Stamp model: a released one, or the folder of one you trained.")]


def check_folder(option: str, folder: Path) -> None:
    """Refuse a folder that cannot be made, before work that takes long.

    Args:
        option: What it was given with, such as "--figures".
        folder: Where files will be written.

    Raises:
        UsageError: It, or a part of its path, is a file.
    """
    from repost.core.errors import UsageError

    for part in (folder, *folder.parents):
        if part.exists() and not part.is_dir():
            which = "which is a file" if part == folder else f"but '{part}' is a file"
            raise UsageError(f"got {option} '{folder}', {which}; expected a folder")
