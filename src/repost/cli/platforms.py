"""`repost platforms`: which networks are known, what is known of one, and whether a profile is valid."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from repost.cli.options import AsJson

app = typer.Typer(no_args_is_help=True, help="The networks repost knows: list them, show one, check your own.")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List every profile, bundled and your own; examples, which are of no real network, come last."""
    from repost.platforms import list_profiles

    listed = sorted(list_profiles(), key=lambda entry: entry.profile.example)
    if as_json:
        for entry in listed:
            profile = entry.profile
            typer.echo(
                json.dumps(
                    {
                        "name": profile.id,
                        "main_route": profile.main_route,
                        "bundled": entry.bundled,
                        "example": profile.example,
                        "media": profile.media,
                        "summary": profile.summary,
                        "unknown": len(profile.unknown),
                    },
                    sort_keys=True,
                )
            )
        return
    from repost.report.table import print_platforms

    print_platforms([entry.profile for entry in listed])


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A name such as facebook@2023, or a TOML file.", show_default=False)],
    as_json: AsJson = False,
    toml: Annotated[bool, typer.Option("--toml", help="As a profile file, to start one of your own from.")] = False,
) -> None:
    """Show what is known of one platform: rules, evidence, and what is assumed."""
    from repost.core.errors import UsageError
    from repost.platforms import resolve

    if as_json and toml:
        raise UsageError("give --json or --toml, not both")
    profile = resolve(name)
    if toml:
        from repost.platforms.write import to_toml

        typer.echo(to_toml(profile), nl=False)
        return
    if as_json:
        typer.echo(profile.model_dump_json(exclude_none=True))
        return
    from repost.report.profile import describe_profile

    typer.echo(describe_profile(profile))


@app.command()
def validate(
    files: Annotated[list[Path], typer.Argument(help="Profiles (TOML).", show_default=False)], as_json: AsJson = False
) -> None:
    """Check profiles of your own; every wrong field is named."""
    from repost.cli.exits import EXIT_NEGATIVE
    from repost.core.errors import InvalidProfile
    from repost.platforms import load_profile

    wrong = False
    for path in files:
        problems: list[tuple[str, str]] = []
        try:
            name = load_profile(path).id
        except InvalidProfile as error:
            problems, name, wrong = list(error.problems), None, True
            said = str(error)
        else:
            said = f"{path}: valid, {name}"
        if as_json:
            typer.echo(json.dumps({"file": str(path), "name": name, "valid": not problems, "problems": problems}))
        else:
            typer.echo(said)
    if wrong:
        raise typer.Exit(EXIT_NEGATIVE)
