"""Score files and folders with a detector, as they are and after sharing: the work of a batch."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repost.batch import Found, Item, Row
from repost.channel.encode import encoder_versions
from repost.core.errors import InputNotFound, RepostError
from repost.core.heap import keep_freed_memory
from repost.detectors.card import find_card
from repost.detectors.pieces import NO_FACE, Looking, Piece, pieces_of
from repost.detectors.store import find_weights
from repost.faces.registry import DetectorChoice, load_detector
from repost.faces.sources import open_source
from repost.media.sniff import VIDEO_SUFFIXES
from repost.platforms import Profile

if TYPE_CHECKING:
    from repost.detectors.scorer import Scorer

CLEAN = ""
"""The part of an item that is the file as it is; the others are platforms."""
_FACES_AT_ONCE = 16
"""Crops that wait to be scored together: at most so many are in memory."""
_CROPS_PER_WORKER = 500
"""What is scored while a process starts and loads torch, about; a video counts as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreFiles:
    """Score each image and video, as it is and after each platform.

    Attributes:
        detector: Name of a detector or of an architecture.
        weights: Their file; None for those of the detector that are on this machine.
        weights_sha256: Of that file: what is kept of an earlier run was scored with the same.
        looking: How faces are got.
        profiles: The platforms by the name they were asked for.
        seed: Of the emulations.
        named: Ids of files that were named themselves: these are expected to be media, whatever they are called.
        max_pixels: Limit on width x height; the limit in force when None.
        device: Where the detector computes, as `load` takes it.
        threads: Of torch in this process; 1 where there are several workers, None leaves it alone.
    """

    detector: str
    weights: Path | None
    weights_sha256: str | None
    looking: Looking = field(default_factory=Looking)
    profiles: Mapping[str, Profile] = field(default_factory=dict[str, Profile])
    seed: int = 0
    named: frozenset[str] = frozenset()
    max_pixels: int | None = None
    device: str = "cpu"
    threads: int | None = None

    def for_inputs(self, found: Iterable[Found], *, jobs: int) -> ScoreFiles:
        """The same work, for some files and so many workers."""
        named = frozenset(entry.id for entry in found if entry.explicit)
        return replace(self, named=named, threads=1 if jobs > 1 else None)

    def check(self) -> None:
        """Load what is needed once, so that what is wrong with it is told before the first file and not of each.

        Raises:
            UsageError: This machine has no such device.
            InvalidWeights: The weights are damaged, or of another network.
            MissingExtra: A package is not installed.
        """
        self._scorer()
        if self.looking.faces == "find" or self.looking.finder != DetectorChoice():
            load_detector(self.looking.finder)

    def on(self, profiles: Mapping[str, Profile], *, seed: int) -> ScoreFiles:
        """The same work, on platforms too."""
        return replace(self, profiles=profiles, seed=seed)

    def settings(self, part: str) -> str:
        """Everything besides the content that decides a score."""
        from repost import __version__

        shared = {} if part == CLEAN else {"digest": self.profiles[part].digest, "encoders": encoder_versions()}
        known = {
            "repost": __version__,
            "detector": self.detector,
            "weights": self.weights_sha256,
            "faces": self.looking.identity(),
            "max_pixels": self.max_pixels,
            "device": self.device,
            "seed": self.seed,
        }
        return json.dumps(known | shared, sort_keys=True)

    def blank(self, item: Item, part: str) -> dict[str, object]:
        """A row of which nothing is known yet."""
        return {"file": os.fspath(item.source), "platform": part, "logit_fake": None, "judged": []}

    def run(self, item: Item, parts: tuple[str, ...]) -> Iterator[Row]:
        """Score one file."""
        keep_freed_memory()
        named = item.id in self.named
        source = open_source(item.source, name=os.fspath(item.source), named=named, max_pixels=self.max_pixels)
        if isinstance(source, str):
            yield from (Row(item.id, part, "skipped", source) for part in parts)
            return
        for part in parts:
            profile = self.profiles.get(part)
            try:
                pieces = pieces_of(source, self.looking, profile, seed=self.seed, listed_as=item.id)
                yield self._judged(item, part, pieces)
            except RepostError as error:
                yield Row(item.id, part, "failed", str(error))

    def _judged(self, item: Item, part: str, pieces: Iterator[Piece]) -> Row:
        scorer = self._scorer()
        rows = [row for some in _batches(pieces) for row in _scored(some, scorer)]
        scores = [row["logit_fake"] for row in rows if row["logit_fake"] is not None]
        if not scores:
            return Row(item.id, part, "failed", _why_none(rows, os.fspath(item.source)), {"judged": rows})
        return Row(item.id, part, "done", None, {"logit_fake": sum(scores) / len(scores), "judged": rows})

    def _scorer(self) -> Scorer:
        return scorer_of(self.detector, self.weights, self.device, self.threads)


def workers_that_pay(found: Iterable[Found], *, at_most: int) -> int:
    """How many workers are worth starting: each loads torch first, and meanwhile one scores hundreds of crops.

    Args:
        found: The files.
        at_most: Such as the number of cores.

    Returns:
        1 or more.
    """
    work = sum(_CROPS_PER_WORKER if entry.path.suffix.lower() in VIDEO_SUFFIXES else 1 for entry in found)
    return max(1, min(at_most, work // _CROPS_PER_WORKER))


def weights_of(detector: str, weights: Path | None) -> Path:
    """The file of weights that scores are made with.

    Args:
        detector: Name of a detector or of an architecture.
        weights: The file; None for that of the detector that is on this machine.

    Raises:
        DetectorNotFound: There is no such detector.
        InputNotFound: The file is not there.
        WeightsNotFound: None was named, and there is none on this machine.
        InvalidWeights: That of this machine is damaged.
    """
    card = find_card(detector)
    if weights is None:
        return find_weights(card)
    if not weights.is_file():
        raise InputNotFound(weights)
    return weights


@lru_cache(maxsize=1)
def scorer_of(detector: str, weights: Path | None, device: str, threads: int | None) -> Scorer:
    """The detector, loaded once for each process."""
    import torch

    from repost.detectors import load

    if threads is not None:
        torch.set_num_threads(threads)
    return load(detector, weights=weights, device=device)


def _batches(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    source = iter(pieces)
    while some := list(islice(source, _FACES_AT_ONCE)):
        yield some


def _scored(pieces: list[Piece], scorer: Scorer) -> Iterator[dict[str, Any]]:
    """A row for each piece, in their order."""
    pixels = [piece.pixels for piece in pieces if piece.pixels is not None]
    scores = iter(scorer.score_pixels(pixels).tolist() if pixels else [])
    for piece in pieces:
        logit, error = (None, piece.error) if piece.pixels is None else (next(scores), None)
        if logit is not None and not math.isfinite(logit):
            logit, error = None, f"got the score {logit}, expected a finite number; the weights are not sound"
        yield {
            "frame": piece.frame,
            "box": piece.box,
            "logit_fake": logit,
            "oblong": piece.oblong,
            "error": error,
        }


def _why_none(rows: list[dict[str, Any]], name: str) -> str:
    broken = next((str(row["error"]) for row in rows if row["error"] != NO_FACE), None)
    if broken is not None or not rows:
        return broken or f"{name}: no frame can be decoded"
    return f"{name}: {NO_FACE}" + (f" in {len(rows)} frames" if rows[0]["frame"] is not None else "")
