"""What a detector says of files and folders; answers come in listing order."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from repost import batch
from repost.detectors.calibration import Calibration, Verdict, opinion
from repost.detectors.pieces import NO_FACE
from repost.detectors.score_files import CLEAN, ScoreFiles, workers_that_pay
from repost.faces.face import Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was said of a file, or of one frame.

    Attributes:
        file: The file, as it was named, or below the folder that was named.
        frame: Which frame of a video, counted from 0; None of a file as a whole.
        frames: Of a video as a whole, in how many frames a face was judged; None otherwise.
        missed: Of a video as a whole, in how many frames that were looked at no face was found; None otherwise.
        box: What was cut out: left, top, right, bottom in pixels; None of a picture as it is and of a whole video.
        logit_fake: log P(fake) / P(real); of a video the mean over its frames.
        p_fake: P(fake); without a calibration the plain sigmoid of the logit.
        verdict: "fake", "real" or "unsure"; None without a calibration.
        error: Why there is no score, or None; of a whole video also why frames could not be decoded, when others were
            judged.
        oblong: It was taken for a face crop, and hardly is one.
    """

    file: str
    frame: int | None = None
    frames: int | None = None
    missed: int | None = None
    box: Box | None = None
    logit_fake: float | None = None
    p_fake: float | None = None
    verdict: Verdict | None = None
    error: str | None = None
    oblong: bool = False

    def to_row(self) -> dict[str, object]:
        """As JSON values."""
        row = asdict(self)
        del row["oblong"]
        return row


@dataclass(frozen=True, slots=True)
class FileJudged:
    """What was said of a file.

    Attributes:
        whole: Of all of it.
        frames: Of each frame of a video that was looked at; empty of an image.
    """

    whole: Judged
    frames: tuple[Judged, ...] = ()


def detect_files(
    sources: Sequence[Path],
    work: ScoreFiles,
    *,
    jobs: int = 0,
    calibration: Calibration | None = None,
    advance: batch.Advance | None = None,
) -> Generator[FileJudged | None, None, None]:
    """Judge every image and video.

    Args:
        sources: Files and folders; these are walked with what lies below them, as `batch.list_inputs` does.
        work: The detector, and how faces are got; which files were named is filled in.
        jobs: Worker processes; with 1 there is none; as many as pay when 0.
        calibration: Of the detector, for probabilities and verdicts.
        advance: Told how many files are judged, and how many there are.

    Yields:
        What is said of each file as soon as it and all before it are known: in the order of `sources`, those of a
        folder sorted. None for a file of a folder that is no media and does not claim to be.

    Raises:
        InputNotFound: A source does not exist.
        UsageError: There is no file in them.
    """
    with tempfile.TemporaryDirectory(prefix="repost-") as scratch:
        out = Path(scratch)
        found = batch.in_order_of(sources, batch.list_inputs(sources, out))
        items = [batch.Item(entry.id, entry.path, (CLEAN,)) for entry in found]
        crew = jobs or workers_that_pay(found, at_most=os.cpu_count() or 1)
        events = batch.run(items, work.for_inputs(found, jobs=crew), out=out, jobs=min(crew, len(items)))
        with closing(events):
            for row in batch.rows_in_order(items, events, advance):
                yield None if row.status == "skipped" else judged_file(row.fields, row.error, calibration)


def judged_file(fields: Mapping[str, Any], error: str | None, calibration: Calibration | None) -> FileJudged:
    """What a row of `ScoreFiles` says.

    Args:
        fields: Of the row.
        error: Of the row.
        calibration: Of the detector.
    """
    file, pieces = fields["file"], fields["judged"]
    if not pieces or pieces[0]["frame"] is None:
        piece: Mapping[str, Any] = pieces[0] if pieces else {"logit_fake": None, "error": None}
        return FileJudged(_judged(file, {**piece, "error": error or piece["error"]}, calibration))
    frames = tuple(_judged(file, piece, calibration) for piece in pieces)
    missed = sum(one.error == NO_FACE for one in frames)
    broken = next((one.error for one in frames if one.error not in (None, NO_FACE)), None)
    logit = fields["logit_fake"]
    said = None if logit is None else opinion(logit, "video", calibration)
    whole = Judged(
        file=file,
        frames=sum(one.logit_fake is not None for one in frames),
        missed=missed,
        logit_fake=logit,
        p_fake=said and said.p_fake,
        verdict=said and said.verdict,
        error=error or broken,
        oblong=any(one.oblong for one in frames),
    )
    return FileJudged(whole, frames)


def _judged(file: str, piece: Mapping[str, Any], calibration: Calibration | None) -> Judged:
    logit, box = piece["logit_fake"], piece.get("box")
    said = None if logit is None else opinion(logit, "frame", calibration)
    return Judged(
        file=file,
        frame=piece.get("frame"),
        box=None if box is None else Box(*box),
        logit_fake=logit,
        p_fake=said and said.p_fake,
        verdict=said and said.verdict,
        error=piece["error"],
        oblong=piece.get("oblong", False),
    )
