"""Bring weights into the store: from where they were published, or from a file that is here already."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from repost.core.errors import (
    DownloadFailed,
    InputNotFound,
    InvalidWeights,
    MissingExtra,
    OutputUnwritable,
    UsageError,
    WeightsNotFound,
)
from repost.core.extras import require
from repost.core.files import digest_file, size_of
from repost.detectors.card import DetectorCard, card_names, find_card, list_cards
from repost.detectors.download import MOST_BYTES, DownloadEvent, Patience, Remote, discard, download
from repost.detectors.store import (
    Holding,
    Place,
    WeightsRecord,
    changing,
    examine,
    install,
    known_checksums,
)

_SHA256 = re.compile(r"[0-9a-f]{64}")
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Starting:
    """A download begins; what is known of it is shown before the first byte.

    Attributes:
        card: The detector, with its licence.
        remote: The file.
        kept_bytes: What an earlier run left of it.
    """

    card: DetectorCard
    remote: Remote
    kept_bytes: int


@dataclass(frozen=True, slots=True)
class PassedOver:
    """One of several addresses did not give the file; the next one is tried.

    Attributes:
        reason: Why, with the address.
    """

    reason: str


FetchEvent = Starting | PassedOver | DownloadEvent


@dataclass(frozen=True, slots=True)
class Obtained:
    """Weights that are in the store now.

    Attributes:
        card: The detector.
        path: The file.
        record: Where it came from.
        was_here: Whether it was in the store before, so that nothing was done.
    """

    card: DetectorCard
    path: Path
    record: WeightsRecord
    was_here: bool


def fetch_weights(
    card: DetectorCard,
    *,
    sha256: str | None = None,
    patience: Patience | None = None,
    listen: Callable[[FetchEvent], None] = lambda _: None,
) -> Obtained:
    """Download a detector's weights from where they were published, unless they are in the store.

    Args:
        card: The detector.
        sha256: What the file must have; needed, and only then of use, where the card does not know it.
        patience: How long to wait for servers; None waits as long as `Patience` says.
        listen: Called with what happens, first with `Starting`.

    Returns:
        The stored weights.

    Raises:
        WeightsNotFound: It is the card of an architecture.
        UsageError: No address or no checksum is known, or the store holds other weights of this name.
        DownloadFailed: They cannot be had; what is here of the file is kept for the next call.
        InvalidWeights: What the address gives is not the file that was published.
        OutputBusy: Another process is fetching them.
        OutputUnwritable: The store cannot be written.
    """
    held = examine(card)
    if sha256 is None and held.state == "present" and held.published is not False:
        return _as_it_is(held, None)  # without a lock, so that a store that cannot be written serves too
    remotes = _remotes(card, sha256)
    with changing(card) as place:
        held = examine(card)
        if held.state == "present":
            return _as_it_is(held, [remote.sha256 for remote in remotes])
        remote = _first_to_be_had(card, remotes, place, patience or Patience(), listen)
        try:
            checked = _fits(card, place.part, remote.sha256)
        except InvalidWeights:
            discard(place.part)
            raise
        record = WeightsRecord(sha256=remote.sha256, size_bytes=size_of(place.part), origin=remote.url, checked=checked)
        install(place, record)
    return Obtained(card, place.path, record, was_here=False)


def add_weights(file: Path, *, name: str | None = None) -> Obtained:
    """Put a file of weights into the store, without a network.

    Args:
        file: Read, and left where it is. Published files are recognised by their SHA-256.
        name: The detector whose weights these are, for a file that no card knows. It is then loaded, tensors only, to
            see that it fits the network, where the extra `detectors` is installed.

    Returns:
        The stored weights.

    Raises:
        InputNotFound: There is no such file.
        UsageError: It is not known and was given no name, or is known by another; or the store holds other weights.
        DetectorNotFound: There is no detector of that name.
        InvalidWeights: It is not of the detector's network, damaged, too large, or holds more than tensors.
        OutputBusy: Another process is changing these weights.
        OutputUnwritable: The store cannot be written.
    """
    digest = _digest(file)
    card = _whose(file, digest, name)
    checked = _fits(card, file, digest)
    record = WeightsRecord(sha256=digest, size_bytes=size_of(file), origin=file.name, checked=checked)
    with changing(card) as place:
        held = examine(card)
        if held.state == "present":
            return _as_it_is(held, [digest])
        discard(place.part)
        _copy(file, place.part)
        if digest_file(place.part) != digest:
            discard(place.part)
            raise InvalidWeights(file, reason="it changed while it was copied", expected=f"SHA-256 {digest}")
        install(place, record)
    return Obtained(card, place.path, record, was_here=False)


def _remotes(card: DetectorCard, sha256: str | None) -> list[Remote]:
    """Where the weights can be had, with the checksum each file must have."""
    elsewhere = f"get the file yourself, then `repost weights add FILE --as {card.name}`"
    if card.name not in card_names():
        raise WeightsNotFound(card.name, detectors=_detectors_of(card))
    files = [source for source in card.sources if source.member is None]
    if not files:
        found = [f"they lie in the archive {source.url} as {source.member}" for source in card.sources]
        where = found[0] if found else "no address of theirs is known"
        raise UsageError(f"the weights of {card.name} cannot be fetched: {where}; {elsewhere}")
    given = sha256.strip().lower() if sha256 is not None else None
    if given is not None and not _SHA256.fullmatch(given):
        raise UsageError(f"got {sha256!r} as SHA-256, expected 64 hexadecimal digits")
    known = {one.sha256 for one in files if one.sha256}
    if given is not None and known and given not in known:
        raise UsageError(f"got SHA-256 {given}, but the weights of {card.name} have {' or '.join(sorted(known))}")
    if given is not None:
        return [Remote(one.url, given, one.size_bytes) for one in files if one.sha256 in (None, given)]
    remotes = [Remote(one.url, one.sha256, one.size_bytes) for one in files if one.sha256]
    if not remotes:
        raise UsageError(
            f"nobody can tell whether what {files[0].url} gives is what was published, as its SHA-256 is not known; "
            f"give one from a source you trust with --sha256, or {elsewhere}"
        )
    return remotes


def _first_to_be_had(
    card: DetectorCard,
    remotes: list[Remote],
    place: Place,
    patience: Patience,
    listen: Callable[[FetchEvent], None],
) -> Remote:
    for remote in remotes:
        listen(Starting(card, remote, size_of(place.part)))
        try:
            download(remote, place.part, patience=patience, listen=listen)
        except (DownloadFailed, InvalidWeights) as error:
            if remote is remotes[-1]:
                raise
            listen(PassedOver(str(error)))
        else:
            return remote
    raise AssertionError("there is at least one address")


def _as_it_is(held: Holding, wanted: list[str] | None) -> Obtained:
    """What the store holds already; nothing sound is ever replaced."""
    assert held.record is not None
    if wanted is not None and held.record.sha256 not in wanted:
        raise UsageError(
            f"the store holds other weights of {held.card.name}, with SHA-256 {held.record.sha256} from "
            f"{held.record.origin}; remove '{held.path.parent}' to replace them"
        )
    return Obtained(held.card, held.path, held.record, was_here=True)


def _digest(file: Path) -> str:
    if not os.path.isfile(file):  # noqa: PTH113 - never raises
        raise InputNotFound(file)
    try:
        size_bytes = file.stat().st_size
        if size_bytes > MOST_BYTES:
            raise InvalidWeights(file, reason=f"got {size_bytes:,} bytes", expected=f"at most {MOST_BYTES:,}")
        return digest_file(file)
    except OSError as error:
        reason = f"it cannot be read ({error.strerror or error})"
        raise InvalidWeights(file, reason=reason, expected="a file that may be read") from error


def _whose(file: Path, digest: str, name: str | None) -> DetectorCard:
    """The detector a file is of: by its checksum, else as it is called."""
    known = [card for card in list_cards() if digest in known_checksums(card)]
    if name is None:
        if known:
            return known[0]
        raise UsageError(
            f"no card knows '{file}' (SHA-256 {digest}); say whose weights these are with --as NAME, one of "
            f"{', '.join(card_names())}"
        )
    card = find_card(name)
    if card.name not in card_names():
        raise UsageError(
            f"'{name}' is an architecture; expected a detector, such as {', '.join(_detectors_of(card))}; weights of "
            "your own need not be added: name their file where you use them"
        )
    if known and card not in known:
        raise UsageError(f"'{file}' is the weights of {known[0].name}, as its SHA-256 says, and not of {card.name}")
    return card


def _detectors_of(architecture: DetectorCard) -> list[str]:
    return [card.name for card in list_cards() if card.network == architecture.network]


def _fits(card: DetectorCard, file: Path, digest: str) -> bool:
    """Whether weights are of the detector's network, by its card or by loading; False where that is not installed."""
    if digest in known_checksums(card):
        return True
    try:
        require("torch", extra="detectors")
        from repost.detectors import load

        load(card.name, weights=file)
    except MissingExtra:
        return False
    return True


def _copy(file: Path, part: Path) -> None:
    with file.open("rb") as source:
        try:
            with part.open("wb") as target:
                while piece := source.read(_PIECE_BYTES):
                    target.write(piece)
        except OSError as error:
            discard(part)
            raise OutputUnwritable(part, reason=error.strerror or str(error)) from error
