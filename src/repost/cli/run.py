"""`repost run`: carry out the steps of a config file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from repost.cli.emulate import emulate
from repost.cli.estimate_images import estimate_images
from repost.cli.estimate_videos import estimate_videos
from repost.cli.exits import EXIT_FAILED
from repost.cli.options import AsJson

_VERBS: dict[str, Callable[..., None]] = {
    "estimate-videos": estimate_videos,
    "estimate-images": estimate_images,
    "emulate": emulate,
}


def run(
    config: Annotated[Path, typer.Option("--config", "-c", help="The steps (TOML); paths are relative to it.")],
    as_json: AsJson = False,
) -> None:
    """Carry out several verbs in order, such as learning a platform and then doing the same to a folder.

    A step of which some inputs failed does not stop the ones after it; one that cannot be carried out does.
    """
    from repost.cli.run_config import load_config

    loaded = load_config(config)
    failed = False
    for number, step in enumerate(loaded.steps, 1):
        typer.echo(f"step {number} of {len(loaded.steps)}: {step.do}", err=True)
        failed |= _some_failed(_VERBS[step.do], step.options(config.parent) | {"as_json": as_json})
    if failed:
        raise typer.Exit(EXIT_FAILED)


def _some_failed(verb: Callable[..., None], options: dict[str, Any]) -> bool:
    try:
        verb(**options)
    except typer.Exit as ended:
        if ended.exit_code == EXIT_FAILED:
            return True
        if ended.exit_code:
            raise
    return False
