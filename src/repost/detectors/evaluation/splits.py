"""Which videos are measured and which set thresholds: by name, by a published list of pairs, or by share."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

from pydantic import RootModel, ValidationError

from repost.core.errors import InputNotFound, UsageError
from repost.core.seeding import derive_random
from repost.detectors.evaluation.labels import Label

Chosen: TypeAlias = Callable[[Label], bool]
"""Whether a video belongs to a split."""


class _Pairs(RootModel[list[tuple[str, str]]]):
    """A split of FaceForensics++: clips that were manipulated with each other."""


def check_share(share: float) -> None:
    """Refuse a share that is none.

    Raises:
        UsageError: It is not above 0 and below 1.
    """
    if not 0 < share < 1:
        raise UsageError(f"got a share of {share:g} for calibration, expected more than 0 and less than 1")


def choose_split(name: str, labels: Iterable[Label]) -> Chosen:
    """What belongs to a split.

    Args:
        name: A file of FaceForensics++ such as `splits/test.json`, which lists pairs of clips; or what labels say in
            their column `split`.
        labels: All there are, which know the names.

    Raises:
        InputNotFound: It ends with ".json" and is not there.
        UsageError: It is no list of pairs, or no label has a split of that name.
    """
    if name.endswith(".json"):
        return _of_pairs(Path(name))
    names = sorted({label.split for label in labels if label.split is not None})
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        meant = f"; did you mean '{near[0]}'?" if near else ""
        known = f"one of {', '.join(names)}" if names else "labels with a column `split`, or a file such as test.json"
        raise UsageError(f"got the split '{name}', expected {known}{meant}")
    return lambda label: label.split == name


def _of_pairs(path: Path) -> Chosen:
    if not path.is_file():
        raise InputNotFound(path)
    try:
        pairs = _Pairs.model_validate_json(path.read_bytes()).root
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, ("row", *fault["loc"]))) if fault["loc"] else "file"
        raise UsageError(
            f'got \'{path}\', expected a list of pairs of clips such as [["071", "054"], ...]; {where}: {fault["msg"]}'
        ) from error
    both_ways = {frozenset(pair) for pair in pairs}
    clips = frozenset(clip for pair in pairs for clip in pair)

    def belongs(label: Label) -> bool:
        return label.people in both_ways if len(label.people) > 1 else label.people <= clips

    return belongs


def choose_share(labels: Iterable[Label], share: float, *, seed: int) -> Chosen:
    """A share of the videos, such that nobody's clip is on both sides.

    Args:
        labels: All there are.
        share: Of the crowds of videos that show the same clips, above 0 and below 1; of FaceForensics++ `519_515` shows
            519 and 515, and stays with both originals.
        seed: Decides which.

    Returns:
        What belongs to the share: at least one crowd, and never all of several.

    Raises:
        UsageError: The share is no such number.
    """
    check_share(share)
    crowd = _crowds({label.people for label in labels})
    drawn = sorted(set(crowd.values()), key=lambda name: (derive_random(seed, "calibration", name).random(), name))
    count = min(max(round(share * len(drawn)), 1), max(len(drawn) - 1, 1))
    chosen = set(drawn[:count])
    return lambda label: crowd[min(label.people)] in chosen


def _crowds(people: Iterable[frozenset[str]]) -> dict[str, str]:
    """For each clip the name of the set of clips that it is linked to by some video."""
    above: dict[str, str] = {}

    def root(name: str) -> str:
        while above.setdefault(name, name) != name:
            above[name] = name = above[above[name]]
        return name

    for together in people:
        first, *others = sorted(together)
        root(first)
        for other in others:
            low, high = sorted((root(first), root(other)))
            above[high] = low
    return {name: root(name) for name in list(above)}
