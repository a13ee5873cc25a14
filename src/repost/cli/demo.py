"""`repost demo`: see what it does, on photographs that are there already."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from repost.cli.options import AsJson, Jobs


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Output folder.")] = Path("demo"),
    platform: Annotated[
        list[str] | None,
        typer.Option(
            "--platform",
            "-p",
            help="A network; repeatable.  [default: facebook, twitter, wechat, weibo, instagram]",
            show_default=False,
        ),
    ] = None,
    jobs: Jobs = 0,
    as_json: AsJson = False,
) -> None:
    """Share real photographs on five networks and make a page to look at.

    The photographs come with scikit-image and scikit-learn; nothing is downloaded or uploaded. The page is
    OUT/index.html and opens from disk.
    """
    from repost.cli.exits import EXIT_FAILED
    from repost.cli.progress import progress
    from repost.report.demo import PLATFORMS, run_demo
    from repost.report.table import print_shares

    typer.echo(f"sharing photographs into {out} (under a minute)", err=True)
    with progress("sharing", "photograph") as advance:
        made = run_demo(out, platforms=platform or PLATFORMS, jobs=jobs or None, on_progress=advance)
    if as_json:
        for row in made.rows:
            typer.echo(json.dumps(row, sort_keys=True))
    else:
        print_shares(made.rows)
    typer.echo(f"\nOpen {made.page} in a browser to see before, after and the difference.", err=as_json)
    if made.failed:
        typer.echo(f"{made.failed} of {len(made.rows)} failed; each row says why", err=True)
        raise typer.Exit(EXIT_FAILED)
