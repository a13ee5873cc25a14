"""Stitch small pictures into sheets of many sizes, to be uploaded by hand.

What a network does depends on the size of an image, so pictures of one size uploaded one by one would show one
treatment only, and take thousands of uploads.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from PIL import __version__ as pillow_version
from pydantic import ValidationError

from repost.batch import Found, list_inputs
from repost.batch.journal import STATE_FOLDER
from repost.batch.lock import output_lock
from repost.core.errors import MissingExtra, OutputUnwritable, RepostError, UsageError
from repost.core.files import digest_file, write_atomic
from repost.core.seeding import derive_random
from repost.media.read import read_file
from repost.media.sniff import MEDIA_SUFFIXES, sniff
from repost.pairs.downloads import rgb_of
from repost.pairs.manifest import (
    SHEETS_NAME,
    Box,
    FailedSource,
    Sheet,
    SheetManifest,
    SheetSettings,
    Tile,
    load_sheets,
    write_manifest,
)

LARGEST_SHEET_PX = {"twitter": (4096, 4096)}
"""Width and height that sheets may have at most, from the DF-RAP paper, section III-A."""
LARGEST_SHEET_ELSEWHERE_PX = (1280, 2048)
"""The same for all other networks."""
DEFAULT_TILE_PX = 256
"""The side of the tiles of DF-RAP's data set."""
JPEG_QUALITY = 100

Progress = Callable[[int, "int | None"], None]


@dataclass(frozen=True, slots=True)
class Source:
    """A picture that can go on a sheet.

    Attributes:
        id: Unique among the sources.
        path: The file.
        sha256: Of it.
        width_px: Upright.
        height_px: Upright.
    """

    id: str
    path: Path
    sha256: str
    width_px: int
    height_px: int


def settings_for(
    platform: str,
    *,
    tile_px: int = DEFAULT_TILE_PX,
    format: str = "png",
    fit: str = "fill",
    max_size_px: tuple[int, int] | None = None,
) -> SheetSettings:
    """The settings of sheets for a platform.

    Args:
        platform: Its name; decides the largest size where `max_size_px` does not.
        tile_px: Side of a tile, a multiple of 16.
        format: "png", or "jpeg" at quality 100 with chroma 4:4:4.
        fit: "fill" or "crop"; see `SheetSettings`.
        max_size_px: Width and height that sheets may have at most.

    Raises:
        UsageError: A setting is out of range.
    """
    largest = max_size_px or LARGEST_SHEET_PX.get(platform.partition("/")[0], LARGEST_SHEET_ELSEWHERE_PX)
    try:
        settings = SheetSettings.model_validate(
            {
                "tile_px": tile_px,
                "max_width_px": largest[0],
                "max_height_px": largest[1],
                "format": format,
                "quality": JPEG_QUALITY if format == "jpeg" else None,
                "fit": fit,
            }
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UsageError(f"got {'.'.join(map(str, first['loc']))}={first['input']!r}: {first['msg']}") from error
    if min(largest) < tile_px:
        raise UsageError(f"got tiles of {tile_px} px, expected at most {min(largest)} px, the side of a sheet")
    return settings


def make_sheets(
    sources: Sequence[Path],
    out: Path,
    *,
    platform: str,
    settings: SheetSettings,
    seed: int = 0,
    on_progress: Progress | None = None,
) -> SheetManifest:
    """Put every picture on a sheet, once.

    Sheets that an earlier run of the same work finished are kept.

    Args:
        sources: Files and folders.
        out: Where sheets and `sheets.json` go.
        platform: The network they are meant for; only written down.
        settings: Of `settings_for`.
        seed: Decides order and sizes: the same sources and seed give the same sheets.
        on_progress: Told how many sheets are finished, and how many there are.

    Returns:
        The manifest, as written. Sources that cannot be used are in `failed`.

    Raises:
        InputNotFound: A source does not exist.
        UnsafeOutput: `out` is one of the sources.
        UsageError: No source can be used, or `out` holds the sheets of other sources, settings or seed.
        OutputBusy: Another run writes there.
        OutputUnwritable: It cannot be written.
    """
    found = list_inputs(sources, out, parts=["sheets"])
    usable, failed = survey(found)
    if not usable:
        reason = f"; the first: {failed[0].reason}" if failed else ""
        raise UsageError(f"got no picture that can be used among {len(found)} files{reason}")
    rng = derive_random(seed, "sheets")
    rng.shuffle(usable)
    grids = list(draw_grids(len(usable), settings, rng))
    with output_lock(out):
        _check_not_another(out / SHEETS_NAME, usable, settings, seed)
        try:
            made = _make_all(out, usable, grids, settings, on_progress)
            manifest = SheetManifest(
                kind="sheets", platform=platform, seed=seed, settings=settings, sheets=tuple(made), failed=tuple(failed)
            )
            write_manifest(out / SHEETS_NAME, manifest)
        except OSError as error:
            if isinstance(error, RepostError):
                raise
            raise OutputUnwritable(out, reason=error.strerror or str(error)) from error
    return manifest


def _make_all(
    out: Path,
    usable: Sequence[Source],
    grids: Sequence[tuple[int, int]],
    settings: SheetSettings,
    on_progress: Progress | None,
) -> list[Sheet]:
    (out / "sheets").mkdir(exist_ok=True)
    made: list[Sheet] = []
    remaining = iter(usable)
    for index, grid in enumerate(grids):
        taken = [next(remaining) for _ in range(grid[0] * grid[1])]
        made.append(_make_or_keep(out, f"sheet_{index:04d}", taken, grid, settings))
        if on_progress is not None:
            on_progress(len(made), len(grids))
    return made


def _check_not_another(path: Path, usable: Sequence[Source], settings: SheetSettings, seed: int) -> None:
    """A manifest of other sheets stays: without it, what was uploaded by hand could not be recovered any more."""
    if not path.exists():
        return
    there = load_sheets(path)
    held = sorted((tile.source_id, tile.source_sha256) for sheet in there.sheets for tile in sheet.tiles)
    same_work = (there.kind, there.seed, there.settings) == ("sheets", seed, settings)
    if not same_work or held != sorted((source.id, source.sha256) for source in usable):
        raise UsageError(
            f"got a folder that holds other sheets, expected a new one or the same sources, options and seed: '{path}' "
            "is needed to recover what was uploaded; choose another folder with -o"
        )


def survey(found: Iterable[Found]) -> tuple[list[Source], list[FailedSource]]:
    """Read every source once, to know which can be used.

    Args:
        found: Of `repost.batch.list_inputs`.

    Returns:
        Those that decode, and those that do not with the reason. Files that are no media are left out, unless they
        were named or their name promises an image.
    """
    usable: list[Source] = []
    failed: list[FailedSource] = []
    for entry in found:
        id_ = os.fsencode(entry.id).decode("utf-8", "replace")
        try:
            data = read_file(entry.path)
            if sniff(data[:64]) is None and not (entry.explicit or entry.path.suffix.lower() in MEDIA_SUFFIXES):
                continue
            width_px, height_px = rgb_of(data, name=id_).size
            usable.append(Source(id_, entry.path, hashlib.sha256(data).hexdigest(), width_px, height_px))
        except MissingExtra:
            raise
        except (RepostError, OSError) as error:
            failed.append(FailedSource(source_id=id_, reason=str(error)))
    return usable, failed


def draw_grids(count: int, settings: SheetSettings, rng: random.Random) -> Iterator[tuple[int, int]]:
    """Sizes of sheets in tiles, columns and rows, that hold a number of tiles exactly.

    Args:
        count: How many tiles there are.
        settings: Side of a tile and largest sheet.
        rng: Where sizes are drawn from, each column and row count that fits with equal chance.

    Yields:
        Columns and rows; the last sheets are smaller where few tiles are left.
    """
    most_columns = settings.max_width_px // settings.tile_px
    most_rows = settings.max_height_px // settings.tile_px
    while count:
        columns = min(rng.randint(1, most_columns), count)
        rows = min(rng.randint(1, most_rows), count // columns)
        yield columns, rows
        count -= columns * rows


def tile_of(source: Source, left_px: int, top_px: int, settings: SheetSettings) -> Tile:
    """Where and how a source is shown on its sheet."""
    side = settings.tile_px
    scale = side / min(source.width_px, source.height_px)
    if settings.fit == "crop" and scale < 1:
        scale = 1.0
    width, height = (min(size, round(side / scale)) for size in (source.width_px, source.height_px))
    left, top = (source.width_px - width) // 2, (source.height_px - height) // 2
    return Tile(
        box=Box(left_px=left_px, top_px=top_px, right_px=left_px + side, bottom_px=top_px + side),
        source_id=source.id,
        source_sha256=source.sha256,
        source_width_px=source.width_px,
        source_height_px=source.height_px,
        source_box=Box(left_px=left, top_px=top, right_px=left + width, bottom_px=top + height),
        scale=scale,
    )


def _make_or_keep(
    out: Path, id_: str, sources: Sequence[Source], grid: tuple[int, int], settings: SheetSettings
) -> Sheet:
    """A finished sheet of an earlier run, where it is what would be made now; else a new one."""
    side = settings.tile_px
    tiles = [
        tile_of(source, index % grid[0] * side, index // grid[0] * side, settings)
        for index, source in enumerate(sources)
    ]
    plan = json.dumps([settings.model_dump(), [tile.model_dump() for tile in tiles], pillow_version])
    plan_sha256 = hashlib.sha256(plan.encode()).hexdigest()
    name = f"sheets/{id_}.{'jpg' if settings.format == 'jpeg' else 'png'}"
    note = out / STATE_FOLDER / f"{id_}.txt"
    known = note.read_text(encoding="ascii").split() if note.is_file() else []
    if known[:1] != [plan_sha256] or not (out / name).is_file() or known[1:] != [digest_file(out / name)]:
        data = _render(sources, tiles, grid, settings)
        write_atomic(out / name, data)
        known = [plan_sha256, hashlib.sha256(data).hexdigest()]
        write_atomic(note, " ".join(known).encode())
    width_px, height_px = grid[0] * side, grid[1] * side
    return Sheet(id=id_, file=name, sha256=known[1], width_px=width_px, height_px=height_px, tiles=tuple(tiles))


def _render(sources: Sequence[Source], tiles: Sequence[Tile], grid: tuple[int, int], settings: SheetSettings) -> bytes:
    sheet = Image.new("RGB", (grid[0] * settings.tile_px, grid[1] * settings.tile_px))
    for source, tile in zip(sources, tiles, strict=True):
        shown = rgb_of(read_file(source.path), name=source.id).crop(tile.source_box.edges)
        if shown.size != tile.box.size_px:
            shown = shown.resize(tile.box.size_px, Image.Resampling.LANCZOS)
        sheet.paste(shown, tile.box.edges[:2])
    buffer = io.BytesIO()
    if settings.format == "jpeg":
        sheet.save(buffer, "JPEG", quality=settings.quality, subsampling="4:4:4")
    else:
        sheet.save(buffer, "PNG")
    return buffer.getvalue()
