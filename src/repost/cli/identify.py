"""`repost identify`: which networks a file may have come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from repost.cli.options import AsJson, MaxPixels


def identify(
    files: Annotated[list[Path], typer.Argument(help="Image and video files.", show_default=False)],
    profile: Annotated[
        list[Path] | None, typer.Option("--profile", help="A profile of your own (TOML). Repeatable.")
    ] = None,
    max_pixels: MaxPixels = None,
    as_json: AsJson = False,
) -> None:
    """Rank the networks a file may have come from, with a probability and the reasons for each.

    Images are compared with the profiles' rules for images, videos with those for videos.

    Says "none of these" where that is the honest answer; the exit code is 1 when it is for every file.
    """
    from repost.cli.each import each
    from repost.cli.exits import EXIT_NEGATIVE
    from repost.estimation.identify.rank import identify as identify_file
    from repost.estimation.identify.rank import with_profiles
    from repost.platforms import load_profile
    from repost.report.identify import identification_row, identification_text

    profiles = with_profiles(load_profile(path) for path in profile or ())
    named = False
    for path, found in each(files, lambda path: identify_file(path, profiles=profiles, max_pixels=max_pixels)):
        named |= bool(found.answer)
        if as_json:
            typer.echo(json.dumps(identification_row(found, name=str(path)), sort_keys=True))
        else:
            typer.echo(identification_text(found, name=str(path)))
    if not named:
        raise typer.Exit(EXIT_NEGATIVE)
