"""Where weights lie on this machine: one folder for each detector, with the file and a record of where it came from."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from repost.core.errors import InvalidWeights, OutputUnwritable, WeightsNotFound
from repost.core.files import digest_file, size_of, write_atomic
from repost.core.lock import hold_lock
from repost.detectors.card import DetectorCard

FOLDER_VARIABLE = "REPOST_WEIGHTS"
_RECORD = "weights.json"
_PART = ".weights.part"
_LOCK = ".lock"


class WeightsRecord(BaseModel):
    """Where a stored file came from.

    Attributes:
        schema_version: Of this format.
        sha256: Of the file.
        size_bytes: Of the file.
        origin: The address it was fetched from, or the name of the file that was added.
        checked: Whether it is a file its card knows, or was loaded into the detector's network when it was added.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    schema_version: Literal[1] = 1
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size_bytes: int = Field(ge=0)
    origin: str
    checked: bool


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one detector's weights.

    Attributes:
        folder: Its folder in the store.
        path: The weights, once they are whole and sound.
        part: Where they are put together.
    """

    folder: Path
    path: Path
    part: Path


@dataclass(frozen=True, slots=True)
class Holding:
    """What the store holds of a detector's weights.

    Attributes:
        card: The detector.
        state: "present" (the checksum holds), "damaged" or "absent".
        path: Where the file is, or would be.
        record: Where it came from; None where it is absent, or the record itself is damaged.
        damage: What is wrong with it; None unless damaged.
        partial_bytes: What an unfinished download left.
    """

    card: DetectorCard
    state: Literal["present", "damaged", "absent"]
    path: Path
    record: WeightsRecord | None
    damage: str | None
    partial_bytes: int

    @property
    def published(self) -> bool | None:
        """Whether it is a file the card knows by its checksum; None where it is not present or the card knows none."""
        known = known_checksums(self.card)
        if self.state != "present" or self.record is None or not known:
            return None
        return self.record.sha256 in known


def weights_folder() -> Path:
    """The store: $REPOST_WEIGHTS, or repost/weights in the user's folder for caches."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named).expanduser()
    usual = "~/Library/Caches" if sys.platform == "darwin" else "~/.cache"
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or usual
    return Path(base).expanduser() / "repost" / "weights"


def find_weights(card: DetectorCard) -> Path:
    """The stored weights of a detector, their checksum verified.

    Args:
        card: The detector.

    Returns:
        The file.

    Raises:
        WeightsNotFound: They were not fetched or added yet.
        InvalidWeights: The file is damaged.
    """
    held = examine(card)
    if held.state == "absent":
        raise WeightsNotFound(card.name)
    if held.damage is not None:
        whole = f"SHA-256 {held.record.sha256}" if held.record else "a file with its record"
        remedy = f"{whole}; `repost weights fetch {card.name}` replaces it"
        raise InvalidWeights(held.path, reason=held.damage, expected=remedy)
    return held.path


def examine(card: DetectorCard) -> Holding:
    """What the store holds of a detector's weights; the file is read to verify its checksum.

    Args:
        card: The detector.

    Returns:
        The state, with what is wrong where it is damaged.
    """
    place = place_of(card)
    partial_bytes = size_of(place.part)
    if not os.path.lexists(place.path):
        return Holding(card, "absent", place.path, None, None, partial_bytes)
    record, damage = _read_record(place), None
    if record is None:
        damage = f"got no sound {_RECORD} beside it"
    else:
        try:
            got = digest_file(place.path)
            damage = None if got == record.sha256 else f"got a file with SHA-256 {got}"
        except OSError as error:
            damage = f"it cannot be read ({error.strerror or error})"
    return Holding(card, "damaged" if damage else "present", place.path, record, damage, partial_bytes)


def known_checksums(card: DetectorCard) -> frozenset[str]:
    """The SHA-256 of every file that is published as this detector's weights, as far as they are known."""
    return frozenset(source.sha256 for source in card.sources if source.sha256)


def place_of(card: DetectorCard) -> Place:
    """Where a detector's weights lie; no name from outside is part of any path, only that of a card."""
    folder = weights_folder() / card.name
    suffix = "h5" if card.format == "keras" else "pt"
    return Place(folder, folder / f"{card.name}.{suffix}", folder / _PART)


@contextlib.contextmanager
def changing(card: DetectorCard) -> Generator[Place, None, None]:
    """Keep other processes from changing a detector's weights; the folder is made where needed.

    Args:
        card: The detector.

    Yields:
        Where its weights lie.

    Raises:
        OutputBusy: Another process is at it.
        OutputUnwritable: The folder cannot be made or written to.
    """
    place = place_of(card)
    with hold_lock(place.folder / _LOCK, out=place.folder):
        yield place


def install(place: Place, record: WeightsRecord) -> None:
    """Make a finished part the stored weights; call it inside `changing`.

    Args:
        place: Where the part is, whole and verified.
        record: What to remember of it.

    Raises:
        OutputUnwritable: It cannot be written; the part is kept.
    """
    try:
        # The record first: killed in between, the part is still here, and the next fetch finds it whole.
        write_atomic(place.folder / _RECORD, record.model_dump_json(indent=2).encode() + b"\n")
        place.part.replace(place.path)
    except OSError as error:
        raise OutputUnwritable(place.path, reason=error.strerror or str(error), resumes=True) from error


def _read_record(place: Place) -> WeightsRecord | None:
    try:
        return WeightsRecord.model_validate_json((place.folder / _RECORD).read_bytes())
    except (OSError, ValidationError):
        return None
