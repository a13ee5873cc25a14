"""The weights of detectors, in rows and in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from repost.detectors.card import DetectorCard
from repost.detectors.download import Remote
from repost.detectors.obtain import Obtained
from repost.detectors.store import Holding
from repost.report.table import terminal_width
from repost.report.words import NOTHING, bytes_in_words, shown


def weights_row(held: Holding) -> dict[str, object]:
    """One detector's weights as a row of JSON.

    Args:
        held: What the store holds of them.

    Returns:
        `name`, `title`, `network`, `licence`, `licence_url`, `urls`, `size_bytes` (published; null where not known),
        `status` ("present", "damaged", "absent"), `path` (null where absent), `sha256` and `origin` (of the stored
        file), `published` (whether it is a file the card knows; null where that cannot be told), `checked`, `damage`,
        `partial_bytes` (of an unfinished download).
    """
    card, record = held.card, held.record
    return {
        "name": card.name,
        "title": card.title,
        "network": card.network,
        "licence": card.licence,
        "licence_url": card.licence_url,
        "urls": [source.url for source in card.sources],
        "size_bytes": _published_bytes(card),
        "status": held.state,
        "path": None if held.state == "absent" else str(held.path),
        "sha256": record.sha256 if record else None,
        "origin": record.origin if record else None,
        "published": held.published,
        "checked": record.checked if record else None,
        "damage": held.damage,
        "partial_bytes": held.partial_bytes,
    }


def print_weights(holdings: Sequence[Holding], *, folder: Path) -> None:
    """Print every detector's weights: name, licence, published size, and what is here.

    Args:
        holdings: In the order to show them in.
        folder: The store.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("name", no_wrap=True)
    table.add_column("licence", ratio=1, min_width=16)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("here", ratio=1, min_width=16)
    for held in holdings:
        style = "red" if held.state == "damaged" else ""
        size_bytes = held.record.size_bytes if held.record else _published_bytes(held.card)
        table.add_row(
            Text(held.card.name),
            Text(shown(held.card.licence)),
            bytes_in_words(size_bytes),
            Text(shown(_here_in_words(held)), style=style),
        )
    console = Console(width=terminal_width(), highlight=False)
    console.print(table)
    console.print(Text(f"store: {shown(str(folder))}", style="dim"), soft_wrap=True)


def fetch_in_words(card: DetectorCard, remote: Remote, *, kept_bytes: int) -> str:
    """What is about to be downloaded: title, licence, address and size, a line each."""
    size = bytes_in_words(remote.size_bytes) if remote.size_bytes is not None else "not known"
    kept = f", of which {bytes_in_words(kept_bytes)} are here" if kept_bytes else ""
    where = f" ({card.licence_url})" if card.licence_url else ""
    lines = (
        f"{card.name}: {card.title}",
        f"licence: {card.licence}{where}",
        f"from: {remote.url}",
        f"size: {size}{kept}",
        f"SHA-256: {remote.sha256}",
    )
    return "\n".join(shown(line) for line in lines)


def obtained_row(obtained: Obtained, status: str) -> dict[str, object]:
    """Weights that were fetched or added as a row of JSON.

    Args:
        obtained: The weights.
        status: "fetched", "added", or "present" where they were in the store before.

    Returns:
        `name`, `status`, `path`, `sha256`, `size_bytes`, `origin`, `checked` and `licence`.
    """
    record = obtained.record
    return {
        "name": obtained.card.name,
        "status": status,
        "path": str(obtained.path),
        "sha256": record.sha256,
        "size_bytes": record.size_bytes,
        "origin": record.origin,
        "checked": record.checked,
        "licence": obtained.card.licence,
    }


def obtained_in_words(obtained: Obtained, status: str) -> str:
    """The same in a line."""
    done = "in the store already" if status == "present" else status
    return shown(f"{obtained.card.name}: {done}, {bytes_in_words(obtained.record.size_bytes)}, {obtained.path}")


def _here_in_words(held: Holding) -> str:
    if held.state == "damaged":
        return f"damaged: {held.damage}; `repost weights fetch {held.card.name}` replaces it"
    if held.state == "absent":
        return f"{bytes_in_words(held.partial_bytes)} of it" if held.partial_bytes else NOTHING
    assert held.record is not None
    doubt = "" if held.record.checked else ", not checked"
    if held.published is None:
        return f"yes, the published checksum is not known{doubt}"
    return "yes" if held.published else f"another file than the published one, {held.record.origin}{doubt}"


def _published_bytes(card: DetectorCard) -> int | None:
    return next((source.size_bytes for source in card.sources if source.size_bytes is not None), None)
