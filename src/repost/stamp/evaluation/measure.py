"""What is measured of each photograph: the work of the batch."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from repost.batch import Item, Row
from repost.channel.encode import encoder_versions
from repost.core.errors import RepostError, UsageError
from repost.core.seeding import derive_random
from repost.media.read import read_file, read_picture
from repost.stamp.evaluation.conditions import conditions
from repost.stamp.evaluation.layout400 import CORRUPTIONS, square
from repost.stamp.evaluation.marker import KeyedMarker, Marker, scanner_for
from repost.stamp.evaluation.quality import quality_of
from repost.stamp.evaluation.splits import PartName, Photo

if TYPE_CHECKING:
    from repost.media.picture import Rgb8

TEST, LAYOUT, NEGATIVE, CALIBRATION = "test", "layout400", "negative", "calibration"
ROLES: dict[PartName, tuple[str, ...]] = {
    "positives": (TEST, LAYOUT),
    "negatives": (NEGATIVE,),
    "calibration": (CALIBRATION,),
}
"""What is measured of a photograph of each part: a batch's parts."""


@dataclass(frozen=True, slots=True)
class Measures:
    """What is asked of an evaluation.

    Attributes:
        conditions: Names, see `conditions.choose`.
        seed: Of every draw, together with the photograph and the condition.
        random_keys: Other keys each unstamped test photograph is scanned with.
        wrong_keys: Other keys each stamped photograph is scanned with.
    """

    conditions: tuple[str, ...]
    seed: int = 0
    random_keys: int = 4
    wrong_keys: int = 4


@dataclass(frozen=True, slots=True)
class MeasurePhotos:
    """Stamp, change and scan photographs.

    A row holds scores by condition, under "cover" of the photograph itself and under "stamped" of the stamped one; a
    score is None where the scanner refused. "left_out" names conditions that could not be carried out, with the reason.

    Attributes:
        marker: What is evaluated.
        asked: What is measured.
    """

    marker: Marker
    asked: Measures

    def settings(self, part: str) -> str:
        """Everything besides the photograph that decides its row."""
        from repost import __version__

        known: dict[str, object] = {
            "repost": __version__,
            "marker": self.marker.identity,
            "role": part,
            "seed": self.asked.seed,
            "encoders": encoder_versions(),
        }
        if part in (TEST, CALIBRATION):
            known["conditions"] = self.asked.conditions
        if part in (TEST, NEGATIVE):
            known |= {"random_keys": self.asked.random_keys, "wrong_keys": self.asked.wrong_keys}
        return json.dumps(known, sort_keys=True)

    def blank(self, item: Item, part: str) -> dict[str, object]:
        """A row of which nothing is known yet."""
        return {"photo": item.id, "role": part, "found": None}

    def run(self, item: Item, parts: tuple[str, ...]) -> Iterator[Row]:
        """Measure one photograph in some roles."""
        data = read_file(item.source)
        pixels = read_picture(data, name=item.id).rgb8()
        photo = _Photo(item.stem, pixels)
        measure = {TEST: self._test, LAYOUT: self._layout, NEGATIVE: self._negative, CALIBRATION: self._calibration}
        for part in parts:
            yield Row(item.id, part, "done", None, {"found": measure[part](photo)})

    def _test(self, photo: _Photo) -> dict[str, Any]:
        stamped = _saved(self.marker.stamp(photo.pixels), photo.pixels)
        scanner = scanner_for(self.marker, *photo.size)
        left_out: dict[str, str] = {}
        found: dict[str, Any] = {
            "quality": asdict(quality_of(photo.pixels, stamped)),
            "stamped": self._scores(stamped, photo, scanner, left_out),
            "cover": self._scores(photo.pixels, photo, scanner, left_out),
            "left_out": left_out,
            "random_key": self._other_keys(photo.pixels, photo, "random key", self.asked.random_keys),
            "wrong_key": self._other_keys(stamped, photo, "wrong key", self.asked.wrong_keys),
        }
        return found

    def _calibration(self, photo: _Photo) -> dict[str, Any]:
        left_out: dict[str, str] = {}
        scanner = scanner_for(self.marker, *photo.size)
        return {"cover": self._scores(photo.pixels, photo, scanner, left_out), "left_out": left_out}

    def _negative(self, photo: _Photo) -> dict[str, Any]:
        return {
            "cover": {"none": _score(scanner_for(self.marker, *photo.size), photo.pixels)},
            "random_key": self._other_keys(photo.pixels, photo, "random key", self.asked.random_keys),
        }

    def _layout(self, photo: _Photo) -> dict[str, Any]:
        cover = square(photo.pixels)
        stamped = _saved(self.marker.stamp(cover), cover)
        scanner = scanner_for(self.marker, *cover.shape[1::-1])
        scores: dict[str, dict[str, float | None]] = {"stamped": {}, "cover": {}}
        for kind, pixels in (("stamped", stamped), ("cover", cover)):
            for name, change in CORRUPTIONS.items():
                rng = derive_random(self.asked.seed, photo.sha256, LAYOUT, name)
                scores[kind][name] = _score(scanner, np.asarray(change(Image.fromarray(pixels), rng)))
        return {"quality": asdict(quality_of(cover, stamped)), **scores}

    def _scores(
        self, pixels: Rgb8, photo: _Photo, scanner: Marker, left_out: dict[str, str]
    ) -> dict[str, float | None]:
        """The score under each condition; the stamped copy and the photograph go through the same draws."""
        known = conditions()
        found: dict[str, float | None] = {}
        for name in self.asked.conditions:
            rng = derive_random(self.asked.seed, photo.sha256, name)
            try:
                changed = known[name](pixels, rng)
            except RepostError as error:
                left_out[name] = str(error)
                continue
            found[name] = _score(scanner, changed)
        return found

    def _other_keys(self, pixels: Rgb8, photo: _Photo, what: str, count: int) -> list[float | None]:
        """Scores under keys drawn for this photograph."""
        if not isinstance(self.marker, KeyedMarker):
            return []
        keys = [f"{what} {self.asked.seed} {photo.sha256} {number}" for number in range(count)]
        try:
            return list(self.marker.scores_under(pixels, keys))
        except RepostError:
            return [None] * count


@dataclass(frozen=True, slots=True)
class _Photo:
    sha256: str
    pixels: Rgb8

    @property
    def size(self) -> tuple[int, int]:
        return self.pixels.shape[1], self.pixels.shape[0]


def items_of(part: PartName, photos: tuple[Photo, ...]) -> list[Item]:
    """The batch's items for the photographs of a part: draws depend on the stem, which is the photograph's digest."""
    return [Item(f"{part}/{photo.id}", Path(photo.path), ROLES[part], photo.sha256) for photo in photos]


def _score(marker: Marker, pixels: Rgb8) -> float | None:
    """The score; None where the scanner refuses the picture."""
    try:
        found = float(marker.score(np.ascontiguousarray(pixels)))
    except RepostError:
        return None
    if not math.isfinite(found):
        raise UsageError(f"got {found} as a score of {marker.name}, expected a finite number")
    return found


def _saved(stamped: Rgb8, cover: Rgb8) -> Rgb8:
    """What is read back from the saved file: of 8-bit pixels in a PNG the pixels themselves."""
    if stamped.dtype != np.uint8 or stamped.shape != cover.shape:
        raise UsageError(
            f"got a stamped picture of {stamped.dtype} {stamped.shape}, expected uint8 {cover.shape}, as it is saved"
        )
    return stamped
