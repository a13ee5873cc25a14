"""Decode the two pictures of a pair, and check that all of a data set can be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from repost.core.errors import InputNotFound, MediaError, UnreadableMedia, UnsupportedMedia
from repost.media.read import read_file, read_picture
from repost.pairs.dataset_records import InvalidPairs, PairListing, PairProblem, PairRecord

if TYPE_CHECKING:
    from repost.media.picture import Rgb8

Size: TypeAlias = Literal["native", "original"]
"""native: both pictures as they are, the transmitted one smaller where the network resized it. original: both at the
original's size, the transmitted one resampled where the network resized it."""


def read_pair(record: PairRecord, *, size: Size = "native") -> tuple[Rgb8, Rgb8]:
    """Decode a pair.

    Args:
        record: The pair.
        size: "native" takes the transmitted picture as it came back, whatever its size. "original" takes the record's
            derivative where there is one; nothing is resampled here.

    Returns:
        Original and transmitted picture: uint8 HWC RGB, read-only. EXIF orientation is applied, grey repeated in the
        three channels, alpha laid on white, 16 bits brought to eight; ICC profiles are not applied, except CMYK's.

    Raises:
        InputNotFound: A file is not there.
        UnreadableMedia: A picture is damaged, truncated or empty, or its file may not be read.
        UnsupportedMedia: The sizes differ although `size` is "original", or a picture is of a kind not taken.
        MediaError: A file is no picture, or larger than the pixel limit.
    """
    original = _rgb8(record.original)
    transmitted_path = (record.derivative if size == "original" else None) or record.transmitted
    transmitted = _rgb8(transmitted_path)
    if size == "original" and transmitted.shape != original.shape:
        raise UnsupportedMedia(
            str(transmitted_path),
            got=_pixels(transmitted),
            expected=f"{_pixels(original)} as '{record.original}'",
            remedy='read the pair with size="native", or leave it out',
        )
    return original, transmitted


def check_pictures(listing: PairListing, *, size: Size = "native", skip_bad: bool = False) -> PairListing:
    """Decode every picture of a listing once, to know before an epoch which cannot be.

    Args:
        listing: From a reader.
        size: As the data set will read them.
        skip_bad: Leave bad pairs out and name them in the problems, instead of raising.

    Returns:
        The listing with the sound pairs.

    Raises:
        InvalidPairs: There are bad pairs, and `skip_bad` is false. Problems that the listing had before do not count.
    """
    sound: list[PairRecord] = []
    found: list[PairProblem] = []
    for record in listing.records:
        try:
            read_pair(record, size=size)
        except (MediaError, InputNotFound) as error:
            found.append(PairProblem("unreadable", None, f"{record.source_id} on {record.platform}", str(error)))
        else:
            sound.append(record)
    if found and not skip_bad:
        raise InvalidPairs("pictures", found)
    return PairListing(tuple(sound), listing.attribute_names, (*listing.problems, *found))


def _rgb8(path: Path) -> Rgb8:
    try:
        data = read_file(path)
    except InputNotFound:
        raise
    except OSError as error:
        raise UnreadableMedia(str(path), reason=error.strerror or str(error)) from error
    return read_picture(data, name=str(path)).rgb8()


def _pixels(picture: Rgb8) -> str:
    return f"{picture.shape[1]}x{picture.shape[0]} px"
