"""Find out which sheet a download shows.

The hash and the coarse correlation only order the candidates; a download belongs to the sheet that `verify` confirms,
and to none otherwise. Each download is judged by itself, not in competition with others: an assignment of all to all
would give a wrong file the sheet whose own download is missing, and hide that two files show the same sheet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image

from repost.pairs.fingerprint import ROTATIONS, Coarse, Descriptor, agreement, content_box, hash_distance, place, turned
from repost.pairs.manifest import Box, Rotation
from repost.pairs.register import Placement, refine
from repost.pairs.verify import Comparison, TileCheck

_HASHES_TRIED = 3
_HASH_NEAR_BITS = 10
"""Candidates this close to the best are tried too, so that two alike sheets are noticed."""
_HASH_FAR_BITS = 50
"""Of 144; unrelated pictures differ in about 72, with a standard deviation of 6."""
_RANKED_TRIED = 4
_PLACES_TRIED = 2
_LEAST_AGREEMENT = 0.03
"""Of the coarse correlation; unrelated pictures reach 0.02 to 0.10, so this only skips the hopeless."""
_MOST_DRIFT_PX = 0.1
"""A download that is taken for the whole picture unmeasured must lie this well on it."""
_CLEARLY_LESS = 0.9


@dataclass(frozen=True, slots=True)
class Match:
    """A download that was confirmed to show a sheet.

    Attributes:
        sheet: Index of the sheet.
        rotation: Degrees the download was turned counter-clockwise to stand as the sheet does.
        placement: Where the sheet lies on the turned download.
        correlation: Over all that both show, luma at half resolution.
        checks: What became of each tile.
    """

    sheet: int
    rotation: Rotation
    placement: Placement
    correlation: float
    checks: tuple[TileCheck, ...]

    def upright(self, download: Image.Image) -> Image.Image:
        """The download turned as the sheet stands."""
        return turned(download, self.rotation)


class Matcher:
    """Knows all sheets, and says which of them a download shows.

    Small copies of the sheets stay in memory (up to 0.15 MB each); the sheets themselves are loaded when needed.
    """

    def __init__(self, tiles: Sequence[Sequence[Box]], load: Callable[[int], Image.Image], *, held: int = 2) -> None:
        """Look at every sheet once.

        Args:
            tiles: For each sheet, where its tiles lie.
            load: Gives the upright luma (mode L) of a sheet by its index.
            held: How many sheets to keep in memory.
        """
        self._tiles = tiles
        self._load = lru_cache(maxsize=held)(load)
        self._coarse = [Coarse.of(self._load(index)) for index in range(len(tiles))]

    def find(self, luma: Image.Image) -> list[Match]:
        """The sheets a download shows: none, one, or several that are alike.

        Args:
            luma: Mode L, upright as viewers show the download.
        """
        views = _views(luma)
        return self._confirm_all(luma, views, self._by_hash(views)) or self._confirm_all(
            luma, views, self._by_correlation(views, range(len(self._tiles)), thorough=False)
        )

    def find_thoroughly(self, luma: Image.Image, among: Sequence[int]) -> list[Match]:
        """The same at any scale and crop, slowly, for a download that `find` does not know.

        Args:
            luma: Mode L, upright.
            among: Sheets that may be shown, by index.
        """
        views = _views(luma)
        return self._confirm_all(luma, views, self._by_correlation(views, among, thorough=True), thorough=True)

    def _by_hash(self, views: dict[Rotation, Coarse]) -> list[tuple[int, Rotation]]:
        distances: list[tuple[int, int, Rotation]] = [
            (hash_distance(sheet, view), index, rotation)
            for index, sheet in enumerate(self._coarse)
            for rotation, view in views.items()
        ]
        ranked = sorted(distances)[:_HASHES_TRIED]
        most = min(_HASH_FAR_BITS, ranked[0][0] + _HASH_NEAR_BITS)
        return [(index, rotation) for distance, index, rotation in ranked if distance <= most]

    def _by_correlation(
        self, views: dict[Rotation, Coarse], among: Sequence[int], *, thorough: bool
    ) -> list[tuple[int, Rotation]]:
        descriptors = {rotation: Descriptor.of(view, thorough=thorough) for rotation, view in views.items()}
        scored: list[tuple[float, int, Rotation]] = []
        for index in among:
            sheet = Descriptor.of(self._coarse[index])
            for rotation in ROTATIONS:
                scored.append((agreement(sheet, descriptors[rotation]), index, rotation))
        return [(index, rotation) for _, index, rotation in sorted(scored, reverse=True)[:_RANKED_TRIED]]

    def _confirm_all(
        self,
        luma: Image.Image,
        views: dict[Rotation, Coarse],
        candidates: Sequence[tuple[int, Rotation]],
        *,
        thorough: bool = False,
    ) -> list[Match]:
        found: dict[int, Match] = {}
        for index, rotation in candidates:
            if index not in found:
                match = self._confirm(index, rotation, turned(luma, rotation), views[rotation], thorough=thorough)
                if match is not None:
                    found[index] = match
        return list(found.values())

    def _confirm(
        self, index: int, rotation: Rotation, luma: Image.Image, view: Coarse, *, thorough: bool
    ) -> Match | None:
        upload, sheet = self._load(index), self._coarse[index]
        likely: Comparison | None = None
        for placement, measured in _placements(upload, luma, sheet, view, thorough=thorough):
            comparison = _compare(upload, luma, placement)
            if not comparison.same:
                continue
            if not measured and comparison.drift_px > _MOST_DRIFT_PX:
                likely = comparison
                continue
            if likely is not None and comparison.leftover > _CLEARLY_LESS * likely.leftover:
                comparison = likely  # a picture so smooth that measuring it is worse than the obvious
            return self._match(index, rotation, comparison)
        return None if likely is None else self._match(index, rotation, likely)

    def _match(self, index: int, rotation: Rotation, comparison: Comparison) -> Match:
        checks = tuple(comparison.check(tile) for tile in self._tiles[index])
        return Match(index, rotation, comparison.placement, comparison.correlation, checks)


def _views(luma: Image.Image) -> dict[Rotation, Coarse]:
    coarse = Coarse.of(luma)
    return {rotation: coarse.turned(rotation) for rotation in ROTATIONS}


def _compare(upload: Image.Image, luma: Image.Image, placement: Placement) -> Comparison:
    """Compare; and where the download has a border that the upload does not explain, compare what is inside."""
    comparison, content = Comparison(upload, luma, placement), content_box(luma)
    if comparison.empty or comparison.good_share == 1 or content == (0, 0, *luma.size):
        return comparison
    inside = Comparison(upload, luma, placement, within=content)
    return inside if inside.good_share > comparison.good_share else comparison


def _placements(
    upload: Image.Image, luma: Image.Image, sheet: Coarse, view: Coarse, *, thorough: bool
) -> Iterator[tuple[Placement, bool]]:
    """Where the upload may lie, and whether that was measured; the whole picture is tried first, unmeasured."""
    whole = Placement(luma.width / upload.width, luma.height / upload.height, 0.0, 0.0)
    if abs(whole.scale_x * upload.height - luma.height) <= 1 or abs(whole.scale_y * upload.width - luma.width) <= 1:
        yield whole, False
    for score, start in place(sheet, view, thorough=thorough)[:_PLACES_TRIED]:
        measured = refine(upload, luma, start) if score >= _LEAST_AGREEMENT else None
        if measured is not None:
            yield measured, True
