"""From a folder of downloads to aligned pairs: `match` finds them, `verify` decides, `cut` writes them."""

from __future__ import annotations

import contextlib
import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from PIL import Image

from repost.batch.lock import output_lock
from repost.core.errors import MissingExtra, RepostError, UnsafeOutput, UsageError
from repost.core.files import digest_file
from repost.media.read import max_pixels_allowed, open_image
from repost.pairs.cut import FOLDERS, Copy, Cut, Cutter, cutting
from repost.pairs.downloads import Download, list_downloads, luma_of, read_download, rgb_of
from repost.pairs.manifest import (
    PAIRS_NAME,
    SHEETS_NAME,
    InvalidManifest,
    PairManifest,
    Problem,
    SheetManifest,
    load_pairs,
    load_sheets,
    write_manifest,
)
from repost.pairs.match import Match, Matcher
from repost.pairs.verify import LEAST_SIDE_PX

THUMBNAIL_SCALE = 0.2
"""A download reduced to less than this is a preview: networks keep 1080 px of 4096, and of a 256 px tile less than
51 px would be left."""
_MOST_ENLARGED = 4
"""No network enlarges an upload beyond this many times its pixels, so a larger download is none of ours."""
_HELD_BYTES = 256 << 20
"""Of sheets that stay decoded, once as RGB and once as luma."""

Progress = Callable[[int, "int | None"], None]


@dataclass(frozen=True, slots=True)
class _Found:
    """The downloads that show a sheet, and what was cut from the first of them."""

    downloads: list[str]
    cut: Cut


def recover(
    sheets: Path, downloads: Path, *, out: Path, max_pixels: int | None = None, on_progress: Progress | None = None
) -> PairManifest:
    """Match downloads to what was uploaded, cut the tiles, and keep those that correlation confirms.

    Args:
        sheets: The manifest of the upload, or its folder.
        downloads: The folder of downloads; their names and order do not matter.
        out: Where pairs go. Pairs of the same downloads are made anew there.
        max_pixels: Limit on width x height of a download; the limit in force when None. Downloads with over four times
            the pixels of the largest sheet are refused in any case.
        on_progress: Told how many downloads are finished, and how many there are.

    Returns:
        The manifest, as written to OUT/pairs.json. Everything that gave no pair is in its `problems`.

    Raises:
        InputNotFound: There is no manifest, or no folder of downloads.
        InvalidManifest: The manifest was damaged, or a sheet is missing or not the file that was made.
        UnsafeOutput: `out` is the folder of the sheets or of the downloads, or would write into one of them.
        UsageError: `out` holds pairs of other downloads, or both folders are one.
        OutputBusy: Another run writes there.
        OutputUnwritable: It cannot be written.
    """
    manifest_path = sheets / SHEETS_NAME if sheets.is_dir() else sheets
    manifest = load_sheets(manifest_path)
    root = manifest_path.parent
    listed = list_downloads(downloads)
    _check_places(out, root, downloads)
    check_sheets(manifest_path, manifest)
    largest = max(sheet.width_px * sheet.height_px for sheet in manifest.sheets)
    limit = min(_MOST_ENLARGED * largest, max_pixels or max_pixels_allowed())
    with output_lock(out):
        _check_not_another(out / PAIRS_NAME, listed)
        with cutting(out) as cutter:
            matching = _Matching(root, manifest, limit, cutter)
            matching.look_at_all(listed, on_progress)
            cuts, problems = matching.settle()
            pairs = PairManifest(
                platform=manifest.platform,
                kind=manifest.kind,
                files=tuple(cut.file for cut in cuts),
                tiles=tuple(tile for cut in cuts for tile in cut.tiles()),
                problems=(*problems, *(row for cut in cuts for row in cut.refused)),
            )
        write_manifest(out / PAIRS_NAME, pairs)
    return pairs


def check_sheets(path: Path, manifest: SheetManifest) -> None:
    """Make sure that every file of a manifest is there and is the one that was made.

    Args:
        path: The manifest's file.
        manifest: Its content.

    Raises:
        InvalidManifest: Some are not; each is named by its field.
    """
    problems: list[tuple[str, str]] = []
    for index, sheet in enumerate(manifest.sheets):
        file = path.parent / sheet.file
        field = f"sheets.{index}"
        if not file.is_file():
            problems.append((f"{field}.file", f"'{sheet.file}' is not there; put the uploaded file back"))
        elif not file.resolve().is_relative_to(path.parent.resolve()):
            problems.append((f"{field}.file", f"'{sheet.file}' leads out of the manifest's folder"))
        elif (found := digest_file(file)) != sheet.sha256:
            problems.append(
                (f"{field}.sha256", f"'{sheet.file}' has SHA-256 {found}; it is not the file that was made")
            )
        else:
            _, facts = open_image(file.read_bytes(), name=sheet.file)
            if (facts.width_px, facts.height_px) != (sheet.width_px, sheet.height_px):
                got = f"'{sheet.file}' has {facts.width_px}x{facts.height_px} px"
                problems.append((f"{field}.width_px", f"{got}, not {sheet.width_px}x{sheet.height_px}"))
    if problems:
        raise InvalidManifest(path, problems)


def _check_places(out: Path, root: Path, downloads: Path) -> None:
    places = {place: place.resolve() for place in (root, downloads)}
    if places[root] == places[downloads]:
        raise UsageError(
            f"got the folder of the upload as downloads: '{downloads}'; put what came back in a folder of its own"
        )
    for place, real in places.items():
        if out.resolve() == real or out.resolve().is_relative_to(places[downloads]):
            raise UnsafeOutput(out, source=place)
        if any(real.is_relative_to((out / folder).resolve()) for folder in FOLDERS):
            raise UnsafeOutput(out, source=place)


def _check_not_another(path: Path, listed: Sequence[Download]) -> None:
    """Pairs of another network stay: what came back once may not come back again."""
    if not path.exists():
        return
    held = {pair.download_sha256: pair.download_name for pair in load_pairs(path).files}
    for download in listed:
        with contextlib.suppress(OSError):  # matching says what is wrong with it
            held.pop(digest_file(download.path), None)
    if held:
        raise UsageError(
            f"got a folder that holds pairs of other downloads ('{next(iter(held.values()))}' is not among these): "
            f"'{path}'; choose another folder with -o, or remove it"
        )


class _Matching:
    """Which download shows which sheet; collects what is wrong on the way."""

    def __init__(self, root: Path, manifest: SheetManifest, max_pixels: int, cutter: Cutter) -> None:
        self._root, self._manifest, self._max_pixels, self._cutter = root, manifest, max_pixels, cutter
        boxes = [[tile.box for tile in sheet.tiles] for sheet in manifest.sheets]
        largest = max(sheet.width_px * sheet.height_px for sheet in manifest.sheets)
        self._sheet = lru_cache(maxsize=max(2, _HELD_BYTES // (3 * largest)))(self._load)
        self._matcher = Matcher(
            boxes, lambda index: luma_of(self._sheet(index).picture), held=max(2, _HELD_BYTES // largest)
        )
        self._found: dict[int, _Found] = {}
        self._thumbnails: defaultdict[int, list[str]] = defaultdict(list)
        self._first_of: dict[str, str] = {}
        self._problems: list[Problem] = []

    def look_at_all(self, downloads: Sequence[Download], on_progress: Progress | None) -> None:
        unknown: list[Download] = []
        for finished, download in enumerate(downloads, start=1):
            read = self._read(download)
            if read is not None and not self._take(download, read, self._matcher.find):
                unknown.append(download)
            if on_progress is not None:
                on_progress(finished, len(downloads))
        for download in unknown:
            among = [index for index in range(len(self._manifest.sheets)) if index not in self._found]
            thoroughly = partial(self._matcher.find_thoroughly, among=among)
            read = read_download(download, max_pixels=self._max_pixels)
            if not (among and self._take(download, read, thoroughly)):
                self._problem("wrong", (download.name,), _why_unknown(read, download.name))

    def settle(self) -> tuple[list[Cut], list[Problem]]:
        """What was cut of each sheet that has exactly one download; problems for all others."""
        cuts: list[Cut] = []
        for index, sheet in enumerate(self._manifest.sheets):
            found = self._found.get(index)
            if found is None:
                small = (
                    f", only a thumbnail ({', '.join(self._thumbnails[index])})" if index in self._thumbnails else ""
                )
                self._problem("missing", (), f"no download shows it{small}: '{sheet.file}'", sheet=index)
            elif len(found.downloads) > 1:
                found.cut.discard()
                reason = "several different files show this sheet; keep the one you mean (one platform at a time)"
                self._problem("duplicate", tuple(found.downloads), reason, sheet=index)
            else:
                cuts.append(found.cut)
        return cuts, self._problems

    def _read(self, download: Download) -> bytes | None:
        try:
            data = read_download(download, max_pixels=self._max_pixels)
        except (RepostError, OSError) as error:
            if isinstance(error, MissingExtra):
                raise
            self._problem("unreadable", (download.name,), str(error))
            return None
        first = self._first_of.setdefault(hashlib.sha256(data).hexdigest(), download.name)
        if first != download.name:
            self._problem("copy", (first, download.name), f"'{download.name}' is the same file as '{first}'")
            return None
        return data

    def _take(self, download: Download, data: bytes, find: Callable[[Image.Image], list[Match]]) -> bool:
        """Whether the download is settled: it shows a sheet, several, or cannot be decoded after all."""
        try:
            picture = rgb_of(data, name=download.name, max_pixels=self._max_pixels)
        except RepostError as error:
            self._problem("unreadable", (download.name,), str(error))
            return True
        matches = find(luma_of(picture))
        if len(matches) > 1:
            ids = ", ".join(sorted(self._manifest.sheets[match.sheet].id for match in matches))
            self._problem("ambiguous", (download.name,), f"it could be any of {ids}, which are alike")
        elif matches and min(matches[0].placement.scale_x, matches[0].placement.scale_y) < THUMBNAIL_SCALE:
            self._thumbnails[matches[0].sheet].append(download.name)
            reason = f"a copy reduced to {matches[0].placement.scale_x:.0%}; download the full size"
            self._problem("thumbnail", (download.name,), reason, sheet=matches[0].sheet)
        elif matches:
            self._keep(matches[0], Copy(download.name, hashlib.sha256(data).hexdigest(), data, picture))
        return bool(matches)

    def _keep(self, match: Match, download: Copy) -> None:
        """Cut the sheet, or note that it has a second download."""
        if match.sheet in self._found:
            self._found[match.sheet].downloads.append(download.name)
        else:
            cut = self._cutter.cut(self._manifest.sheets[match.sheet], self._sheet(match.sheet), download, match)
            self._found[match.sheet] = _Found([download.name], cut)

    def _load(self, index: int) -> Copy:
        sheet = self._manifest.sheets[index]
        data = (self._root / sheet.file).read_bytes()
        return Copy(sheet.file, sheet.sha256, data, rgb_of(data, name=sheet.file))

    def _problem(self, kind: object, downloads: tuple[str, ...], reason: str, *, sheet: int | None = None) -> None:
        sheet_id = None if sheet is None else self._manifest.sheets[sheet].id
        self._problems.append(
            Problem.model_validate({"kind": kind, "sheet_id": sheet_id, "downloads": downloads, "reason": reason})
        )


def _why_unknown(data: bytes, name: str) -> str:
    _, facts = open_image(data, name=name)
    if min(facts.width_px, facts.height_px) < LEAST_SIDE_PX:
        return f"it has {facts.width_px}x{facts.height_px} px, too few to tell what it shows; download the full size"
    return "it shows no sheet of this manifest"
