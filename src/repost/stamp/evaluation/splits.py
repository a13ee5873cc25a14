"""Which photographs serve what: parts that share no photograph, neither the same file nor a copy of it."""

from __future__ import annotations

import hashlib
import random
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from repost.core.errors import InputNotFound, MediaError, UsageError
from repost.core.files import digest_file
from repost.media.sniff import MEDIA_SUFFIXES
from repost.stamp.evaluation.duplicates import Fingerprint, fingerprint_of, near_duplicates

PartName: TypeAlias = Literal["training", "positives", "negatives", "calibration"]
PARTS: tuple[PartName, ...] = get_args(PartName)
"""In the order of precedence: of a photograph in two parts the later part loses it. Training comes first, so that
nothing a model has seen is tested on."""


class Selection(BaseModel):
    """Some photographs of a folder: its files sorted by path, shuffled where a seed is given, then cut.

    Attributes:
        folder: Relative to the place that is given with the plan.
        shuffle: Seed of `random.Random(seed).shuffle`; None keeps the order.
        start: Index of the first file.
        stop: Index after the last; None for all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    folder: str
    shuffle: int | None = None
    start: int = Field(default=0, ge=0)
    stop: int | None = Field(default=None, ge=0)


class Plan(BaseModel):
    """Where the photographs of each part come from.

    Attributes:
        training: What a model learned from; only there so that copies of it are kept out of the other parts.
        positives: Stamped, and scanned unstamped as well: test.
        negatives: Only scanned, for the false-positive rate: test.
        calibration: Sets the thresholds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    schema_version: Literal[1] = 1
    training: tuple[Selection, ...] = ()
    positives: tuple[Selection, ...] = ()
    negatives: tuple[Selection, ...] = ()
    calibration: tuple[Selection, ...] = ()


@dataclass(frozen=True, slots=True)
class Photo:
    """A photograph of a part.

    Attributes:
        id: Folder and name: "kodak/01.png".
        path: Where it is.
        sha256: Of the file.
    """

    id: str
    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """A photograph that was left out of a part.

    Attributes:
        part: The part that lost it.
        photo: Its id.
        reason: "unreadable", "same file", "same pixels" or "near duplicate".
        of: Part and id of the one it is a copy of; the error where it is unreadable.
    """

    part: PartName
    photo: str
    reason: str
    of: str


@dataclass(frozen=True, slots=True)
class Split:
    """Photographs by part, none in two of them.

    Attributes:
        parts: The photographs of each part.
        dropped: What was left out.
    """

    parts: Mapping[PartName, tuple[Photo, ...]]
    dropped: tuple[Dropped, ...]

    def counts(self) -> dict[str, int]:
        """How many photographs each part has."""
        return {name: len(self.parts[name]) for name in PARTS}

    def dropped_counts(self) -> dict[str, int]:
        """How many were left out, by "part: reason"."""
        return dict(sorted(Counter(f"{one.part}: {one.reason}" for one in self.dropped).items()))

    def digest(self) -> str:
        """SHA-256 of what is in which part."""
        lines = [f"{name} {photo.sha256}" for name in PARTS for photo in self.parts[name]]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def load_plan(path: Path) -> Plan:
    """Read a plan.

    Args:
        path: A TOML file: an array of tables for each part, such as `[[positives]]`, with the fields of `Selection`.

    Raises:
        InputNotFound: There is no such file.
        UsageError: It is not a plan.
    """
    if not path.is_file():
        raise InputNotFound(path)
    try:
        return Plan.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError) as error:
        raise UsageError(
            f"got '{path}', expected a plan of an evaluation; see docs/stamp_evaluation.md: {error}"
        ) from error


def plan_of_folders(folders: Mapping[PartName, Sequence[Path]]) -> Plan:
    """The plan that takes whole folders."""
    return Plan.model_validate(
        {part: tuple(Selection(folder=str(folder.absolute())) for folder in given) for part, given in folders.items()}
    )


def make_split(plan: Plan, root: Path, *, limit: int | None = None) -> Split:
    """Look the photographs up, and leave out what is in two parts.

    Every photograph is decoded once. The same file and the same pixels are found for certain, also within a part, where
    they would be counted twice. Copies that were resized or compressed are found between parts only: of one scene
    photographed twice both may stay.

    Args:
        plan: What serves what.
        root: Folder that the plan's folders are relative to.
        limit: At most so many photographs of each part, spread evenly over it; copies are looked for before.

    Raises:
        InputNotFound: A folder is not there.
        UsageError: A selection holds no photograph, or is a file.
    """
    found: dict[PartName, list[tuple[Photo, Fingerprint]]] = {}
    dropped: list[Dropped] = []
    seen: dict[str, str] = {}
    for part in PARTS:
        kept: list[tuple[Photo, Fingerprint]] = []
        for photo in _listed(getattr(plan, part), root):
            where = f"{part}/{photo.id}"
            if photo.sha256 in seen:
                dropped.append(Dropped(part, photo.id, "same file", seen[photo.sha256]))
                continue
            try:
                print_ = fingerprint_of(photo.path)
            except (MediaError, OSError) as error:
                dropped.append(Dropped(part, photo.id, "unreadable", str(error)))
                continue
            if print_.pixels_sha256 in seen:
                dropped.append(Dropped(part, photo.id, "same pixels", seen[print_.pixels_sha256]))
                continue
            seen[photo.sha256] = seen[print_.pixels_sha256] = where
            kept.append((photo, print_))
        found[part] = _without_near(part, kept, found, dropped)
    parts: dict[PartName, tuple[Photo, ...]] = {
        part: tuple(_spread([photo for photo, _ in found[part]], limit)) for part in PARTS
    }
    return Split(parts, tuple(dropped))


def _without_near(
    part: PartName,
    kept: list[tuple[Photo, Fingerprint]],
    earlier: Mapping[PartName, list[tuple[Photo, Fingerprint]]],
    dropped: list[Dropped],
) -> list[tuple[Photo, Fingerprint]]:
    """A part without copies of what earlier parts hold."""
    others = [(f"{name}/{photo.id}", print_) for name, entries in earlier.items() for photo, print_ in entries]
    copies = near_duplicates([print_ for _, print_ in kept], [print_ for _, print_ in others])
    dropped += [Dropped(part, kept[own][0].id, "near duplicate", others[other][0]) for own, other in copies.items()]
    return [entry for index, entry in enumerate(kept) if index not in copies]


def _listed(selections: Iterable[Selection], root: Path) -> Iterable[Photo]:
    for selection in selections:
        folder = root / selection.folder
        if folder.is_file():
            raise UsageError(f"got the file '{folder}', expected a folder of photographs")
        if not folder.is_dir():
            raise InputNotFound(folder)
        paths = sorted(
            path
            for path in folder.rglob("*")
            if path.suffix.lower() in MEDIA_SUFFIXES and path.is_file() and not path.name.startswith(".")
        )
        if selection.shuffle is not None:
            random.Random(selection.shuffle).shuffle(paths)
        chosen = paths[selection.start : selection.stop]
        if not chosen:
            raise UsageError(
                f"got none of the {len(paths)} photographs in '{folder}', expected at least one; "
                "name another folder, or choose others with start and stop"
            )
        for path in chosen:
            yield Photo(f"{folder.name}/{path.relative_to(folder).as_posix()}", path, digest_file(path))


def _spread(photos: Sequence[Photo], limit: int | None) -> Sequence[Photo]:
    if limit is None or limit >= len(photos):
        return photos
    return [photos[index * len(photos) // limit] for index in range(limit)]
