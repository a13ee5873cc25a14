"""Scores of frames: read from rows, and joined with their labels."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError

from repost.core.errors import InputNotFound, InvalidLabels, UsageError
from repost.detectors.evaluation.labels import Label, LabelFile, video_clashes
from repost.detectors.evaluation.layout import label_by_place

Route = Literal["clean", "emulated", "shared"]
_LEAST_P = 2.0**-53
"""Probabilities are kept this far from 0 and 1, which others' rows hold where their sigmoid was rounded."""


def _text(value: object) -> str:
    """Any string: names that are not UTF-8 hold lone surrogates, which pydantic's own strings may not."""
    if not isinstance(value, str):
        raise ValueError(f"got {value!r:.40}, expected text")
    return value


_Text = Annotated[str, PlainValidator(_text)]


class ScoreRow(BaseModel):
    """One row of scores, as `repost detect --json` prints it. What else it holds is passed over.

    Attributes:
        file: The file.
        frame: Which frame of a video; None of an image, and of a video as a whole.
        frames: Of a video as a whole, how many frames were judged; None otherwise.
        logit_fake: log P(fake) / P(real).
        p_fake: P(fake), for rows without a logit.
        platform: The network whose emulation was judged; None of the file as it is.
        error: Why there is no score.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    file: Annotated[_Text, Field(min_length=1)]
    frame: int | None = None
    frames: int | None = None
    logit_fake: float | None = None
    p_fake: float | None = Field(default=None, ge=0, le=1)
    platform: str | None = None
    error: _Text | None = None

    @property
    def score(self) -> float | None:
        """The logit; None where there is no finite one."""
        if self.logit_fake is not None:
            return self.logit_fake if math.isfinite(self.logit_fake) else None
        if self.p_fake is None or math.isnan(self.p_fake):
            return None
        p_fake = min(max(self.p_fake, _LEAST_P), 1 - _LEAST_P)
        return math.log(p_fake) - math.log1p(-p_fake)


@dataclass(frozen=True, slots=True)
class Scored:
    """A score with its label.

    Attributes:
        label: What the file is.
        logit_fake: The score.
        platform: The network; "" of a file as it was.
        route: Whether it is as it was, came from an emulation, or really came from the network.
    """

    label: Label
    logit_fake: float
    platform: str = ""
    route: Route = "clean"


@dataclass(frozen=True, slots=True)
class Joined:
    """Scores and labels brought together.

    Attributes:
        scored: What can be measured.
        failed: Why there is no score, by file, frame and platform in words.
        unlabelled: Files with a score and no label.
        unscored: Files with a label and no row.
    """

    scored: tuple[Scored, ...]
    failed: Mapping[str, str]
    unlabelled: tuple[str, ...]
    unscored: tuple[str, ...]


def read_scores(path: Path) -> list[ScoreRow]:
    """Read rows of scores.

    Args:
        path: One JSON object a line.

    Raises:
        InputNotFound: There is no such file.
        UsageError: A line is none, or there are none.
    """
    if not path.is_file():
        raise InputNotFound(path)
    rows: list[ScoreRow] = []
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8-sig").split("\n"), 1):
            if line.strip():
                rows.append(_row(line, f"'{path}' line {number}"))
    except UnicodeDecodeError as error:
        raise UsageError(f"got '{path}', expected text: one JSON object a line: {error}") from error
    if not rows:
        raise UsageError(f"got no rows in '{path}', expected one a line, as `repost detect --json` prints them")
    return rows


def _row(line: str, place: str) -> ScoreRow:
    try:
        return ScoreRow.model_validate(json.loads(line))
    except ValidationError as error:
        reason = "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'row'}: {fault['msg']}" for fault in error.errors())
    except (ValueError, RecursionError) as error:
        reason = str(error)
    raise UsageError(f"{place} is no row of scores: {reason}; expected a JSON object with `file` and `logit_fake`")


def join(rows: Iterable[ScoreRow], labels: LabelFile | None) -> Joined:
    """Bring scores and labels together.

    Args:
        rows: Of frames, images or whole videos. Of a video that has rows of frames its whole is passed over.
        labels: By file; where None they follow from where files lie.

    Raises:
        InvalidLabels: One label fits several files, or some files of a video are real and some fake.
    """
    kept, known = list(_without_wholes(list(rows))), dict[str, Label | None]()
    names: dict[str, list[str]] = defaultdict(list)
    for file in dict.fromkeys(row.file for row in kept):
        known[file] = label_by_place(file) if labels is None else None
        if labels is not None and (name := labels.name_of(file)) is not None:
            names[name].append(file)
            known[file] = labels.labels[name]
    _refuse_clashes(names, {file: label for file, label in known.items() if label is not None})
    scored: list[Scored] = []
    failed: dict[str, str] = {}
    for row in kept:
        label, score = known[row.file], row.score
        fault = _fault(row, score, label)
        if fault is not None:
            failed[_place(row)] = fault
        elif label is not None and score is not None:
            scored.append(_scored(label, score, row.platform))
    unlabelled = tuple(file for file, label in known.items() if label is None)
    unscored = tuple(name for name in (labels.labels if labels else ()) if name not in names)
    return Joined(tuple(scored), failed, unlabelled, unscored)


def choose(scored: Iterable[Scored], chosen: Callable[[Label], bool]) -> tuple[Scored, ...]:
    """Those whose label belongs to a split."""
    return tuple(one for one in scored if chosen(one.label))


def _scored(label: Label, score: float, emulated: str | None) -> Scored:
    if label.platform is not None:
        return Scored(label, score, label.platform, "shared")
    return Scored(label, score, emulated or "", "emulated" if emulated else "clean")


def _fault(row: ScoreRow, score: float | None, label: Label | None) -> str | None:
    if row.error is not None:
        return row.error
    if score is None:
        return f"got the score {row.logit_fake if row.logit_fake is not None else row.p_fake}, expected a finite number"
    if label is not None and label.platform is not None and row.platform is not None:
        return f"labelled as shared on {label.platform}, and shared again by an emulation of {row.platform}"
    return None


def _place(row: ScoreRow) -> str:
    frame = "" if row.frame is None else f" frame {row.frame}"
    return f"{row.file}{frame}{f' on {row.platform}' if row.platform else ''}"


def _without_wholes(rows: list[ScoreRow]) -> Iterator[ScoreRow]:
    """Rows without those of whole videos whose frames have rows."""
    in_frames = {(row.file, row.platform) for row in rows if row.frame is not None}
    return (row for row in rows if row.frame is not None or (row.file, row.platform) not in in_frames)


def _refuse_clashes(names: Mapping[str, list[str]], labels: Mapping[str, Label]) -> None:
    faults = [
        (name, f"one label for {len(files)} files: {', '.join(files)}; name more of their paths")
        for name, files in names.items()
        if len(files) > 1
    ]
    faults += video_clashes(labels)
    if faults:
        raise InvalidLabels("these scores", faults)
