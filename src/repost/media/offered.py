"""What a file that is offered to a verb is, by its first bytes."""

from __future__ import annotations

from pathlib import Path

from repost.core.errors import InputNotFound, UnreadableMedia
from repost.media.sniff import MEDIA_SUFFIXES, VIDEO_FORMATS, describe, sniff


def medium_of(path: Path, *, name: str, named: bool) -> str:
    """Whether a file is an image or a video.

    Args:
        path: The file.
        name: What it is called in errors.
        named: Whether it was named itself and is so expected to be media.

    Returns:
        "image" or "video"; what is neither and does not claim to be, as stray text files in folders are not, gives the
        reason to pass it over. Other content counts as an image, whose reader says what is wrong with it.

    Raises:
        InputNotFound: It is a folder, a pipe or a device.
        UnreadableMedia: It is gone or cannot be read.
    """
    if not path.is_file() and path.exists():
        raise InputNotFound(path)  # opening a pipe would wait for ever
    try:
        with path.open("rb") as stream:
            head = stream.read(64)
    except FileNotFoundError as error:
        raise UnreadableMedia(name, reason="it is gone, or a link that leads nowhere") from error
    except OSError as error:
        raise UnreadableMedia(name, reason=error.strerror or str(error)) from error
    found = sniff(head)
    if found in VIDEO_FORMATS:
        return "video"
    if not named and found is None and path.suffix.lower() not in MEDIA_SUFFIXES:
        return f"not media: {describe(head)}"
    return "image"
