"""From a folder of downloads to aligned pairs.

PAIRS/pairs.json                     the manifest
PAIRS/files/<sheet>.upload.png       what was uploaded, and beside it what came back, both byte for byte
PAIRS/original/<sheet>_<tile>.png    tiles as uploaded
PAIRS/transmitted/...                the same tiles as they came back, at their native size
PAIRS/derivative/...                 resampled to the original's size, where the network resized
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image

from repost.batch.lock import output_lock
from repost.core.errors import MissingExtra, OutputUnwritable, RepostError, UnsafeOutput, UsageError
from repost.core.files import digest_file, write_atomic
from repost.media.read import max_pixels_allowed, open_image
from repost.media.sniff import EXTENSIONS
from repost.pairs.downloads import Download, list_downloads, luma_of, read_download, rgb_of
from repost.pairs.fingerprint import turned
from repost.pairs.manifest import (
    PAIRS_NAME,
    SHEETS_NAME,
    FilePair,
    InvalidManifest,
    PairManifest,
    Problem,
    Registration,
    Sheet,
    SheetManifest,
    TilePair,
    load_pairs,
    load_sheets,
    write_manifest,
)
from repost.pairs.match import Match, Matcher

THUMBNAIL_SCALE = 0.2
"""A download reduced to less than this is a preview: networks keep 1080 px of 4096, and of a 256 px tile less than
51 px would be left."""
_MOST_ENLARGED = 4
"""No network enlarges an upload beyond this many times its pixels, so a larger download is none of ours."""
_PNG_EFFORT = {"compress_level": 1, "compress_type": zlib.Z_RLE}
"""Tiles of photographs are 6 % larger than with Pillow's defaults, and written five times as fast."""
_LUMA_HELD_BYTES = 256 << 20
_FOLDERS = ("files", "original", "transmitted", "derivative")

Progress = Callable[[int, "int | None"], None]


@dataclass(frozen=True, slots=True)
class _Found:
    """A download and the one sheet it shows."""

    download: Download
    sha256: str
    match: Match


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
        UsageError: `out` holds pairs of other downloads.
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
        matching = _Matching(root, manifest, limit)
        matching.look_at_all(listed, on_progress)
        chosen, problems = matching.settle()
        try:
            files, tiles, refused = _write_all(out, root, manifest, chosen)
        except OSError as error:
            if isinstance(error, RepostError):
                raise
            raise OutputUnwritable(out, reason=error.strerror or str(error)) from error
        pairs = PairManifest(
            platform=manifest.platform,
            kind=manifest.kind,
            files=tuple(files),
            tiles=tuple(tiles),
            problems=(*problems, *refused),
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
    for place, real in places.items():
        if out.resolve() == real or out.resolve().is_relative_to(places[downloads]):
            raise UnsafeOutput(out, source=place)
        if any(real.is_relative_to((out / folder).resolve()) for folder in _FOLDERS):
            raise UnsafeOutput(out, source=place)
    if places[root] == places[downloads]:
        raise UnsafeOutput(downloads, source=root)


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

    def __init__(self, root: Path, manifest: SheetManifest, max_pixels: int) -> None:
        self._manifest, self._max_pixels = manifest, max_pixels
        boxes = [[tile.box for tile in sheet.tiles] for sheet in manifest.sheets]
        largest = max(sheet.width_px * sheet.height_px for sheet in manifest.sheets)
        self._matcher = Matcher(
            boxes,
            lambda index: luma_of(_sheet_rgb(root, manifest.sheets[index])),
            held=max(2, _LUMA_HELD_BYTES // largest),
        )
        self._found: defaultdict[int, list[_Found]] = defaultdict(list)
        self._thumbnails: defaultdict[int, list[str]] = defaultdict(list)
        self._first_of: dict[str, str] = {}
        self._problems: list[Problem] = []

    def look_at_all(self, downloads: Sequence[Download], on_progress: Progress | None) -> None:
        unknown: list[tuple[Download, str]] = []
        for finished, download in enumerate(downloads, start=1):
            read = self._read(download)
            if read is not None and not self._take(download, read, self._matcher.find):
                unknown.append((download, hashlib.sha256(read).hexdigest()))
            if on_progress is not None:
                on_progress(finished, len(downloads))
        for download, _ in unknown:
            among = [index for index in range(len(self._manifest.sheets)) if index not in self._found]
            thoroughly = partial(self._matcher.find_thoroughly, among=among)
            read = read_download(download, max_pixels=self._max_pixels)
            if not (among and self._take(download, read, thoroughly)):
                self._problem("wrong", (download.name,), "it shows no sheet of this manifest")

    def settle(self) -> tuple[Mapping[int, _Found], list[Problem]]:
        """One download for each sheet that has exactly one; problems for all others."""
        chosen: dict[int, _Found] = {}
        for index, sheet in enumerate(self._manifest.sheets):
            found = self._found.get(index, [])
            names = tuple(one.download.name for one in found)
            if len(found) == 1:
                chosen[index] = found[0]
            elif found:
                reason = "several different files show this sheet; keep the one you mean (one platform at a time)"
                self._problem("duplicate", names, reason, sheet=index)
            else:
                small = (
                    f", only a thumbnail ({', '.join(self._thumbnails[index])})" if index in self._thumbnails else ""
                )
                self._problem("missing", (), f"no download shows it{small}: '{sheet.file}'", sheet=index)
        return chosen, self._problems

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
            luma = luma_of(rgb_of(data, name=download.name, max_pixels=self._max_pixels))
        except RepostError as error:
            self._problem("unreadable", (download.name,), str(error))
            return True
        matches = find(luma)
        if len(matches) > 1:
            ids = ", ".join(sorted(self._manifest.sheets[match.sheet].id for match in matches))
            self._problem("ambiguous", (download.name,), f"it could be any of {ids}, which are alike")
        elif matches and min(matches[0].placement.scale_x, matches[0].placement.scale_y) < THUMBNAIL_SCALE:
            self._thumbnails[matches[0].sheet].append(download.name)
            reason = f"a copy reduced to {matches[0].placement.scale_x:.0%}; download the full size"
            self._problem("thumbnail", (download.name,), reason, sheet=matches[0].sheet)
        elif matches:
            self._found[matches[0].sheet].append(_Found(download, hashlib.sha256(data).hexdigest(), matches[0]))
        return bool(matches)

    def _problem(self, kind: object, downloads: tuple[str, ...], reason: str, *, sheet: int | None = None) -> None:
        sheet_id = None if sheet is None else self._manifest.sheets[sheet].id
        self._problems.append(
            Problem.model_validate({"kind": kind, "sheet_id": sheet_id, "downloads": downloads, "reason": reason})
        )


def _write_all(
    out: Path, root: Path, manifest: SheetManifest, chosen: Mapping[int, _Found]
) -> tuple[list[FilePair], list[TilePair], list[Problem]]:
    files: list[FilePair] = []
    tiles: list[TilePair] = []
    refused: list[Problem] = []
    for folder in _FOLDERS:
        (out / folder).mkdir(exist_ok=True)
    for index, found in sorted(chosen.items()):
        sheet = manifest.sheets[index]
        upload, download = (root / sheet.file).read_bytes(), found.download.path.read_bytes()
        files.append(_write_files(out, sheet, upload, download, found))
        pictures = (
            rgb_of(upload, name=sheet.file),
            turned(rgb_of(download, name=found.download.name), found.match.rotation),
        )
        verified: list[int] = []
        for number, check in enumerate(found.match.checks):
            if check.box is not None and check.refusal is None:
                verified.append(number)
            else:
                refused.append(
                    Problem(
                        kind="tile_hidden" if check.box is None else "tile_rejected",
                        sheet_id=sheet.id,
                        tile_index=number,
                        downloads=(found.download.name,),
                        reason=check.refusal or "it was cropped away",
                    )
                )
        with ThreadPoolExecutor() as pool:  # zlib lets go of the interpreter while it compresses
            write = partial(_write_tile, out, sheet, match=found.match, pictures=pictures)
            tiles += pool.map(write, verified)
    return files, tiles, refused


def _write_files(out: Path, sheet: Sheet, upload: bytes, download: bytes, found: _Found) -> FilePair:
    _, facts = open_image(download, name=found.download.name)
    names = (
        f"files/{sheet.id}.upload{Path(sheet.file).suffix}",
        f"files/{sheet.id}.download.{EXTENSIONS[facts.format]}",
    )
    for name, data in zip(names, (upload, download), strict=True):
        write_atomic(out / name, data)
    place, checks = found.match.placement, found.match.checks
    return FilePair(
        sheet_id=sheet.id,
        upload=names[0],
        upload_sha256=sheet.sha256,
        download=names[1],
        download_sha256=found.sha256,
        download_name=found.download.name,
        registration=Registration(
            rotation=found.match.rotation,
            scale_x=place.scale_x,
            scale_y=place.scale_y,
            offset_x_px=place.offset_x_px,
            offset_y_px=place.offset_y_px,
            correlation=round(found.match.correlation, 6),
        ),
        tiles_visible=sum(check.box is not None for check in checks),
        tiles_verified=sum(check.box is not None and check.refusal is None for check in checks),
    )


def _write_tile(
    out: Path, sheet: Sheet, number: int, *, match: Match, pictures: tuple[Image.Image, Image.Image]
) -> TilePair:
    upload, download = pictures
    tile, check, place = sheet.tiles[number], match.checks[number], match.placement
    assert check.box is not None
    id_ = f"{sheet.id}_{number:03d}"
    original, transmitted = upload.crop(tile.box.edges), download.crop(check.box.edges)
    _write_png(out / f"original/{id_}.png", original)
    _write_png(out / f"transmitted/{id_}.png", transmitted)
    derivative = None
    if (place.scale_x, place.scale_y) != (1.0, 1.0):
        derivative = f"derivative/{id_}.png"
        left, top = check.box.left_px + check.shift_x_px, check.box.top_px + check.shift_y_px
        width, height = tile.box.size_px[0] * place.scale_x, tile.box.size_px[1] * place.scale_y
        edges = (max(0, left), max(0, top), min(download.width, left + width), min(download.height, top + height))
        _write_png(out / derivative, download.resize(tile.box.size_px, Image.Resampling.LANCZOS, box=edges))
    return TilePair(
        id=id_,
        sheet_id=sheet.id,
        source_id=tile.source_id,
        source_sha256=tile.source_sha256,
        original=f"original/{id_}.png",
        transmitted=f"transmitted/{id_}.png",
        box=tile.box,
        transmitted_box=check.box,
        shift_x_px=round(check.shift_x_px, 4),
        shift_y_px=round(check.shift_y_px, 4),
        derivative=derivative,
        correlation=round(check.correlation, 6),
    )


def _write_png(path: Path, image: Image.Image) -> None:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **_PNG_EFFORT)
    write_atomic(path, buffer.getvalue())


def _sheet_rgb(root: Path, sheet: Sheet) -> Image.Image:
    return rgb_of((root / sheet.file).read_bytes(), name=sheet.file)
