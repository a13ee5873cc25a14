"""What a network does to a picture, done exactly."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from repost.channel.image import Emulated, emulate_image
from repost.channel.repost import Repost
from repost.channel.trace import Trace
from repost.core.seeding import fresh_seed
from repost.media.upload import Upload
from repost.platforms import Profile, resolve

if TYPE_CHECKING:
    from repost.media.upload import Source

__all__ = ["Emulated", "Repost", "Trace", "emulate", "emulate_image"]


def emulate(
    source: Source,
    platform: str | Path | Profile,
    *,
    seed: int | None = 0,
    upload_as: str = "png",
    max_pixels: int | None = None,
) -> Emulated:
    """Put an image through a network, exactly.

    Args:
        source: A path, a file's bytes, a PIL image, or uint8 HWC RGB pixels.
        platform: A name such as "facebook", "facebook@2023" or "instagram/message"; a path to a TOML profile; or a
            Profile.
        seed: Decides what is drawn, together with the content and the profile; None draws afresh.
        upload_as: What pixels without a file are taken for: "png", or "jpeg:95" to save them so first.
        max_pixels: Limit on width x height of a file; $REPOST_MAX_PIXELS or 178,956,970 when None.

    Returns:
        The bytes the network would serve (`.data`), what a viewer sees (`.pixels`, uint8 HWC RGB) and what was done
        (`.trace`).

    Raises:
        ProfileNotFound: No platform of that name.
        InvalidProfile: The profile file is wrong.
        InputNotFound: There is no such file.
        MediaError: The image cannot be used; see its subclasses.
        EncodeFailed: A codec refused the picture.
        MissingExtra: HEIC without pillow-heif.
    """
    upload = Upload.of(source, upload_as=upload_as, max_pixels=max_pixels)
    return emulate_image(upload, resolve(platform), seed=fresh_seed() if seed is None else seed)
