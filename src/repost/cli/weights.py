"""`repost weights`: the published weights of detectors: which there are, fetch one, add a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repost.cli.options import AsJson

if TYPE_CHECKING:
    from repost.detectors.obtain import FetchEvent, Obtained

app = typer.Typer(
    no_args_is_help=True, help="The published weights of detectors: list them, fetch one, add a file of yours."
)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List every detector: licence, size, and whether its weights are here and whole.

    Each file that is here is read, to see whether its checksum holds. The store is $REPOST_WEIGHTS, or repost/weights
    in your folder for caches.
    """
    from repost.detectors import list_cards
    from repost.detectors.store import examine, weights_folder
    from repost.report.weights import print_weights, weights_row

    holdings = [examine(card) for card in list_cards()]
    if as_json:
        for held in holdings:
            typer.echo(json.dumps(weights_row(held), sort_keys=True))
        return
    print_weights(holdings, folder=weights_folder())


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="A detector, such as meso4-df.", show_default=False)],
    sha256: Annotated[
        str | None,
        typer.Option(metavar="HEX", help="Of the file, where its card does not know it.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Download a detector's weights from where they were published.

    Licence, address and size are shown before it starts. Size and SHA-256 are verified; a download that broke or was
    interrupted goes on when the same command is given again.
    """
    from repost.cli.exits import EXIT_INTERRUPTED
    from repost.detectors import find_card
    from repost.detectors.obtain import fetch_weights

    card = find_card(name)
    try:
        with _fetch_progress(card.name) as listen:
            obtained = fetch_weights(card, sha256=sha256, listen=listen)
    except KeyboardInterrupt:
        typer.echo("interrupted; what is here of the file is kept, the same command goes on from there", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    _tell(obtained, "fetched", as_json=as_json)


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="A file of weights that you have.", show_default=False)],
    name: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="The detector, where no card knows the file.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put a file that you have into the store, without a network.

    A published file is recognised by its SHA-256. Any other needs --as NAME, and is loaded into that detector's
    network to see that it fits; nothing in it is ever executed.
    """
    from repost.detectors.obtain import add_weights

    obtained = add_weights(file, name=name)
    _tell(obtained, "added", as_json=as_json)


@contextmanager
def _fetch_progress(name: str) -> Generator[Callable[[FetchEvent], None], None, None]:
    """Show the licence, then bytes, rate and time left, and every pause, on stderr."""
    from repost.cli.progress import progress
    from repost.detectors.download import Received, Retrying
    from repost.detectors.obtain import PassedOver, Starting
    from repost.report.weights import fetch_in_words
    from repost.report.words import bytes_in_words, shown

    with progress(f"fetching {name}", "byte") as advance:

        def listen(event: FetchEvent) -> None:
            match event:
                case Received():
                    advance(event.received_bytes, event.total_bytes)
                case Starting():
                    typer.echo(fetch_in_words(event.card, event.remote, kept_bytes=event.kept_bytes), err=True)
                    # The bar takes its first news for where it begins: what was here before is no rate.
                    advance(event.kept_bytes, event.remote.size_bytes)
                case Retrying():
                    kept = bytes_in_words(event.received_bytes)
                    typer.echo(f"{shown(event.reason)}; {kept} kept, again in {event.pause_s:g} s", err=True)
                case PassedOver():
                    typer.echo(shown(event.reason), err=True)

        yield listen


def _tell(obtained: Obtained, done: str, *, as_json: bool) -> None:
    from repost.report.weights import obtained_in_words, obtained_row

    status = "present" if obtained.was_here else done
    typer.echo(
        json.dumps(obtained_row(obtained, status), sort_keys=True) if as_json else obtained_in_words(obtained, status)
    )
    if not obtained.record.checked:
        typer.echo("note: whether it fits was not checked, as that needs pip install 'repost[detectors]'", err=True)
