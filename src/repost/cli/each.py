"""Do the same to every file that was named; one that fails is told, and the others go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import typer

_Found = TypeVar("_Found")


def each(files: Sequence[Path], look: Callable[[Path], _Found]) -> Iterator[tuple[Path, _Found]]:
    """Look at files one after the other.

    Args:
        files: As they were named.
        look: Finds something out about one; may raise `RepostError` or `OSError`.

    Yields:
        The files that could be looked at, with what was found.

    Raises:
        typer.Exit: After the last file, with the code for failed inputs, where one failed.
    """
    from repost.cli.exits import EXIT_FAILED
    from repost.core.errors import RepostError
    from repost.report.words import shown

    failed = False
    for path in files:
        try:
            found = look(path)
        except (RepostError, OSError) as error:
            typer.echo(f"failed: {shown(str(error))}", err=True)
            failed = True
            continue
        yield path, found
    if failed:
        raise typer.Exit(EXIT_FAILED)
