"""The folder of downloads: files from strangers, to be named whatever they are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

from repost.core.errors import InputNotFound, RepostError, UnreadableMedia
from repost.media.read import decode, open_image
from repost.media.sniff import MEDIA_SUFFIXES, sniff

MOST_FILE_BYTES = 256 << 20
"""Larger files are not read; an image of 178 million pixels at QF 95 has about half as much."""


@dataclass(frozen=True, slots=True)
class Download:
    """A file in the folder.

    Attributes:
        name: Its path below the folder, with forward slashes.
        path: Where it is.
    """

    name: str
    path: Path


def list_downloads(folder: Path) -> list[Download]:
    """Every file that is or claims to be media, sorted by name; hidden files and strange text files are left out.

    Links are listed but not followed, and neither are linked folders entered.

    Raises:
        InputNotFound: There is no such folder.
    """
    if not folder.is_dir():
        raise InputNotFound(folder)
    return sorted(_walk(folder, ""), key=lambda download: download.name)


def read_download(download: Download, *, max_pixels: int) -> bytes:
    """The bytes of a download, when it is a sound image as far as its header says.

    Args:
        download: Of `list_downloads`.
        max_pixels: Limit on width x height.

    Raises:
        MediaError: It is a link, a pipe, too large, or no image.
        MissingExtra: It is HEIC and pillow-heif is not installed.
    """
    path = download.path
    try:
        if path.is_symlink() or not path.is_file():
            raise UnreadableMedia(download.name, reason="it is a link, a device or a closed folder; put the file there")
        size_bytes = path.stat().st_size
        if size_bytes > MOST_FILE_BYTES:
            raise UnreadableMedia(download.name, reason=f"it has {size_bytes:,} bytes, more than {MOST_FILE_BYTES:,}")
        data = path.read_bytes()
    except OSError as error:
        if isinstance(error, RepostError):
            raise
        raise UnreadableMedia(download.name, reason=error.strerror or str(error)) from error
    open_image(data, name=download.name, max_pixels=max_pixels)
    return data


def rgb_of(data: bytes, *, name: str, max_pixels: int | None = None) -> Image.Image:
    """The image as viewers show it: mode RGB, EXIF orientation applied, alpha laid on white; raises as `decode`."""
    opened, _ = open_image(data, name=name, max_pixels=max_pixels)
    return decode(opened, name=name).upright().flattened().image.convert("RGB")


def luma_of(image: Image.Image) -> Image.Image:
    """Mode L, BT.601."""
    return ImageOps.grayscale(image)


def _walk(folder: Path, prefix: str) -> Iterator[Download]:
    try:
        with os.scandir(folder) as scan:
            entries = [entry for entry in scan if not entry.name.startswith(".")]
    except OSError:
        yield Download(prefix.rstrip("/") or folder.name, folder)  # named as unreadable later
        return
    for entry in entries:
        name = prefix + os.fsencode(entry.name).decode("utf-8", "replace")
        path = folder / entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(path, f"{name}/")
        elif entry.is_symlink() or path.suffix.lower() in MEDIA_SUFFIXES or _looks_like_media(path):
            yield Download(name, path)


def _looks_like_media(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with path.open("rb") as stream:
            return sniff(stream.read(64)) is not None
    except OSError:
        return True  # named as unreadable later
