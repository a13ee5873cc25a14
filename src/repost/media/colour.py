"""Colour profiles."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

from PIL import Image, ImageCms


@lru_cache(maxsize=1)
def srgb_profile() -> bytes:
    """A plain sRGB profile, made by Little CMS as networks make theirs (Twitter's avatars carry such a one).

    The date of its making is zeroed, so that the same picture is written to the same bytes every day.
    """
    create: Any = ImageCms.createProfile  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    made = bytearray(ImageCms.ImageCmsProfile(create("sRGB")).tobytes())
    made[24:36] = bytes(12)
    return bytes(made)


def to_srgb(image: Image.Image, icc: bytes) -> Image.Image | None:
    """Convert pixels to sRGB.

    Args:
        image: Mode L, LA, RGB, RGBA or CMYK; alpha is kept.
        icc: The profile its numbers refer to.

    Returns:
        RGB, or RGBA where there was alpha; None where the profile is damaged or is not for this kind of pixels, as
        viewers then fall back on the bare numbers.

    Convention: relative colorimetric, black point compensation, 8 bits.
    """
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    colour = {"LA": "L", "RGBA": "RGB"}.get(image.mode, image.mode)
    try:
        converted = ImageCms.profileToProfile(
            image.convert(colour),
            ImageCms.ImageCmsProfile(io.BytesIO(icc)),
            ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile())),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    if converted is None:
        return None
    if alpha is not None:
        converted.putalpha(alpha)
    converted.info = {}  # Little CMS leaves the new profile there, and Pillow would write it of its own accord
    return converted
