"""Measure every photograph, and judge."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from repost import batch
from repost.core.errors import UsageError
from repost.core.files import write_atomic
from repost.stamp.evaluation import judge
from repost.stamp.evaluation.conditions import missing
from repost.stamp.evaluation.marker import Marker
from repost.stamp.evaluation.measure import (
    CALIBRATION,
    LAYOUT,
    NEGATIVE,
    ROLES,
    TEST,
    MeasurePhotos,
    Measures,
    items_of,
)
from repost.stamp.evaluation.quality import Quality, summarise
from repost.stamp.evaluation.results import Evaluation
from repost.stamp.evaluation.splits import Split

RESULT_NAME = "evaluation.json"


def evaluate(
    marker: Marker, split: Split, asked: Measures, *, out: Path, jobs: int = 1
) -> Generator[batch.Event | Evaluation, None, None]:
    """Evaluate a marker on saved 8-bit pictures.

    Every photograph is a row of `OUT/manifest.jsonl`, journalled when it is finished: a run that was interrupted goes
    on from there. Photographs are worked on one at a time in each process, so memory does not grow with their number.

    Args:
        marker: What is evaluated.
        split: The photographs.
        asked: What is measured.
        out: Folder of the rows and of `evaluation.json`.
        jobs: Worker processes.

    Yields:
        The batch's events; the `Evaluation` at the end, when it is written to `OUT/evaluation.json`: the same bytes
        for any number of workers, interrupted or not.

    Raises:
        UsageError: There are no test photographs at all.
        OutputUnwritable: The folder is full or read-only.
    """
    items = [item for part in ROLES for item in items_of(part, split.parts[part])]
    if not split.parts["positives"] and not split.parts["negatives"]:
        raise UsageError("got no photographs to test on, expected positives or negatives")
    work = MeasurePhotos(marker, asked)
    rows: list[Mapping[str, Any]] = []
    for event in batch.run(items, work, out=out, jobs=min(jobs, len(items))):
        if isinstance(event, batch.RowFinished):
            rows.append(event.row.manifest_row())
        yield event
    found = judge_rows(rows, marker, split, asked)
    text = json.dumps(found.to_dict(), indent=1, sort_keys=True, allow_nan=False)
    write_atomic(out / RESULT_NAME, f"{text}\n".encode())
    yield found


def judge_rows(rows: Sequence[Mapping[str, Any]], marker: Marker, split: Split, asked: Measures) -> Evaluation:
    """The evaluation, from what was measured.

    Args:
        rows: Of the batch, in any order.
        marker: As in `evaluate`.
        split: As in `evaluate`.
        asked: As in `evaluate`.
    """
    done: dict[str, list[tuple[str, Any]]] = {role: [] for roles in ROLES.values() for role in roles}
    failed: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: (str(row["photo"]), str(row["role"]))):
        if row["status"] == "done":
            done[row["role"]].append((str(row["photo"]), row["found"]))
        else:
            failed[f"{row['photo']} ({row['role']})"] = str(row["error"])
    test, negatives, calibration = ([found for _, found in done[role]] for role in (TEST, NEGATIVE, CALIBRATION))
    thresholds = judge.thresholds_of(marker.threshold, calibration)
    return Evaluation(
        marker=marker.name,
        identity=marker.identity,
        settings_digest=_digest(marker, split, asked),
        seed=asked.seed,
        photos=split.counts(),
        dropped=split.dropped_counts(),
        failed=failed,
        missing=missing(),
        thresholds=thresholds,
        conditions=tuple(judge.judge_conditions(asked.conditions, test, thresholds)),
        negatives=judge.judge_negatives(negatives, thresholds),
        keys=judge.check_keys(test, negatives),
        wrong_key=judge.judge_wrong_keys(test, thresholds[0]),
        quality=summarise([(photo, Quality(**found["quality"])) for photo, found in done[TEST]]),
        layout=judge.judge_layout(done[LAYOUT], thresholds[0]),
    )


def _digest(marker: Marker, split: Split, asked: Measures) -> str:
    work = MeasurePhotos(marker, asked)
    told = [split.digest(), *(work.settings(role) for roles in ROLES.values() for role in roles)]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()
