"""Write what was confirmed: the files as they are, and the tiles cut from them.

    PAIRS/files/<sheet>.upload.png       what was uploaded, and beside it what came back, both byte for byte
    PAIRS/original/<sheet>_<tile>.png    tiles as uploaded
    PAIRS/transmitted/...                the same tiles as they came back, at their native size
    PAIRS/derivative/...                 resampled to the original's size, where the network resized

A sheet is cut while both of its pictures are still decoded, and discarded should a second download turn out to show it.
Tiles are compressed in other threads while the next download is matched.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from repost.core.errors import OutputUnwritable
from repost.core.files import write_atomic
from repost.media.png import png_bytes
from repost.media.read import open_image
from repost.media.sniff import EXTENSIONS
from repost.pairs.manifest import FilePair, Problem, Registration, Sheet, TilePair
from repost.pairs.match import Match

FOLDERS = ("files", "original", "transmitted", "derivative")


@dataclass(frozen=True, slots=True)
class Copy:
    """A file with what it shows.

    Attributes:
        name: What it is called.
        sha256: Of its content.
        data: Its content.
        picture: Mode RGB, upright; of a download, not yet turned as the sheet stands.
    """

    name: str
    sha256: str
    data: bytes
    picture: Image.Image


@dataclass(frozen=True, slots=True)
class Cut:
    """What became of one sheet.

    Attributes:
        out: The folder of the pairs.
        file: The files.
        refused: Tiles that gave no pair.
        pending: Tiles that are written or will be.
    """

    out: Path
    file: FilePair
    refused: tuple[Problem, ...]
    pending: tuple[Future[TilePair], ...]

    def tiles(self) -> list[TilePair]:
        """The tiles, in the order of the sheet, once all are written.

        Raises:
            OutputUnwritable: One could not be.
        """
        return [future.result() for future in self.pending]

    def discard(self) -> None:
        """Take the files away again."""
        written = [self.file.upload, self.file.download]
        for tile in self.tiles():
            written += [tile.original, tile.transmitted, *filter(None, [tile.derivative])]
        for name in written:
            with contextlib.suppress(OSError):
                (self.out / name).unlink()


class Cutter:
    """Cuts sheets into a folder; made by `cutting`."""

    def __init__(self, out: Path, pool: ThreadPoolExecutor) -> None:
        self._out, self._pool = out, pool
        self._last: Cut | None = None

    def cut(self, sheet: Sheet, upload: Copy, download: Copy, match: Match) -> Cut:
        """Write the files of a sheet and begin to write its tiles.

        Args:
            sheet: The sheet.
            upload: Its file.
            download: What came back.
            match: How it lies, and which of its tiles are confirmed.

        Raises:
            OutputUnwritable: Something could not be written.
        """
        if self._last is not None:
            self._last.tiles()  # so that no more than two sheets are in memory
        cutout = _Cutout(self._out, sheet, upload.picture, match.upright(download.picture), match)
        file = self._write_files(sheet, upload, download, match)
        confirmed = [number for number, check in enumerate(match.checks) if check.box and not check.refusal]
        pending = tuple(self._pool.submit(cutout.write, number) for number in confirmed)
        self._last = Cut(self._out, file, _refused(sheet, download.name, match), pending)
        return self._last

    def _write_files(self, sheet: Sheet, upload: Copy, download: Copy, match: Match) -> FilePair:
        _, facts = open_image(download.data, name=download.name)
        names = (
            f"files/{sheet.id}.upload{Path(sheet.file).suffix}",
            f"files/{sheet.id}.download.{EXTENSIONS[facts.format]}",
        )
        for name, copy in zip(names, (upload, download), strict=True):
            _write(self._out, name, copy.data)
        place, checks = match.placement, match.checks
        return FilePair(
            sheet_id=sheet.id,
            upload=names[0],
            upload_sha256=upload.sha256,
            download=names[1],
            download_sha256=download.sha256,
            download_name=download.name,
            registration=Registration(
                rotation=match.rotation,
                scale_x=place.scale_x,
                scale_y=place.scale_y,
                offset_x_px=place.offset_x_px,
                offset_y_px=place.offset_y_px,
                correlation=round(match.correlation, 6),
            ),
            tiles_visible=sum(check.box is not None for check in checks),
            tiles_verified=sum(check.box is not None and check.refusal is None for check in checks),
        )


@contextlib.contextmanager
def cutting(out: Path) -> Generator[Cutter, None, None]:
    """A `Cutter` for a folder; everything it began is written when the block ends.

    Args:
        out: The folder, which exists.

    Yields:
        The cutter.

    Raises:
        OutputUnwritable: The folder takes no more.
    """
    try:
        for folder in FOLDERS:
            (out / folder).mkdir(exist_ok=True)
    except OSError as error:
        raise OutputUnwritable(out, reason=error.strerror or str(error)) from error
    with ThreadPoolExecutor() as pool:  # zlib lets go of the interpreter while it compresses
        yield Cutter(out, pool)


@dataclass(frozen=True, slots=True)
class _Cutout:
    """A sheet and its download, turned alike, to cut tiles from."""

    out: Path
    sheet: Sheet
    upload: Image.Image
    download: Image.Image
    match: Match

    def write(self, number: int) -> TilePair:
        tile, check, place = self.sheet.tiles[number], self.match.checks[number], self.match.placement
        assert check.box is not None
        id_ = f"{self.sheet.id}_{number:03d}"
        self._write_png(f"original/{id_}.png", self.upload.crop(tile.box.edges))
        self._write_png(f"transmitted/{id_}.png", self.download.crop(check.box.edges))
        derivative = None
        if (place.scale_x, place.scale_y) != (1.0, 1.0):
            derivative = f"derivative/{id_}.png"
            left, top = check.box.left_px + check.shift_x_px, check.box.top_px + check.shift_y_px
            right, bottom = (
                left + tile.box.size_px[0] * place.scale_x,
                top + tile.box.size_px[1] * place.scale_y,
            )
            edges = (max(0, left), max(0, top), min(self.download.width, right), min(self.download.height, bottom))
            resampled = self.download.resize(tile.box.size_px, Image.Resampling.LANCZOS, box=edges)
            self._write_png(derivative, resampled)
        return TilePair(
            id=id_,
            sheet_id=self.sheet.id,
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

    def _write_png(self, name: str, image: Image.Image) -> None:
        _write(self.out, name, png_bytes(np.asarray(image)))


def _write(out: Path, name: str, data: bytes) -> None:
    try:
        write_atomic(out / name, data)
    except OSError as error:
        raise OutputUnwritable(out, reason=error.strerror or str(error)) from error


def _refused(sheet: Sheet, download_name: str, match: Match) -> tuple[Problem, ...]:
    return tuple(
        Problem(
            kind="tile_hidden" if check.box is None else "tile_rejected",
            sheet_id=sheet.id,
            tile_index=number,
            downloads=(download_name,),
            reason=check.refusal or "it was cropped away",
        )
        for number, check in enumerate(match.checks)
        if check.box is None or check.refusal
    )
