"""A key, and the direction it stands for."""

from __future__ import annotations

import hashlib
import unicodedata
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from scipy.special import ndtri

from repost.core.errors import InvalidKey

if TYPE_CHECKING:
    from numpy.typing import NDArray

Direction: TypeAlias = "NDArray[np.float64]"
"""float64, (dimensions,), of length 1."""

DEFAULT_KEY = "repost"
"""The public key of whoever has none: anyone can stamp and scan with it."""

LONGEST_KEY = 1024
_DOMAIN = b"repost stamp, direction, 1\0"


def key_bytes(key: str | None) -> bytes:
    """What a key is hashed from.

    Args:
        key: Any text of 1 to 1024 characters without control characters; None is the default key. Equal texts in
            different Unicode forms (é as one character or two) are one key: NFC.

    Returns:
        UTF-8.

    Raises:
        InvalidKey: It is empty, too long, only white space, or holds control characters.
    """
    text = unicodedata.normalize("NFC", DEFAULT_KEY if key is None else _checked(key))
    return text.encode("utf-8")


def direction_of(key: str | None, dimensions: int) -> Direction:
    """The direction of a key: uniform on the sphere for who does not know the key.

    SHAKE-256 gives 64 bits for every coordinate, which the normal distribution's inverse turns into a Gaussian; a
    Gaussian vector of length 1 is uniform on the sphere (Muller, 1959). Nothing depends on a library's generator, whose
    stream may change.

    Args:
        key: See `key_bytes`.
        dimensions: How many coordinates.

    Returns:
        The direction.

    Raises:
        InvalidKey: See `key_bytes`.
    """
    stream = hashlib.shake_256(_DOMAIN + key_bytes(key)).digest(8 * dimensions)
    words = np.frombuffer(stream, "<u8")
    gaussian = ndtri(((words >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53)
    return np.asarray(gaussian / np.linalg.norm(gaussian), np.float64)


def key_fingerprint(key: str | None) -> str:
    """What may be written down to tell keys apart, without giving them away if they are long enough.

    Args:
        key: See `key_bytes`.

    Returns:
        Twelve hexadecimal digits.
    """
    return hashlib.sha256(b"repost stamp, fingerprint, 1\0" + key_bytes(key)).hexdigest()[:12]


def _checked(key: str) -> str:
    if not isinstance(key, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without types
        raise InvalidKey(f"got a key of type {type(key).__name__}")
    if not key.strip():
        raise InvalidKey("got an empty key")
    if len(key) > LONGEST_KEY:
        raise InvalidKey(f"got a key of {len(key)} characters")
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in key):
        raise InvalidKey("got a key with control characters (a line break at its end, perhaps)")
    return key
