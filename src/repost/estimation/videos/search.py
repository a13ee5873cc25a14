"""The rate factor at which an upload gets the bitrate that a network gave it, in as few encodes as that takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from repost.core.errors import UsageError
from repost.estimation.videos.hunt import SAFE_BITS_PER_PIXEL, Hunt
from repost.estimation.videos.rate_cache import RateCache
from repost.estimation.videos.rates import RateMeter
from repost.estimation.videos.recipe import Recipe
from repost.estimation.videos.start import Start
from repost.media.video.upload import VideoUpload

Censored: TypeAlias = Literal["below at the start", "never below"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CrfTarget:
    """What a search is after.

    Attributes:
        recipe: How the upload is encoded at every rate factor.
        bitrate_bps: Of the picture stream that the network served.
        crf_min: Smallest rate factor tried, 0-63.
        crf_max: Largest, 0-63.

    Raises:
        UsageError: The bitrate is not positive, or the range is empty or beyond 0-63.
    """

    recipe: Recipe
    bitrate_bps: int
    crf_min: int = 20
    crf_max: int = 51

    def __post_init__(self) -> None:
        if self.bitrate_bps <= 0:
            raise UsageError(f"got a target of {self.bitrate_bps} bps, expected a positive bitrate")
        if not 0 <= self.crf_min <= self.crf_max <= 63:
            raise UsageError(
                f"got CRF {self.crf_min} to {self.crf_max}, expected a range within 0-63, the smaller number first"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class CrfSearch:
    """What a search found.

    Attributes:
        crf: The smallest rate factor in the range whose bitrate is below the target's, which is what the linear scan
            of the published framework answers; the largest where none is.
        censored: "below at the start" where the smallest rate factor is below already, so that smaller ones might be
            too; "never below" where none is.
        crf_exact: The rate factor, as a fraction, whose bitrate is the target's; None where censored.
        bitrates_bps: Bitrates by rate factor: all that were measured or known from a cache and looked at.
        encodes: Full encodes that were carried out.
        passes: Times the upload was decoded.
        by_margin: Whether one of the two neighbours that prove the answer was not encoded, because the other's bitrate
            leaves no doubt about it (`hunt.SAFE_RATIO`).
    """

    crf: int
    censored: Censored | None
    crf_exact: float | None
    bitrates_bps: Mapping[int, int]
    encodes: int
    passes: int
    by_margin: bool


def search_crf(
    upload: VideoUpload, target: CrfTarget, *, start: Start | None = None, cache: RateCache | None = None
) -> CrfSearch:
    """Find the rate factor of an upload: the linear scan's answer, with few encodes.

    The scan encodes at one rate factor after the other, from the smallest, until the bitrate is below the target's.
    Bitrates fall with the rate factor, so two neighbours prove its answer: one not below, the next below. The search
    begins where the served file points, goes on by secants of log(bitrate), and encodes both neighbours in one pass
    where both are needed. With libx264 a neighbour is left out where `hunt.SAFE_RATIO` decides it.

    Frames are decoded, scaled and encoded one by one, so that memory does not grow with the video's length.

    Args:
        upload: The original.
        target: What is searched.
        start: Where the served file points, of `find_start`; the middle of the range when None.
        cache: Bitrates of earlier searches, used and added to; none when None.

    Returns:
        The answer, and how it was found.

    Raises:
        MediaError: The upload is damaged.
        EncodeFailed: The encoder refused its settings or a frame.
    """
    recipe = target.recipe
    pixels_per_s = math.prod(recipe.size) * float(recipe.clock(upload).fps)
    hunt = Hunt(
        target.bitrate_bps,
        crf_min=target.crf_min,
        crf_max=target.crf_max,
        start=start or Start((target.crf_min + target.crf_max) / 2, math.inf, "nothing"),
        safe_bps=SAFE_BITS_PER_PIXEL * pixels_per_s if recipe.settings.encoder == "libx264" else math.inf,
    )
    meter = RateMeter(upload, recipe, cache=cache)
    while crfs := hunt.wanted():
        hunt.learn(meter.measure(*crfs))
    censored = _censored(hunt, target)
    return CrfSearch(
        crf=min(hunt.below, target.crf_max),
        censored=censored,
        crf_exact=None if censored else hunt.root(),
        bitrates_bps=dict(sorted(meter.measured.items())),
        encodes=meter.encodes,
        passes=meter.passes,
        by_margin=hunt.by_margin,
    )


def _censored(hunt: Hunt, target: CrfTarget) -> Censored | None:
    if hunt.below == target.crf_min:
        return "below at the start"
    return "never below" if hunt.below > target.crf_max else None
