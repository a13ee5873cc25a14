"""What a file is: real or fake, of which data set, by which method, of which video. From a file of labels."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from repost.core.errors import InputNotFound, InvalidLabels
from repost.platforms.faults import faults_of

REAL, FAKE = "real", "fake"
_PAIR = re.compile(r"(\d+)_(\d+)")
Key = tuple[str, str, str]
"""Data set, method, id of the video: two methods with a clip of the same name are two videos."""


@dataclass(frozen=True, slots=True)
class Label:
    """What is known of a file.

    Attributes:
        fake: Whether it was manipulated.
        dataset: Such as "FaceForensics++ c23"; "" where there is one only.
        method: How it was made, such as "Deepfakes"; of real ones where they come from.
        id: Of the video, such as "519_515"; an image that is no frame has one of its own.
        split: Such as "test"; None where none is stated.
        platform: The network that the file really came back from; None of a file as it was.
    """

    fake: bool
    dataset: str
    method: str
    id: str
    split: str | None = None
    platform: str | None = None

    @property
    def key(self) -> Key:
        """What tells videos apart."""
        return self.dataset, self.method, self.id

    @property
    def people(self) -> frozenset[str]:
        """The clips whose faces it shows: of FaceForensics++'s `<target>_<source>` both, or else its own id."""
        pair = _PAIR.fullmatch(self.id)
        return frozenset(pair.groups()) if pair else frozenset({self.id})


class LabelRow(BaseModel):
    """One row of a file of labels.

    Attributes:
        file: As it is called in the scores, or the end of that path by whole names.
        label: "real" or "fake".
        dataset: As in `Label`.
        method: As in `Label`; the label itself when left out.
        id: As in `Label`; the file without its extension when left out.
        split: As in `Label`.
        platform: As in `Label`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    file: str = Field(min_length=1)
    label: str
    dataset: str = ""
    method: str | None = None
    id: str | None = None
    split: str | None = None
    platform: str | None = None

    def to_label(self) -> Label:
        """The label, with what is left out filled in."""
        word = self.label.strip().lower()
        own = str(PurePath(self.file).with_suffix(""))
        return Label(
            fake=word == FAKE,
            dataset=self.dataset.strip(),
            method=(self.method or "").strip() or word,
            id=(self.id or "").strip() or own,
            split=(self.split or "").strip() or None,
            platform=(self.platform or "").strip().lower() or None,
        )


@dataclass(frozen=True, slots=True)
class LabelFile:
    """The labels of a file.

    Attributes:
        labels: By file, as it is called there.
    """

    labels: Mapping[str, Label]
    _by_end: Mapping[tuple[str, ...], str] = field(repr=False)

    def name_of(self, file: str) -> str | None:
        """What a file is called among the labels: its whole path, or the longest end of it that is labelled.

        Args:
            file: As it is called in the scores.
        """
        parts = _parts(file)
        return next((self._by_end[parts[at:]] for at in range(len(parts)) if parts[at:] in self._by_end), None)


def read_labels(path: Path) -> LabelFile:
    """Read a file of labels.

    Args:
        path: CSV with a header, or (`.json`) a list of objects; the fields of `LabelRow`.

    Raises:
        InputNotFound: There is no such file.
        InvalidLabels: It is empty or no such file, a label is neither "real" nor "fake", or a file or a video is
            labelled twice differently. Every fault is named.
    """
    if not path.is_file():
        raise InputNotFound(path)
    faults: list[tuple[str, str]] = []
    found: dict[str, list[tuple[str, Label]]] = defaultdict(list)
    for place, row in _valid(_raw_rows(path), faults):
        found[row.file].append((place, row.to_label()))
    if not found and not faults:
        faults.append(("", "got no rows, expected one for each file"))
    faults += clashes(found)
    labels = {file: told[0][1] for file, told in found.items()}
    faults += video_clashes(labels)
    if faults:
        raise InvalidLabels(str(path), faults)
    return LabelFile(labels, {_parts(file): file for file in labels})


def clashes(found: Mapping[str, Sequence[tuple[str, Label]]]) -> Iterator[tuple[str, str]]:
    """Files that are labelled twice differently, as (file, what is wrong).

    Args:
        found: By file, where it is labelled and how.
    """
    for file, told in found.items():
        if len({label for _, label in told}) > 1:
            yield file, "labelled differently: " + ", ".join(f"{_in_words(label)} in {place}" for place, label in told)


def video_clashes(labels: Mapping[str, Label]) -> Iterator[tuple[str, str]]:
    """Videos of which some files are real and some fake, as (video, what is wrong)."""
    kinds: dict[Key, dict[bool, str]] = defaultdict(dict)
    for file, label in labels.items():
        kinds[label.key].setdefault(label.fake, file)
    for key, by_kind in kinds.items():
        if len(by_kind) > 1:
            yield " / ".join(filter(None, key)), f"one video, real by '{by_kind[False]}' and fake by '{by_kind[True]}'"


def _in_words(label: Label) -> str:
    more = [label.method, label.id, label.dataset, label.split, label.platform]
    return f"{FAKE if label.fake else REAL} ({', '.join(filter(None, more))})"


def _parts(file: str) -> tuple[str, ...]:
    return tuple(part for part in PurePath(file.replace("\\", "/")).parts if part != "/")


def _raw_rows(path: Path) -> Iterator[tuple[str, object]]:
    """Rows as they stand, each with where it stands."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() != ".json":
            reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
            for row in reader:
                yield f"line {reader.line_num}", {_column(name): value for name, value in row.items() if value}
            return
        rows = json.loads(text)
    except (ValueError, csv.Error, RecursionError) as error:  # of JSON also whole numbers of many digits
        raise InvalidLabels(str(path), [("", f"it cannot be read: {error}")]) from error
    if not isinstance(rows, list):
        raise InvalidLabels(str(path), [("", f"got a JSON {type(rows).__name__}, expected a list of objects")])
    for number, row in enumerate(rows, 1):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        yield f"row {number}", row


def _column(name: str | None) -> str:
    return "more values than the header has names" if name is None else name.strip().lower()


def _valid(rows: Iterable[tuple[str, object]], faults: list[tuple[str, str]]) -> Iterator[tuple[str, LabelRow]]:
    for place, raw in rows:
        if not isinstance(raw, dict):
            faults.append((place, f"got {raw!r:.80}, expected an object with `file` and `label`"))
            continue
        parsed = cast("dict[str, Any]", raw)
        try:
            row = LabelRow.model_validate(parsed)
        except ValidationError as error:
            told = faults_of(error, parsed, model=LabelRow)
            faults += [(place, f"{name}: {message}" if name else message) for name, message in told]
            continue
        if row.label.strip().lower() in (REAL, FAKE):
            yield place, row
            continue
        faults.append((place, f"got the label '{row.label}' for '{row.file}', expected real or fake{_numbers(row)}"))


def _numbers(row: LabelRow) -> str:
    if not row.label.strip().isdecimal():
        return ""
    return "; what 0 and 1 mean differs from data set to data set"
