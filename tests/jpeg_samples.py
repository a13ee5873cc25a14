"""JPEG files of every kind the reader must know, written by Pillow, jpeglib or by hand."""

import io
import tempfile
from functools import cache
from pathlib import Path

import jpeglib
import numpy as np
from PIL import Image, ImageCms

COMMENT = b"made by hand"
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture(width_px: int = 53, height_px: int = 37, *, seed: int = 0) -> Image.Image:
    """A smooth coloured field with edges and noise."""
    y, x = np.mgrid[:height_px, :width_px]
    rng = np.random.default_rng(seed)
    planes = [127 + 90 * np.sin(x / (5 + seed) + k) * np.cos(y / 7) + 40 * ((x // 9 + y // 6) % 2) for k in range(3)]
    pixels = np.stack(planes, axis=-1) + rng.normal(0, 8, (height_px, width_px, 3))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def save(image: Image.Image, format_: str = "JPEG", **settings) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_, **settings)
    return buffer.getvalue()


def decode(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def segment(code: int, payload: bytes) -> bytes:
    return bytes((0xFF, code)) + (len(payload) + 2).to_bytes(2, "big") + payload


def after_soi(data: bytes, *segments: bytes) -> bytes:
    return data[:2] + b"".join(segments) + data[2:]


def exif() -> bytes:
    tags = Image.Exif()
    tags[0x0112], tags[0x010F] = 6, "Wind Tunnel"
    tags.get_ifd(0x8769)[0x9003] = "2024:01:02 03:04:05"
    tags.get_ifd(0x8825)[0x0001] = "N"
    return tags.tobytes()


def c2pa_segments() -> list[bytes]:
    """A manifest store in two APP11 segments, as C2PA writes them: box header repeated, description in the first."""
    header = b"JP" + (7).to_bytes(2, "big")
    box = (600).to_bytes(4, "big") + b"jumb"
    description = (37).to_bytes(4, "big") + b"jumdc2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x008\x9bq\x03c2pa\0"
    return [
        segment(0xEB, header + (1).to_bytes(4, "big") + box + description + bytes(100)),
        segment(0xEB, header + (2).to_bytes(4, "big") + box + bytes(400)),
    ]


def other_jumbf_segment() -> bytes:
    box = (60).to_bytes(4, "big") + b"jumb" + (35).to_bytes(4, "big") + b"jumd" + bytes(16) + b"\x03j360\0"
    return segment(0xEB, b"JP\x00\x09\0\0\0\x01" + box)


def sampled(factors: tuple[tuple[int, int], ...]) -> bytes:
    """A JPEG with luma factors given as (h, v), written by jpeglib."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.jpg"
        image = jpeglib.from_spatial(np.asarray(picture()))
        image.samp_factor = [(v, h) for h, v in factors]  # jpeglib names the vertical factor first
        image.write_spatial(str(path), qt=90)
        return path.read_bytes()


def scan_data(data: bytes) -> bytes:
    """Entropy-coded data of a single-scan JPEG."""
    start = data.index(b"\xff\xda")
    return data[start + 2 + int.from_bytes(data[start + 2 : start + 4], "big") : -2]


def sequential_in_three_scans() -> bytes:
    """A baseline file whose components come one after the other, made from three grey files."""
    planes = picture().convert("YCbCr").split()
    greys = [save(plane, quality=80) for plane in planes]
    first = greys[0]
    frame = first.index(b"\xff\xc0")
    body = first[frame + 4 : frame + 9] + bytes((3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0))
    tables = first[frame + 2 + int.from_bytes(first[frame + 2 : frame + 4], "big") : first.index(b"\xff\xda")]
    scans = (segment(0xDA, bytes((1, number, 0, 0, 63, 0))) + scan_data(g) for number, g in enumerate(greys, start=1))
    return first[:frame] + segment(0xC0, body) + tables + b"".join(scans) + b"\xff\xd9"


def rgb_ids_with_jfif() -> bytes:
    """YCbCr by its JFIF header although its component ids spell RGB: without the header it would turn green."""
    data = bytearray(save(picture(), quality=85, subsampling="4:4:4"))
    for marker, first in ((b"\xff\xc0", 10), (b"\xff\xda", 5)):
        step = 3 if first == 10 else 2
        at = data.index(marker) + first
        data[at], data[at + step], data[at + 2 * step] = b"RGB"
    return bytes(data)


def without_jfif(data: bytes) -> bytes:
    assert data[2:4] == b"\xff\xe0"
    return data[:2] + data[4 + int.from_bytes(data[4:6], "big") :]


@cache
def samples() -> dict[str, bytes]:
    rgb = picture()
    plain = save(rgb, quality=75)
    wide = [[(n * 7 + 3) % 500 + 1 for n in range(64)], [(n * 11) % 400 + 1 for n in range(64)]]
    return {
        "4:2:0": plain,
        "4:2:2": save(rgb, quality=60, subsampling="4:2:2"),
        "4:4:4": save(rgb, quality=92, subsampling="4:4:4"),
        "4:4:0": sampled(((1, 2), (1, 1), (1, 1))),
        "4:1:1": sampled(((4, 1), (1, 1), (1, 1))),
        "progressive": save(rgb, quality=85, progressive=True),
        "optimised": save(rgb, quality=85, optimize=True),
        "grey": save(rgb.convert("L"), quality=40),
        "cmyk": save(rgb.convert("CMYK"), quality=80),
        "rgb": save(rgb, quality=80, keep_rgb=True),
        "rgb, JFIF": after_soi(save(rgb, quality=80, keep_rgb=True), plain[2:20]),
        "restarts": save(rgb, quality=90, restart_marker_blocks=2),
        "16-bit tables": save(rgb, qtables=wide, subsampling="4:4:4"),
        "three scans": sequential_in_three_scans(),
        "RGB ids, JFIF": rgb_ids_with_jfif(),
        "RGB ids, no JFIF": without_jfif(rgb_ids_with_jfif()),
        "no JFIF": without_jfif(plain),
        "rich": rich(),
        "several pictures": save(rgb, "MPO", save_all=True, append_images=[picture(seed=3)]),
    }


def rich() -> bytes:
    """A file with every kind of metadata."""
    data = save(picture(), quality=90, exif=exif(), icc_profile=ICC, xmp=XMP, comment=COMMENT)
    photoshop = segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x10FBMD0100 and more")
    return after_soi(data, *c2pa_segments(), other_jumbf_segment(), photoshop, segment(0xEC, b"Ducky\0\x01"))
