"""Find copies of a photograph among others: the same pixels, or those that were resized or compressed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from repost.media.read import read_file, read_picture
from repost.pairs.downloads import luma_of
from repost.pairs.fingerprint import Coarse, Descriptor, agreement

if TYPE_CHECKING:
    from PIL import Image

    from repost.pairs.fingerprint import Bits

MOST_BITS = 30
"""Of 144 in which the hashes of two copies may differ. Of 83 photographs all copies at JPEG 30 and a quarter of the
size differed in at most 14; unrelated photographs differ in 72, and of 300,000 such pairs of one kind, photographs of
clothes, four differed in 30 or fewer."""
LEAST_AGREEMENT = 0.25
"""Correlation of the gradients from which two alike hashes are taken for copies; those copies reached .36 to 1,
unrelated photographs with like hashes at most .14."""

_ROWS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a photograph is recognised by.

    Attributes:
        path: The file, to be looked at again when another is like it.
        pixels_sha256: Of size and pixels as viewers show them.
        bits: Its hash, 144 bits.
    """

    path: Path
    pixels_sha256: str
    bits: Bits


def fingerprint_of(path: Path) -> Fingerprint:
    """Decode a photograph and make its fingerprint.

    Raises:
        InputNotFound: There is no such file.
        MediaError: It is no image or damaged.
    """
    image = _upright(path)
    head = f"{image.width}x{image.height}\n".encode()
    pixels = hashlib.sha256(head + image.tobytes()).hexdigest()
    return Fingerprint(path, pixels, Coarse.of(luma_of(image)).hash)


def near_duplicates(own: Sequence[Fingerprint], others: Sequence[Fingerprint]) -> dict[int, int]:
    """Which photographs are copies of others.

    The hash proposes, the gradients decide. Copies that were cropped or turned a lot are not found.

    Args:
        own: Those to look at.
        others: Those they may be copies of.

    Returns:
        For the index of each copy in `own` the index in `others` of the one it is a copy of.
    """
    if not own or not others:
        return {}
    theirs = np.stack([print_.bits for print_ in others]).astype(np.float32)
    found: dict[int, int] = {}
    for start in range(0, len(own), _ROWS_AT_ONCE):
        ours = np.stack([print_.bits for print_ in own[start : start + _ROWS_AT_ONCE]]).astype(np.float32)
        # |a - b| of bits is a + b - 2 a b, so that all distances are one product of matrices
        distances = ours.sum(axis=1)[:, None] + theirs.sum(axis=1)[None] - 2 * ours @ theirs.T
        for row, column in np.argwhere(distances <= MOST_BITS):
            index, other = start + int(row), int(column)
            if index not in found and _are_copies(own[index], others[other]):
                found[index] = other
    return found


def _are_copies(first: Fingerprint, second: Fingerprint) -> bool:
    one, other = (Descriptor.of(Coarse.of(luma_of(_upright(print_.path)))) for print_ in (first, second))
    return agreement(one, other) >= LEAST_AGREEMENT


def _upright(path: Path) -> Image.Image:
    picture = read_picture(read_file(path), name=path.name)
    return picture.upright().flattened().image.convert("RGB")
