"""Thousands of damaged files: each is served whole or refused with one of our own errors, never anything else."""

import io
import random

import numpy as np
import pytest
import skimage.data
from PIL import Image

import repost
from repost.core.errors import RepostError

PLATFORMS = ("facebook", "twitter", "discord", "telegram")
EACH = 300


def seeds() -> dict[str, bytes]:
    """One sound file of every format, with metadata where the format has any."""
    photo = Image.fromarray(skimage.data.chelsea()).resize((90, 60))
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "maker"

    def encoded(format_: str, **settings) -> bytes:
        buffer = io.BytesIO()
        photo.save(buffer, format_, **settings)
        return buffer.getvalue()

    made = {
        "jpeg": encoded("JPEG", exif=exif, xmp=b"<x/>", icc_profile=b"profile"),
        "progressive": encoded("JPEG", progressive=True),
        "png": encoded("PNG", exif=exif),
        "webp": encoded("WEBP", exif=exif),
        "gif": encoded("GIF"),
        "tiff": encoded("TIFF", compression="tiff_lzw"),
        "avif": encoded("AVIF"),
        "bmp": encoded("BMP"),
    }
    try:
        import pillow_heif

        pillow_heif.register_heif_opener()
        made["heif"] = encoded("HEIF")
    except ImportError:
        pass
    return made


def damaged(data: bytes, rng: random.Random) -> bytes:
    """A few bytes changed, most of them near the front where the structure is; sometimes cut, doubled or spliced."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        reach = rng.choice((40, 400, len(changed)))
        changed[rng.randrange(min(reach, len(changed)))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    at = rng.randrange(1, len(changed))
    kind = rng.random()
    if kind < 0.15:
        return bytes(changed[:at])
    if kind < 0.25:
        return bytes(changed[:at] + changed[max(0, at - 30) :])
    return bytes(changed)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Pillow warns of much damage; that it does is no fault of ours
@pytest.mark.parametrize("format_", seeds())
def test_damaged_files_are_served_or_refused(format_):
    rng = random.Random(f"hostile {format_}")
    sound = seeds()[format_]
    refused = 0
    for index in range(EACH):
        data = damaged(sound, rng)
        try:
            served = repost.emulate(data, PLATFORMS[index % len(PLATFORMS)], max_pixels=4_000_000)
        except RepostError as error:
            refused += 1
            assert str(error)
            continue
        assert served.pixels.dtype == np.uint8
        assert served.pixels.shape == (served.trace.served.height_px, served.trace.served.width_px, 3)
    assert refused < EACH, "every damaged file was refused: the damage is too great to test anything"


@pytest.mark.slow
def test_random_bytes_behind_every_magic_are_refused():
    rng = random.Random("magic")
    for sound in seeds().values():
        for _ in range(60):
            with pytest.raises(RepostError):
                repost.emulate(sound[: rng.randrange(2, 40)] + rng.randbytes(400), "facebook", max_pixels=4_000_000)
