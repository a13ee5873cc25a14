"""From files to rows of scores: which platforms each file is scored on, and what the journal's rows say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from repost.batch import Found, Item
from repost.detectors.card import find_card
from repost.detectors.evaluation.evaluate import ScoredBy
from repost.detectors.evaluation.labels import LabelFile
from repost.detectors.evaluation.scores import ScoreRow
from repost.detectors.pieces import NO_FACE, oblong_in_words
from repost.detectors.score_files import CLEAN, ScoreFiles
from repost.platforms import Profile

_MOST_NAMED = 20


def items_of(found: Iterable[Found], profiles: Mapping[str, Profile], labels: LabelFile | None) -> list[Item]:
    """What to score: each file as it is and on every platform; what really came back from a network only as it is.

    Args:
        found: The files.
        profiles: The platforms.
        labels: Which say what came back; None where nothing did.
    """
    items: list[Item] = []
    for entry in found:
        name = labels.name_of(str(entry.path)) if labels else None
        came_back = labels is not None and name is not None and labels.labels[name].platform is not None
        items.append(Item(entry.id, entry.path, (CLEAN,) if came_back else (CLEAN, *profiles)))
    return items


def score_rows(row: Mapping[str, Any]) -> Iterator[ScoreRow]:
    """The scores of a file: one for each frame of a video, and one of an image.

    Args:
        row: Of the manifest of `ScoreFiles`; those passed over as no media give none, nor do frames without a face of
            a video that has faces in others.
    """
    if row["status"] == "skipped":
        return
    file, platform = row["file"], row["platform"] or None
    pieces: Sequence[Mapping[str, Any]] = row["judged"]
    if row["status"] == "failed":
        yield ScoreRow(file=file, platform=platform, error=row["error"])
        return
    for piece in pieces:
        score, error = piece["logit_fake"], piece["error"]
        if error != NO_FACE:
            yield ScoreRow(file=file, platform=platform, frame=piece["frame"], logit_fake=score, error=error)


def warnings_of(rows: Iterable[Mapping[str, Any]], work: ScoreFiles) -> ScoredBy:
    """Whose scores they are, and what a reader must know of how they were made.

    Args:
        rows: Of the manifest.
        work: That made them.
    """
    clean: list[tuple[str, Sequence[Mapping[str, Any]]]] = [
        (row["file"], row["judged"]) for row in rows if row["platform"] == CLEAN
    ]
    warnings = [*_of_crops(clean), *_of_misses(clean)]
    stills = sorted(name for name, profile in work.profiles.items() if not profile.rules_for("video"))
    if stills and any(piece["frame"] is not None for _, pieces in clean for piece in pieces):
        warnings.append(
            f"{', '.join(stills)}: no rules for videos are known; frames of videos were shared as photographs"
        )
    return ScoredBy(work.detector, work.weights_sha256, warnings, find_card(work.detector))


def _of_crops(clean: Iterable[tuple[str, Sequence[Mapping[str, Any]]]]) -> Iterator[str]:
    oblong = sum(any(piece["oblong"] for piece in pieces) for _, pieces in clean)
    if oblong:
        yield oblong_in_words(oblong)


def _of_misses(clean: Iterable[tuple[str, Sequence[Mapping[str, Any]]]]) -> Iterator[str]:
    """Frames without a face, of videos that have faces in others."""
    with_faces = [(file, pieces) for file, pieces in clean if any(piece["error"] is None for piece in pieces)]
    counts = {file: sum(piece["error"] == NO_FACE for piece in pieces) for file, pieces in with_faces}
    missed = {file: count for file, count in counts.items() if count}
    if missed:
        named = ", ".join(f"{file} ({count})" for file, count in [*missed.items()][:_MOST_NAMED])
        more = f" and {len(missed) - _MOST_NAMED} more" if len(missed) > _MOST_NAMED else ""
        yield f"no face was found in some frames of these videos: {named}{more}"
