"""The quality of a WebP, AVIF or HEIF file, which no header tells: the one that makes a file of its size."""

from __future__ import annotations

from repost.core.errors import EncodeFailed
from repost.estimation.images.finding import Treatment
from repost.estimation.images.reproduce import Attempt, Workbench

_SMALL_PIXELS = 1 << 14
"""Pictures up to which every quality is tried where size leads to none that is exact."""
_NEIGHBOURS = 2
"""Qualities tried on each side of the one that matches in size; the size of neighbours can be equal."""


def with_quality(bench: Workbench, treatment: Treatment, *, size_bytes: int) -> Attempt:
    """Find the quality that wrote a file.

    Args:
        bench: The pair.
        treatment: How it was written, but for the quality.
        size_bytes: Of the served file.

    Returns:
        The best attempt: an exact one, or the one nearest to the served picture among the qualities around the one
        whose file has the served size. File size rises with quality, so that is found by halving.

    Raises:
        EncodeFailed: The codec refused every quality.
    """
    low, high = 1, 100
    while low < high:
        middle = (low + high) // 2
        attempt = bench.attempt(treatment.but(quality=middle))
        if attempt is None:
            raise EncodeFailed(str(treatment.codec), reason="it refused the picture at every quality")
        if attempt.exact:
            return attempt
        if attempt.size_bytes < size_bytes:
            low = middle + 1
        else:
            high = middle
    best, middle = None, 0
    # The size of small files rises and falls with quality: go on while the best lies off the middle.
    while best is None or _quality_of(best) != middle:
        middle = low if best is None else _quality_of(best)
        best = _best_of(bench, treatment, range(max(1, middle - _NEIGHBOURS), min(100, middle + _NEIGHBOURS) + 1))
    is_small = bench.target.shape[0] * bench.target.shape[1] <= _SMALL_PIXELS
    return _best_of(bench, treatment, range(1, 101)) if is_small and not best.exact else best


def _best_of(bench: Workbench, treatment: Treatment, qualities: range) -> Attempt:
    found = [attempt for quality in qualities if (attempt := bench.attempt(treatment.but(quality=quality)))]
    if not found:
        raise EncodeFailed(str(treatment.codec), reason="it refused the picture at every quality")
    return max(found, key=lambda attempt: attempt.psnr_db)


def same_pictures(bench: Workbench, exact: Attempt) -> tuple[int, ...]:
    """The qualities that give the same picture as an exact attempt.

    Args:
        bench: The pair.
        exact: An attempt that gives the served picture.

    Returns:
        Its own quality and the neighbours that do as well, rising: libheif maps several qualities to one quantiser, and
        small or flat pictures come out alike.
    """
    own = _quality_of(exact)
    found = [own]
    for step in (-1, 1):
        quality = own + step
        while 1 <= quality <= 100 and _is_exact(bench, exact.treatment.but(quality=quality)):
            found.append(quality)
            quality += step
    return tuple(sorted(found))


def _quality_of(attempt: Attempt) -> int:
    assert attempt.treatment.quality is not None, "lossy codecs are tried with a quality"
    return attempt.treatment.quality


def _is_exact(bench: Workbench, treatment: Treatment) -> bool:
    attempt = bench.attempt(treatment)
    return attempt is not None and attempt.exact
