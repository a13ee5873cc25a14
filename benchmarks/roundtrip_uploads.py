"""Uploads and invented networks for roundtrip.py."""

from __future__ import annotations

import io
import random
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms

from repost.media.jpeg_tables import ijg_tables
from repost.platforms.catalog import parse_profile
from repost.platforms.profile import Profile

LIMITS_PX = (400, 612, 640, 720, 752, 800, 900, 1000, 1080, 1280, 1400, 1500, 2000, 2048, 2560, 4096)
KERNELS = ("lanczos", "bicubic", "bilinear", "box", "area", "box_gm")


def photographs(root: Path, count: int) -> list[Path]:
    """Wallpapers, of which crops and reductions are uploaded."""
    folders = ("open_wallpapers", "ubuntu_wallpapers")
    paths = [path for folder in folders for path in sorted((root / "photos" / folder).glob("*.jpg"))]
    return random.Random(7).sample(paths, min(count, len(paths)))


def make_upload(paths: list[Path], rng: random.Random) -> bytes:
    """One upload: any size around the limits networks use, any aspect, JPEG, PNG or WebP, with or without metadata."""
    photo = _photo(rng.choice(paths))
    long_side = round(rng.choice(LIMITS_PX) * rng.choice((0.6, 0.985, 0.998, 1, 1.002, 1.015, 1.4)))
    # Long pictures are narrow, so that two hundred uploads take minutes.
    aspect = rng.uniform(0.45, 1) if long_side < 1500 else rng.uniform(0.12, 0.4)
    size = (long_side, max(64, round(long_side * aspect)))
    if rng.random() < 0.4:
        size = size[::-1]
    picture = _cut(photo, size, rng)
    return _saved(picture, rng)


def _cut(photo: Image.Image, size: tuple[int, int], rng: random.Random) -> Image.Image:
    """A part of the photograph of the wanted shape, scaled to the size."""
    scale = max(size[0] / photo.width, size[1] / photo.height)
    box = (round(size[0] / scale), round(size[1] / scale))
    left, top = rng.randint(0, photo.width - box[0]), rng.randint(0, photo.height - box[1])
    return photo.resize(size, Image.Resampling.LANCZOS, box=(left, top, left + box[0], top + box[1]))


def _saved(picture: Image.Image, rng: random.Random) -> bytes:
    buffer = io.BytesIO()
    kind = rng.choices(("jpeg", "png", "webp"), (0.7, 0.25, 0.05))[0]
    icc = rng.choices((b"", _icc("sRGB"), _icc("P3")), (0.7, 0.2, 0.1))[0] if kind != "webp" else b""
    if kind == "jpeg":
        exif = Image.Exif()
        exif[0x0112] = rng.choices((1, 3, 6, 8), (0.7, 0.1, 0.15, 0.05))[0]
        exif[0x010F] = "Camera"
        picture.save(
            buffer, "JPEG", quality=rng.randint(84, 98), subsampling=rng.choice((0, 2)),
            exif=exif.tobytes() if rng.random() < 0.5 else b"", icc_profile=icc,
        )  # fmt: skip
    elif kind == "png":
        if rng.random() < 0.15:
            picture = picture.copy()
            picture.putalpha(Image.linear_gradient("L").resize(picture.size))
        picture.save(buffer, "PNG", icc_profile=icc, compress_level=1)
    else:
        picture.save(buffer, "WEBP", quality=95)
    return buffer.getvalue()


@lru_cache(maxsize=64)
def _photo(path: Path) -> Image.Image:
    return Image.open(path).convert("RGB")


@lru_cache(maxsize=2)
def _icc(kind: str) -> bytes:
    """A plain sRGB profile, or one with the primaries of Display P3, as phones write it."""
    made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for tag, colorant in _P3.items() if kind == "P3" else ():
        entry = made.index(tag)
        offset = int.from_bytes(made[entry + 4 : entry + 8], "big") + 8
        for axis, number in enumerate(colorant):
            made[offset + 4 * axis : offset + 4 * axis + 4] = round(number * 65536).to_bytes(4, "big", signed=True)
    return bytes(made)


_P3 = {
    b"rXYZ": (0.515102, 0.241182, -0.001045),
    b"gXYZ": (0.291965, 0.692236, 0.041882),
    b"bXYZ": (0.157153, 0.066819, 0.784378),
}
"""Display P3's primaries, adapted to D50 as profiles hold them (SMPTE EG 432-1, Bradford)."""


def invented(number: int) -> Profile:
    """A network that does not exist, with hidden settings drawn at random."""
    rng = random.Random(f"invented {number}")
    rules = [_rule(rng, _condition(rng)) for _ in range(rng.choice((0, 1, 1, 2)))]
    return parse_profile(
        {
            "platform": f"invented-{number}",
            "observed": "2026",
            "summary": "drawn at random",
            "evidence": [{"kind": "inferred", "source": "a random generator"}],
            "rules": [*rules, _rule(rng, {})],
        },
        source="invented",
    )


def _condition(rng: random.Random) -> dict[str, Any]:
    return rng.choice(
        (
            {"format": ["png"]},
            {"long_side_px": {"over": rng.choice(LIMITS_PX[5:-1])}},
            {"width_px": {"at_most": rng.choice(LIMITS_PX[3:10])}},
            {"pixel_count": {"over": rng.choice((400_000, 700_000, 1_000_000))}},
            {"has_alpha": True},
        )
    )


def _rule(rng: random.Random, when: dict[str, Any]) -> dict[str, Any]:
    if when and rng.random() < 0.2:
        return {"media": "image", "name": "kept", "when": when, "steps": [{"op": "passthrough"}]}
    steps: list[dict[str, Any]] = []
    if rng.random() < 0.5:
        steps.append({"op": "metadata", "exif": rng.choice(("strip", "keep")), "icc": rng.choice(("keep", "srgb"))})
    if rng.random() < 0.2:
        steps.append({"op": "decode", "upsampling": "replicate"})
    if rng.random() < 0.8:
        steps.append({"op": "orient"})
    if rng.random() < 0.4:
        steps.append({"op": "colour", "to": "srgb"})
    if rng.random() < 0.8:
        steps.append(_resize(rng))
    steps.append(_encode(rng))
    return {"media": "image", "name": "encoded", "when": when, "steps": steps}


def _resize(rng: random.Random) -> dict[str, Any]:
    kernel = rng.choice(KERNELS)
    fit = rng.choice(("long_side", "width", "inside", "short_side", "cover"))
    if fit == "cover":
        side = rng.choice(LIMITS_PX[:6])
        return {"op": "resize", "fit": "cover", "width_px": side, "height_px": side, "kernel": kernel}
    if fit == "inside":
        return {"op": "resize", "fit": fit, "width_px": rng.choice((1080, 1280)), "height_px": 1350, "kernel": kernel}
    px = rng.choice(LIMITS_PX[3:12])
    rounding = rng.choices(("nearest", "floor"), (0.8, 0.2))[0]
    return {
        "op": "resize",
        "fit": fit,
        "px": px,
        "kernel": kernel,
        "rounding": rounding,
        "upscale": rng.random() < 0.15,
    }


def _encode(rng: random.Random) -> dict[str, Any]:
    codec = rng.choices(("jpeg", "webp"), (0.9, 0.1))[0]
    quality = _quality(rng)
    if codec == "webp":
        return {"op": "encode", "codec": "webp", "quality": quality}
    step: dict[str, Any] = {
        "op": "encode",
        "codec": "jpeg",
        "subsampling": rng.choice(("4:2:0", "4:2:0", "4:4:4", "4:2:2")),
        "progressive": rng.random() < 0.5,
        "optimize_huffman": rng.random() < 0.5,
        "quantiser": rng.choices(("libjpeg", "half_even"), (0.85, 0.15))[0],
    }
    if rng.random() < 0.2:
        luma, chroma = (list(table) for table in ijg_tables(rng.randint(60, 92)))
        for table in (luma, chroma):
            for _ in range(12):
                table[rng.randrange(64)] += rng.randint(1, 6)
        return step | {"tables": {"luma": luma, "chroma": chroma}}
    return step | {"quality": quality}


def _quality(rng: random.Random) -> Any:  # noqa: ANN401 - a Value as plain data
    first, second, third = (rng.randint(55, 96) for _ in range(3))
    return rng.choice(
        (
            first,
            first,
            {"choice": [first, second, third], "weights": [0.6, 0.3, 0.1]},
            {"by": "pixel_count", "bands": [{"under": 500_000, "value": first}], "otherwise": second},
        )
    )
