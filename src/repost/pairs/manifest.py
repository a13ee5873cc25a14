"""The two manifests of the part: what is to be uploaded, and which pairs came of it.

    UPLOAD/sheets.json   a SheetManifest: every file to upload, and where each source lies in it
    PAIRS/pairs.json     a PairManifest: file pairs, tile pairs, and a row for everything that failed

Both are JSON, checked field by field when read, and their paths never lead out of the manifest's folder. Readers of
pairs need `load_pairs` and three classes: `PairManifest`, `FilePair` (the uploaded file and what came back) and
`TilePair` (one source and what became of it).
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, TypeAlias, TypeVar

from pydantic import AfterValidator, Field, ValidationError, model_validator

from repost.core.errors import InputNotFound, UsageError
from repost.core.files import write_atomic
from repost.pairs.manifest_faults import faults_of
from repost.platforms.values import Data

SHEETS_NAME = "sheets.json"
PAIRS_NAME = "pairs.json"
SCHEMA_VERSION = 1
EDGE_PX = 16
"""Tile edges lie on multiples of this: the MCU of JPEG with 4:2:0 chroma, so that no block holds two tiles."""

_MOST_MANIFEST_BYTES = 1 << 30


class InvalidManifest(UsageError):
    """A manifest that cannot be used.

    Attributes:
        path: The file.
        problems: (field path, what is wrong) for every fault found.
    """

    def __init__(self, path: object, problems: list[tuple[str, str]]) -> None:
        self.path, self.problems = str(path), tuple(problems)
        lines = "".join(f"\n  {field or '(file)'}: {message}" for field, message in problems)
        super().__init__(f"'{path}' is not a valid manifest:{lines}\n  write it anew, or undo the edit")


def _stays_inside(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or {"..", "."} & set(path.split("/")) or {"\\", "\0", ":"} & set(path):
        raise ValueError(f"got {path!r}, expected a relative path with forward slashes that stays in the folder")
    return path


InnerPath: TypeAlias = Annotated[str, AfterValidator(_stays_inside)]
"""A path relative to the manifest's folder."""
Name: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Sha256: TypeAlias = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Pixels: TypeAlias = Annotated[int, Field(ge=1, le=65535)]
Rotation: TypeAlias = Literal[0, 90, 180, 270]
Finite: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]


class Box(Data):
    """A rectangle in pixels; right and bottom are exclusive."""

    left_px: Annotated[int, Field(ge=0)]
    top_px: Annotated[int, Field(ge=0)]
    right_px: Annotated[int, Field(ge=1)]
    bottom_px: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _has_area(self) -> Box:
        if self.right_px <= self.left_px or self.bottom_px <= self.top_px:
            raise ValueError(f"got the empty box {self.edges}; right and bottom must be beyond left and top")
        return self

    @property
    def edges(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom, as Pillow takes them."""
        return self.left_px, self.top_px, self.right_px, self.bottom_px

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.right_px - self.left_px, self.bottom_px - self.top_px


class Tile(Data):
    """One source on a sheet. The pixels on the sheet, not those of the source, are the original of the pair.

    Attributes:
        box: Where it lies on the sheet.
        source_id: The source's path below the folder it was found in.
        source_sha256: Of the source file.
        source_width_px: Width of the source, upright.
        source_height_px: Height of the source, upright.
        source_box: The part of the source that is shown.
        scale: Tile pixels per source pixel (Lanczos); 1 where nothing was resampled.
    """

    box: Box
    source_id: str
    source_sha256: Sha256
    source_width_px: Pixels
    source_height_px: Pixels
    source_box: Box
    scale: Annotated[Finite, Field(gt=0)]


class Sheet(Data):
    """One file to upload.

    Attributes:
        id: Short and unique in the manifest.
        file: The file, relative to the manifest.
        sha256: Of the file.
        width_px: Width, upright.
        height_px: Height, upright.
        tiles: What lies on it. A photograph uploaded as it is has one tile, the whole picture.
        about: What a probe file is for, in words; empty for sheets.
    """

    id: Name
    file: InnerPath
    sha256: Sha256
    width_px: Pixels
    height_px: Pixels
    tiles: tuple[Tile, ...] = Field(min_length=1)
    about: str = ""

    @model_validator(mode="after")
    def _tiles_lie_on_it(self) -> Sheet:
        for index, tile in enumerate(self.tiles):
            left, top, right, bottom = tile.box.edges
            if right > self.width_px or bottom > self.height_px:
                raise ValueError(
                    f"tiles.{index}.box: got {tile.box.edges}, expected a box inside "
                    f"{self.width_px}x{self.height_px} px"
                )
            whole = tile.box.edges == (0, 0, self.width_px, self.height_px)
            if not whole and any(edge % EDGE_PX for edge in (left, top, right, bottom)):
                raise ValueError(f"tiles.{index}.box: got {tile.box.edges}, expected edges on multiples of {EDGE_PX}")
        return self


class SheetSettings(Data):
    """How sheets were made.

    Attributes:
        tile_px: Side of a tile.
        max_width_px: Most a sheet may be wide.
        max_height_px: Most a sheet may be high.
        format: "png" is lossless; "jpeg" is written with `quality`, chroma 4:4:4.
        quality: JPEG quality of the sheets, 1-100; None for PNG.
        fit: How a source fills its tile: "fill" scales its short side to the tile and takes the middle, "crop" takes
            the middle at its own scale (a source smaller than a tile is enlarged either way).
    """

    tile_px: Annotated[Pixels, Field(multiple_of=EDGE_PX)]
    max_width_px: Pixels
    max_height_px: Pixels
    format: Literal["png", "jpeg"]
    quality: Annotated[int, Field(ge=1, le=100)] | None = None
    fit: Literal["fill", "crop"]


class FailedSource(Data):
    """A source that is on no sheet, and why."""

    source_id: str
    reason: str


class SheetManifest(Data):
    """What is to be uploaded.

    Attributes:
        schema_version: Of this format.
        kind: "sheets" of many sources, or a "probe" pack.
        platform: The network they are meant for; empty for any.
        seed: What the order and sizes were drawn with.
        settings: How sheets were made; None for a probe pack.
        sheets: The files.
        failed: Sources that could not be used.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    kind: Literal["sheets", "probe"]
    platform: str
    seed: int
    settings: SheetSettings | None
    sheets: tuple[Sheet, ...] = Field(min_length=1)
    failed: tuple[FailedSource, ...] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> SheetManifest:
        for field in ("id", "file"):
            seen: set[str] = set()
            for sheet in self.sheets:
                value = str(getattr(sheet, field)).casefold()
                if value in seen:
                    raise ValueError(f"sheets: {field} '{value}' is given to two sheets")
                seen.add(value)
        return self


class Registration(Data):
    """How a download lies on the upright upload.

    A point (x, y) of the upload, in pixels with the origin at the top left corner, is at
    (scale_x * x + offset_x_px, scale_y * y + offset_y_px) of the download after the download was turned
    counter-clockwise by `rotation`.

    Attributes:
        rotation: Degrees the download is turned counter-clockwise to stand as the upload does.
        scale_x: Download pixels per upload pixel across.
        scale_y: The same down.
        offset_x_px: Where the upload's left edge lies; negative where it was cropped, positive where padded.
        offset_y_px: Where its top edge lies.
        correlation: Of upload and download where both show something, luma at this registration, 0 to 1.
    """

    rotation: Rotation
    scale_x: Annotated[Finite, Field(gt=0)]
    scale_y: Annotated[Finite, Field(gt=0)]
    offset_x_px: Finite
    offset_y_px: Finite
    correlation: Finite

    @property
    def resized(self) -> bool:
        """Whether the network changed the scale."""
        return (self.scale_x, self.scale_y) != (1.0, 1.0)


class FilePair(Data):
    """An uploaded file and what came back; both are kept unchanged in the folder of the manifest.

    Attributes:
        sheet_id: The sheet.
        upload: The uploaded file, relative to the manifest.
        upload_sha256: Of it.
        download: The downloaded file, relative to the manifest.
        download_sha256: Of it.
        download_name: What it was called when it was found.
        registration: How it lies on the upload.
        tiles_visible: Tiles that are wholly in the download.
        tiles_verified: Tiles of those that correlation confirmed.
    """

    sheet_id: Name
    upload: InnerPath
    upload_sha256: Sha256
    download: InnerPath
    download_sha256: Sha256
    download_name: str
    registration: Registration
    tiles_visible: Annotated[int, Field(ge=0)]
    tiles_verified: Annotated[int, Field(ge=0)]


class TilePair(Data):
    """One source, as it was uploaded and as it came back.

    Attributes:
        id: Unique: sheet id and number of the tile.
        sheet_id: The sheet, and so the `FilePair`.
        source_id: The source; split data sets by this.
        source_sha256: Of the source file.
        original: Lossless PNG of the tile as uploaded, relative to the manifest.
        transmitted: Lossless PNG of the tile as it came back, at its native size, turned upright, not resampled.
        box: Where the tile lies on the sheet.
        transmitted_box: Where it was cut from the upright download, rounded to whole pixels.
        shift_x_px: How far right of `transmitted_box` the tile's true left edge lies, in download pixels.
        shift_y_px: The same for its top edge.
        derivative: PNG of the transmitted tile resampled (Lanczos) to the size of the original; None where the network
            kept the scale. It is a convenience and not what the network served.
        correlation: Of the two tiles, luma, 0 to 1.
    """

    id: str
    sheet_id: Name
    source_id: str
    source_sha256: Sha256
    original: InnerPath
    transmitted: InnerPath
    box: Box
    transmitted_box: Box
    shift_x_px: Finite
    shift_y_px: Finite
    derivative: InnerPath | None
    correlation: Finite


ProblemKind: TypeAlias = Literal[
    "missing", "duplicate", "copy", "wrong", "thumbnail", "ambiguous", "unreadable", "tile_hidden", "tile_rejected"
]
"""missing: no download shows the sheet. duplicate: several do, and none is used. copy: the same bytes a second time;
harmless. wrong: a download that shows no sheet. thumbnail: a much smaller copy. ambiguous: a download that could be
several sheets. unreadable: a file that is no sound image. tile_hidden: cropped away, which is no failure.
tile_rejected: the tile is there but correlation does not confirm it."""

HARMLESS: tuple[ProblemKind, ...] = ("copy", "tile_hidden")
"""Rows that are told but do not count as failures."""


class Problem(Data):
    """Something that gave no pair.

    Attributes:
        kind: What happened.
        sheet_id: The sheet, where one is concerned.
        tile_index: The tile on it, counted from 0, where one is concerned.
        downloads: Names of the downloads concerned.
        reason: In words.
    """

    kind: ProblemKind
    sheet_id: str | None = None
    tile_index: int | None = None
    downloads: tuple[str, ...] = ()
    reason: str


class PairManifest(Data):
    """What came of an upload.

    Attributes:
        schema_version: Of this format.
        platform: The network, as the sheets name it; empty when unknown.
        kind: What was uploaded.
        files: Uploaded and downloaded files that belong together.
        tiles: Sources that were confirmed.
        problems: Everything else, named.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    platform: str
    kind: Literal["sheets", "probe"]
    files: tuple[FilePair, ...] = ()
    tiles: tuple[TilePair, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether anything failed."""
        return any(problem.kind not in HARMLESS for problem in self.problems)


_Manifest = TypeVar("_Manifest", SheetManifest, PairManifest)


def load_sheets(path: Path) -> SheetManifest:
    """Read what was made to be uploaded.

    Args:
        path: The manifest, or the folder it is in.

    Raises:
        InputNotFound: There is none.
        InvalidManifest: It cannot be used; every faulty field is named.
    """
    return _load(path, SHEETS_NAME, SheetManifest)


def load_pairs(path: Path) -> PairManifest:
    """Read recovered pairs.

    Args:
        path: The manifest, or the folder it is in. Its paths are relative to that folder.

    Raises:
        InputNotFound: There is none.
        InvalidManifest: It cannot be used; every faulty field is named.
    """
    return _load(path, PAIRS_NAME, PairManifest)


def write_manifest(path: Path, manifest: SheetManifest | PairManifest) -> None:
    """Write a manifest whole or not at all; the same content is the same bytes."""
    text = json.dumps(manifest.model_dump(mode="json"), indent=1, ensure_ascii=False)
    write_atomic(path, (text + "\n").encode())


def _load(path: Path, name: str, model: type[_Manifest]) -> _Manifest:
    if path.is_dir():
        path = path / name
    if not path.is_file():
        raise InputNotFound(path)
    if path.stat().st_size > _MOST_MANIFEST_BYTES:
        raise InvalidManifest(path, [("", "it is larger than 1 GiB")])
    try:
        return model.model_validate_json(path.read_bytes(), strict=True)
    except ValidationError as error:
        raise InvalidManifest(path, faults_of(error)) from error
