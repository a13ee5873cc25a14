"""The level that x264 chooses by itself, to tell whether a network asked for one."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

from repost.channel.video.encoder import Encoder
from repost.estimation.videos.recipe import Recipe
from repost.media.video.h264 import find_parameter_sets
from repost.media.video.upload import VideoUpload


def own_level(upload: VideoUpload, recipe: Recipe) -> str | None:
    """The level a stream gets where none is asked for; it follows from size, frame rate and references.

    Args:
        upload: The original.
        recipe: How it is encoded; its level is left out.

    Returns:
        Such as "3.1"; None where the encoder does not write H.264.

    Raises:
        MediaError: The upload is damaged.
        EncodeFailed: The encoder refused its settings.
    """
    settings = replace(recipe.settings, level=None)
    encoder = Encoder(settings, size=recipe.size, clock=recipe.clock(upload))
    for frame in islice(recipe.frames(upload), 1):
        encoder.encode(frame)
    encoder.encode(None)
    found = find_parameter_sets(encoder.headers, b"") if encoder.codec == "h264" else None
    return f"{found[0].level_idc // 10}.{found[0].level_idc % 10}" if found else None
