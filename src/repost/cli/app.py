"""The `repost` command. One thin file per verb; nothing heavy is imported until a verb runs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from repost.cli import (
    demo,
    detect,
    emulate,
    estimate,
    evaluate,
    faces,
    identify,
    pairs,
    platforms,
    probe,
    run,
    scan,
    stamp,
    train,
    weights,
)
from repost.cli.exits import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_MISSING, EXIT_USAGE
from repost.core.errors import MissingExtra, RepostError, UsageError

app = typer.Typer(
    name="repost",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 done, 1 an honest negative, 2 usage, 3 a missing extra, 4 some inputs failed.",
)
app.command("emulate")(emulate.emulate)
app.command("probe")(probe.probe)
app.command("identify")(identify.identify)
app.command("faces")(faces.faces)
app.command("stamp")(stamp.stamp)
app.command("scan")(scan.scan)
app.command("detect")(detect.detect)
app.command("run")(run.run)
app.command("demo")(demo.demo)
app.add_typer(estimate.app, name="estimate")
app.add_typer(platforms.app, name="platforms")
app.add_typer(pairs.app, name="pairs")
app.add_typer(train.app, name="train")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(weights.app, name="weights")


def _version(wanted: bool) -> None:
    if wanted:
        from repost import __version__

        typer.echo(f"repost {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The wind tunnel for shared media: do to photographs and videos what social networks do to them, exactly."""
    del version  # its callback has done the work by now


def main() -> None:
    """Run the command line; errors become one line on stderr and an exit code."""
    try:
        app()
    except RepostError as error:
        from repost.report.words import shown

        typer.echo("error: " + "\n".join(shown(line) for line in str(error).splitlines()), err=True)
        sys.exit(_exit_code(error))
    except KeyboardInterrupt:
        typer.echo("interrupted; what is finished is kept, run the same command again to go on", err=True)
        sys.exit(EXIT_INTERRUPTED)


def _exit_code(error: RepostError) -> int:
    if isinstance(error, UsageError):
        return EXIT_USAGE
    if isinstance(error, MissingExtra):
        return EXIT_MISSING
    return EXIT_FAILED
