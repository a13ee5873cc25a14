"""Twenty files whose downloads tell most of what a network does: sizes, formats, qualities, metadata, transparency.

Every file shows something else, so that a download is recognised by its picture however it was renamed.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

import numpy as np
from PIL import Image

from repost.batch.journal import STATE_FOLDER
from repost.batch.lock import output_lock
from repost.core.errors import OutputUnwritable, RepostError, UnsafeOutput, UsageError
from repost.core.files import write_atomic
from repost.core.seeding import derive_random
from repost.media.colour import srgb_profile
from repost.media.metadata import insert_metadata
from repost.media.read import read_file
from repost.pairs.downloads import rgb_of
from repost.pairs.manifest import SHEETS_NAME, Box, Sheet, SheetManifest, Tile, load_sheets, write_manifest

README_NAME = "README.txt"

Progress = Callable[[int, "int | None"], None]
Extra = Literal["", "exif", "icc_xmp", "alpha", "progressive"]


@dataclass(frozen=True, slots=True)
class ProbeFile:
    """One file of the pack.

    Attributes:
        name: Its name without extension.
        size_px: Upright width and height.
        about: What it is for.
        quality: JPEG quality, 1-100; None for PNG.
        flat: Smooth shading instead of detail: networks may choose quality by content.
        extra: What else is in it: camera EXIF with orientation 6 and a place, an ICC profile with XMP, transparency,
            or progressive coding with chroma 4:4:4.
    """

    name: str
    size_px: tuple[int, int]
    about: str
    quality: int | None = 92
    flat: bool = False
    extra: Extra = ""


FILES = (
    ProbeFile("png_880", (880, 880), "PNG just under 900 px, where Twitter keeps PNG", quality=None),
    ProbeFile("png_920", (920, 920), "PNG just over 900 px", quality=None),
    ProbeFile("jpeg_1072", (1072, 1340), "just under 1080 px wide, 4:5", quality=95),
    ProbeFile("jpeg_1096", (1096, 1370), "just over 1080 px wide, 4:5", quality=95),
    ProbeFile("jpeg_1264", (1264, 948), "just under 1280 px, WeChat's width"),
    ProbeFile("jpeg_1296", (1296, 972), "just over 1280 px"),
    ProbeFile("jpeg_1584", (1584, 1188), "just under 1600 px", quality=85),
    ProbeFile("jpeg_1616", (1616, 1212), "just over 1600 px", quality=85),
    ProbeFile("jpeg_2032", (2032, 1524), "just under 2048 px, Facebook's and Weibo's limit"),
    ProbeFile("jpeg_2064", (2064, 1548), "just over 2048 px"),
    ProbeFile("jpeg_2544", (1908, 2544), "just under 2560 px, Telegram's limit, upright", quality=75),
    ProbeFile("jpeg_2576", (1932, 2576), "just over 2560 px, upright", quality=75),
    ProbeFile("jpeg_4080", (4080, 3060), "just under 4096 px, Twitter's limit", quality=90),
    ProbeFile("jpeg_4112", (4112, 3084), "just over 4096 px", quality=90),
    ProbeFile("jpeg_flat", (1000, 750), "smooth shading as JPEG", flat=True),
    ProbeFile("png_flat", (1008, 756), "smooth shading as PNG", quality=None, flat=True),
    ProbeFile("jpeg_low", (800, 600), "JPEG of low quality, turned by EXIF, with a place", quality=60, extra="exif"),
    ProbeFile("jpeg_profile", (1024, 768), "JPEG with a colour profile and XMP", quality=97, extra="icc_xmp"),
    ProbeFile("jpeg_best", (1200, 900), "JPEG of best quality, progressive, 4:4:4", quality=100, extra="progressive"),
    ProbeFile("png_alpha", (840, 630), "PNG with a transparent corner", quality=None, extra="alpha"),
)
"""The pack. Sizes lie 0.4 to 2 % to either side of the limits of the bundled profiles."""

_PATCH_PX = (400, 300)
_GPS_IFD = 0x8825
_ORIENTATION_TAG, _TURN_CLOCKWISE = 0x0112, 6
_XMP = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/jpeg"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)
_README = """These {count} files find out what a network does to images.

1. Upload every file of the folder `files` to the network, by hand, the way you want to know about (app or web page,
   post or message). One upload each; do not edit, crop or filter them.
2. Download each one from the network in the largest size it offers. Take the file itself, not a screenshot and not
   the preview. Names and order do not matter. Put all downloads, of this one network, into one folder.
3. Find the pairs:          repost pairs recover --manifest . --downloads FOLDER -o PAIRS
4. Learn the profile:       repost estimate images --pairs PAIRS --platform NAME -o profile.toml
   and use it:              repost emulate PHOTO --profile profile.toml

Missing and wrong downloads are named in step 3; the rest works without them.

{table}
"""


def make_probe_pack(
    out: Path, photos: Sequence[Path], *, platform: str = "", seed: int = 0, on_progress: Progress | None = None
) -> SheetManifest:
    """Write the pack, its manifest and a README.

    Args:
        out: Folder for it.
        photos: Photographs the pictures are made of; made-up texture where there are none.
        platform: The network it is meant for; only written down.
        seed: Decides which parts of the photographs are shown.
        on_progress: Told how many files are finished, and how many there are.

    Returns:
        The manifest, as written to OUT/sheets.json.

    Raises:
        InputNotFound: A photograph does not exist.
        MediaError: A photograph cannot be decoded.
        UnsafeOutput: A photograph lies where a file of the pack goes.
        UsageError: `out` holds a file of that name that no earlier run made, or a pack of other photographs or seed.
        OutputBusy: Another run writes there.
        OutputUnwritable: It cannot be written.
    """
    _check_place(out, photos)
    pictures = [rgb_of(read_file(path), name=str(path)) for path in photos]
    made: list[Sheet] = []
    with output_lock(out):
        there = out / SHEETS_NAME
        known = {sheet.id: sheet.sha256 for sheet in load_sheets(there).sheets} if there.exists() else {}
        try:
            (out / "files").mkdir(exist_ok=True)
            for file in FILES:
                sheet, data = _make(file, pictures, derive_random(seed, "probe", file.name))
                if known and known.get(sheet.id) != sheet.sha256:
                    raise UsageError(
                        f"got a folder that holds another pack, expected a new one: '{there}' is needed to recover "
                        "what was uploaded; choose another folder with -o"
                    )
                write_atomic(out / sheet.file, data)
                made.append(sheet)
                if on_progress is not None:
                    on_progress(len(made), len(FILES))
            table = "\n".join(f"{sheet.file:<28} {sheet.about}" for sheet in made)
            write_atomic(out / README_NAME, _README.format(count=len(made), table=table).encode())
            manifest = SheetManifest(kind="probe", platform=platform, seed=seed, settings=None, sheets=tuple(made))
            write_manifest(out / SHEETS_NAME, manifest)
        except OSError as error:
            if isinstance(error, RepostError):
                raise
            raise OutputUnwritable(out, reason=error.strerror or str(error)) from error
    return manifest


def _check_place(out: Path, photos: Sequence[Path]) -> None:
    """Files that somebody keeps in the folder are not replaced; those of an earlier run are."""
    places = [out / name for name in (README_NAME, SHEETS_NAME, *(f"files/{_file_name(file)}" for file in FILES))]
    real = {place.resolve() for place in places}
    for photo in photos:
        if photo.resolve() in real:
            raise UnsafeOutput(out, source=photo)
    taken = [place for place in places if place.exists()]
    if taken and not (out / STATE_FOLDER).is_dir():
        raise UsageError(f"got a folder that already holds '{taken[0]}', expected a new one; choose another with -o")


def _file_name(file: ProbeFile) -> str:
    return f"{file.name}.{'png' if file.quality is None else 'jpg'}"


def _make(file: ProbeFile, photos: Sequence[Image.Image], rng: Random) -> tuple[Sheet, bytes]:
    shown = _shading(file.size_px, rng) if file.flat else _mosaic(file.size_px, photos, rng)
    data = _as_png(shown, file) if file.quality is None else _as_jpeg(shown, file, file.quality)
    name = f"files/{_file_name(file)}"
    width_px, height_px = file.size_px
    sha256 = hashlib.sha256(data).hexdigest()
    whole = Box(left_px=0, top_px=0, right_px=width_px, bottom_px=height_px)
    tile = Tile(
        box=whole,
        source_id=name,
        source_sha256=sha256,
        source_width_px=width_px,
        source_height_px=height_px,
        source_box=whole,
        scale=1.0,
    )
    sheet = Sheet(
        id=file.name,
        file=name,
        sha256=sha256,
        width_px=width_px,
        height_px=height_px,
        tiles=(tile,),
        about=file.about,
    )
    return sheet, data


def _mosaic(size_px: tuple[int, int], photos: Sequence[Image.Image], rng: Random) -> Image.Image:
    """Parts of photographs at their own scale, side by side: no two mosaics are alike, even of one photograph."""
    mosaic = Image.new("RGB", size_px)
    for top in range(0, size_px[1], _PATCH_PX[1]):
        for left in range(0, size_px[0], _PATCH_PX[0]):
            mosaic.paste(_patch(rng.choice(photos), rng) if photos else _texture(rng), (left, top))
    return mosaic


def _patch(photo: Image.Image, rng: Random) -> Image.Image:
    width, height = (min(size, patch) for size, patch in zip(photo.size, _PATCH_PX, strict=True))
    left, top = rng.randint(0, photo.width - width), rng.randint(0, photo.height - height)
    part = photo.crop((left, top, left + width, top + height)).resize(_PATCH_PX, Image.Resampling.LANCZOS)
    return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else part


def _texture(rng: Random) -> Image.Image:
    """Noise of four scales, as busy as most photographs."""
    noise = np.random.default_rng(rng.getrandbits(64))
    total = np.zeros((_PATCH_PX[1], _PATCH_PX[0], 3), np.float32)
    for cell in (2, 8, 32, 128):
        cells = (-(-_PATCH_PX[1] // cell), -(-_PATCH_PX[0] // cell), 3)
        coarse = Image.fromarray(noise.integers(0, 256, cells, np.uint8))
        total += np.asarray(coarse.resize(_PATCH_PX, Image.Resampling.BICUBIC), np.float32) / 4
    return Image.fromarray(total.astype(np.uint8))


def _shading(size_px: tuple[int, int], rng: Random) -> Image.Image:
    """Smooth colour without detail."""
    noise = np.random.default_rng(rng.getrandbits(64))
    few = noise.integers(20, 236, (4, 5, 3)).astype(np.uint8)
    return Image.fromarray(few).resize(size_px, Image.Resampling.BICUBIC)


def _as_png(shown: Image.Image, file: ProbeFile) -> bytes:
    if file.extra == "alpha":
        fade = np.full((shown.height, shown.width), 255, np.uint8)
        side = min(shown.size) // 4
        fade[-side:, -side:] = np.minimum.outer(np.linspace(255, 0, side), np.linspace(255, 0, side)).astype(np.uint8)
        shown.putalpha(Image.fromarray(fade))
    buffer = io.BytesIO()
    shown.save(buffer, "PNG")
    return buffer.getvalue()


def _as_jpeg(shown: Image.Image, file: ProbeFile, quality: int) -> bytes:
    stored = shown.transpose(Image.Transpose.ROTATE_90) if file.extra == "exif" else shown
    progressive = file.extra == "progressive"
    buffer = io.BytesIO()
    subsampling = "4:4:4" if progressive else "4:2:0"
    stored.save(buffer, "JPEG", quality=quality, subsampling=subsampling, progressive=progressive)
    if file.extra == "exif":
        return insert_metadata(buffer.getvalue(), exif=_camera_exif())
    if file.extra == "icc_xmp":
        return insert_metadata(buffer.getvalue(), icc=srgb_profile(), xmp=_XMP)
    return buffer.getvalue()


def _camera_exif() -> bytes:
    """Made up: a camera, a time, a place in the sea, and a picture lying on its side."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[_ORIENTATION_TAG] = "Example", "Example Phone", _TURN_CLOCKWISE
    exif[0x0132] = "2024:05:01 12:00:00"
    exif.get_ifd(_GPS_IFD).update({1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)})
    return exif.tobytes()
