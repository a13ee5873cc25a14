"""Bitrates kept between searches: one small file for each upload, recipe and rate factor."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import asdict, replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import av
import numpy as np
from av.video.frame import VideoFrame
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from repost.channel.video.encoder import Clock, Encoder
from repost.channel.video.settings import Crf, EncoderSettings
from repost.estimation.videos.recipe import Recipe
from repost.media.video.headers import parse_encoder_settings
from repost.media.video.upload import VideoUpload


class RateKey(BaseModel):
    """What a bitrate depends on.

    Attributes:
        schema_version: Of this file's layout.
        upload: SHA-256 of the upload.
        recipe: How it is encoded, as text.
        encoder: The program and its version.
        crf: The rate factor.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = 1
    upload: str
    recipe: str
    encoder: str
    crf: int

    @classmethod
    def of(cls, upload: VideoUpload, recipe: Recipe, *, crf: int) -> RateKey:
        """The key of an upload encoded by a recipe at a rate factor."""
        plain = asdict(replace(recipe, settings=replace(recipe.settings, rate=Crf(0))))
        text = ";".join(f"{name}={value}" for name, value in plain.items() if name != "settings")
        options = ";".join(f"{name}={value}" for name, value in plain["settings"].items() if name != "rate")
        return cls(
            upload=upload.digest,
            recipe=f"{text};{options}",
            encoder=encoder_version(recipe.settings.encoder),
            crf=crf,
        )

    @property
    def file_name(self) -> str:
        """Name of the file it is kept in."""
        return f"{hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:40]}.json"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    key: RateKey
    bitrate_bps: int = Field(ge=0)


class RateCache:
    """Keeps bitrates in a folder, which several processes may share.

    An entry that is damaged, or of another layout, counts as missing and is written again. A folder that cannot be
    written to, or is full, keeps nothing: what only spares time must not cost a search.

    Args:
        folder: The folder, made when missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)

    def get(self, key: RateKey) -> int | None:
        """The bitrate in bits per second, or None where it is not known."""
        try:
            entry = _Entry.model_validate_json((self._folder / key.file_name).read_bytes())
        except (OSError, ValidationError):
            return None
        return entry.bitrate_bps if entry.key == key else None

    def put(self, key: RateKey, bitrate_bps: int) -> None:
        """Keep a bitrate, where that can be done."""
        # Every writer has a file of its own until it is whole, since two may know the same bitrate at once.
        part = self._folder / f".{uuid4().hex}.part"
        with suppress(OSError):
            try:
                part.write_text(_Entry(key=key, bitrate_bps=bitrate_bps).model_dump_json(), encoding="utf-8")
                part.replace(self._folder / key.file_name)
            finally:
                part.unlink(missing_ok=True)


@cache
def encoder_version(encoder: str) -> str:
    """The program and its version, as far as it tells: x264 and x265 write it into what they encode.

    Args:
        encoder: FFmpeg's name of it.
    """
    found = f"{encoder} libavcodec {'.'.join(map(str, av.library_versions['libavcodec']))}"
    if encoder not in ("libx264", "libx265"):
        return found
    context = Encoder(
        EncoderSettings(encoder=encoder, rate=Crf(0)), size=(64, 64), clock=Clock(Fraction(25), Fraction(1, 25))
    )
    frame = VideoFrame.from_ndarray(np.zeros((96, 64), np.uint8), format="yuv420p")
    frame.pts = 0
    for packet in [*context.encode(frame), *context.encode(None)]:
        data: Any = packet  # it has the buffer protocol, which its stubs do not tell
        if settings := parse_encoder_settings(bytes(data)):
            return f"{found} {settings['encoder']}"
    return found


def default_cache() -> RateCache | None:
    """The cache in `$XDG_CACHE_HOME/repost/rates`, or `~/.cache/repost/rates`; None for who has no home."""
    try:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # containers run as users that no file knows
        return None
    return RateCache(folder / "repost" / "rates")
