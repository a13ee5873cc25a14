"""What the verbs that learn a profile from pairs have in common: checks of their outputs, and what they say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from repost.cli.options import check_folder

if TYPE_CHECKING:
    from repost.estimation.pairing import FilesOfPair, Refused
    from repost.platforms import Profile


def check_output(out: Path, pairs: Sequence[FilesOfPair]) -> None:
    """Refuse a profile path that cannot be written or would replace one of the pairs.

    Raises:
        UsageError: It does not end in .toml, or its folder is not there.
        UnsafeOutput: It is one of the inputs.
    """
    from repost.core.errors import UnsafeOutput, UsageError

    if out.suffix != ".toml" or out.is_dir():
        raise UsageError(f"got -o '{out}', expected a file to write that ends in .toml")
    if not out.absolute().parent.is_dir():
        raise UsageError(f"the folder of -o '{out}' is not there; make it first")
    if out.resolve() in {path.resolve() for path in _inputs(pairs)}:
        raise UnsafeOutput(out, source=out)


def check_findings(folder: Path | None, pairs: Sequence[FilesOfPair]) -> None:
    """Refuse a folder of findings that holds inputs.

    Findings are kept with a manifest of their own, which must not replace one that lies beside the media.

    Raises:
        UsageError: The folder holds media of the pairs, or it cannot be one.
    """
    from repost.core.errors import UsageError

    if folder is None:
        return
    if folder.resolve() in {path.resolve().parent for path in _inputs(pairs)}:
        raise UsageError(f"got --findings '{folder}', which holds files of the pairs; give it a folder of its own")
    check_folder("--findings", folder)


def save_profile(profile: Profile, out: Path) -> None:
    """Write what was learned.

    Raises:
        OutputUnwritable: The file cannot be written.
    """
    from repost.core.errors import OutputUnwritable
    from repost.platforms.write import write_profile

    try:
        write_profile(profile, out)
    except OSError as error:
        raise OutputUnwritable(out, reason=error.strerror or str(error)) from error


def name_refused(refused: Sequence[Refused]) -> None:
    """Say on stderr which pairs were not used, and why."""
    from repost.report.words import shown

    for one in refused:
        typer.echo(f"failed: {shown(one.name)}: {shown(one.reason.removeprefix(one.name + ': '))}", err=True)


def finish(count: int, refused: Sequence[Refused], out: Path) -> None:
    """Say on stderr what the profile rests on.

    Args:
        count: Pairs it was learned from.
        refused: Pairs that could not be used.
        out: Where the profile is.

    Raises:
        typer.Exit: With the code for failed inputs, where there are any.
    """
    from repost.cli.exits import EXIT_FAILED

    typer.echo(f"learned from {count} pair{'s' if count != 1 else ''}, {len(refused)} refused; {out}", err=True)
    if refused:
        raise typer.Exit(EXIT_FAILED)


def _inputs(pairs: Sequence[FilesOfPair]) -> list[Path]:
    return [path for pair in pairs for path in (pair.upload, pair.served)]
