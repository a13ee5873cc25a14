"""Files for `identify.py`: uploads as people make them, files nobody shared, and files of invented networks.

Pixels come from photographs; how they are coded is drawn here. Nothing here is shared with the shares that
`repost.estimation.identify.population` assumes: the tables of the made-up cameras are random, and the sizes, qualities
and metadata are lists of this file's own.
"""

from __future__ import annotations

import io
import random
from pathlib import Path

from PIL import Image, ImageCms, ImageOps

from repost.media.jpeg_tables import ijg_tables

SIZES_PX = (800, 1024, 1280, 1440, 1600, 1920, 2048, 2400, 2592, 3000, 3264, 4032)
"""Long sides of uploads; the photographs are resampled to them, since only the headers matter here."""

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def photographs(folders: list[Path], *, count: int, rng: random.Random) -> list[Path]:
    """Photographs drawn from folders without repeating any."""
    found = sorted(path for folder in folders for path in folder.glob("*") if path.suffix in (".jpg", ".png"))
    return rng.sample(found, min(count, len(found)))


def upload(path: Path, rng: random.Random) -> tuple[str, bytes]:
    """What a person uploads: a camera's JPEG, one that a program wrote, or a PNG.

    Returns:
        Its kind, and the file.
    """
    picture = _sized(path, rng.choice(SIZES_PX))
    kind = rng.choices(("camera", "program", "png"), weights=(6, 2.5, 1.5))[0]
    if kind == "camera":
        return kind, camera_jpeg(picture, rng)
    if kind == "png":
        small = picture.resize((max(1, picture.width // 2), max(1, picture.height // 2)))
        return kind, _saved(small, "PNG", icc_profile=SRGB if rng.random() < 0.3 else None)
    return kind, program_jpeg(picture, rng)


def camera_jpeg(picture: Image.Image, rng: random.Random) -> bytes:
    """A JPEG as cameras write: tables of their own, baseline, EXIF, sometimes a colour profile, sometimes turned."""
    scale = rng.uniform(0.05, 0.35)
    tables = [[max(1, round(entry * scale * rng.uniform(0.8, 1.2))) for entry in table] for table in ijg_tables(50)]
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0132] = "Wind Tunnel", f"WT-{rng.randrange(9)}", "2026:05:01 10:00:00"
    exif[0x0112] = 6 if rng.random() < 0.15 else 1
    settings = {"qtables": tables, "subsampling": rng.choice(("4:2:0", "4:2:2")), "exif": exif.tobytes()}
    return _saved(picture, "JPEG", icc_profile=SRGB if rng.random() < 0.4 else None, **settings)


def program_jpeg(picture: Image.Image, rng: random.Random) -> bytes:
    """A JPEG as libraries write: an IJG quality, no metadata."""
    return _saved(
        picture,
        "JPEG",
        quality=rng.randrange(70, 101),
        subsampling=rng.choice(("4:2:0", "4:2:0", "4:4:4")),
        progressive=rng.random() < 0.2,
        optimize=rng.random() < 0.3,
    )


def stranger(path: Path, rng: random.Random) -> bytes:
    """A file as served by a network nobody has described: a limit, a quality, a scan type, no metadata."""
    picture = _sized(path, rng.choice((700, 900, 960, 1200, 1280, 1334, 1600, 1920, 2000)))
    progressive = rng.random() < 0.5
    return _saved(
        picture,
        "JPEG",
        quality=rng.randrange(60, 98),
        subsampling=rng.choice(("4:2:0", "4:2:0", "4:2:0", "4:4:4")),
        progressive=progressive,
        optimize=rng.random() < 0.5,
    )


def _sized(path: Path, long_side_px: int) -> Image.Image:
    with Image.open(path) as opened:
        picture = ImageOps.exif_transpose(opened).convert("RGB")
    ratio = long_side_px / max(picture.size)
    return picture.resize((round(picture.width * ratio), round(picture.height * ratio)), Image.Resampling.BICUBIC)


def _saved(picture: Image.Image, format_: str, **settings: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format_, **{name: value for name, value in settings.items() if value is not None})
    return buffer.getvalue()
