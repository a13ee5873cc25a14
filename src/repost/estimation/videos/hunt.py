"""The order in which a search for a rate factor measures bitrates, and what proves its answer. No video comes in."""

from __future__ import annotations

import math
from collections.abc import Mapping

from repost.estimation.videos.start import HALVING_CRF, Start

SAFE_RATIO = 1.04
"""By what factor, at least, bitrates of neighbouring rate factors differ wherever `Hunt` relies on it.

Measured with libx264's medium preset over CRF 20-45 on nine clips of 4-5 s at 360p: never under 1.061 up to CRF 40
(1.083 up to 35). Made pictures are another matter: text, slides and gradients fall to 1.03 and below, and a few bytes
for each frame are the most of any stream that has little else. So three more things must hold."""
SAFE_CRF = 40
"""Largest rate factor for which `SAFE_RATIO` is relied on."""
SAFE_BITS_PER_PIXEL = 0.005
"""Least bits for each pixel, under which what does not depend on the rate factor counts for too much."""
SAFE_SLOPE = math.log2(1.08)
"""Least halvings for each step between measurements of the very video: camera pictures have 1/7 to 1/5.5, text 1/20."""

_FLATTEST, _STEEPEST = 1 / 25, 1 / 2.5
"""Limits on slopes that guide the search, so that two measurements that hardly differ cannot send it far away."""
_TRUSTED_CRF = 6
"""How far from a measurement the root is believed enough to measure both its neighbours at once."""
_HOPE = 0.8
"""Share of `SAFE_RATIO` within which one measurement is expected to decide its neighbour as well."""


class Hunt:
    """The state of a search.

    Args:
        bitrate_bps: What is searched: the smallest rate factor whose bitrate is below this.
        crf_min: Smallest rate factor.
        crf_max: Largest.
        start: Where to look first.
        safe_bps: Least bitrate for which `SAFE_RATIO` is relied on; infinite where it is not measured at all.

    Attributes:
        above: Largest rate factor known not to be below the target; `crf_min` - 1 where none is.
        below: Smallest rate factor known to be below it; `crf_max` + 1 where none is.
        rates: What was measured, in bits per second by rate factor.
    """

    def __init__(self, bitrate_bps: int, *, crf_min: int, crf_max: int, start: Start, safe_bps: float) -> None:
        self._target_bps, self._safe_bps = bitrate_bps, safe_bps
        self._lowest, self._highest, self._start = crf_min, crf_max, start
        self.above, self.below = crf_min - 1, crf_max + 1
        self.rates: dict[int, int] = {}

    @property
    def by_margin(self) -> bool:
        """Whether one of the two neighbours that prove the answer was not measured."""
        return any(self._lowest <= crf <= self._highest and crf not in self.rates for crf in (self.above, self.below))

    def learn(self, rates: Mapping[int, int]) -> None:
        """Take in measured bitrates.

        Args:
            rates: Bits per second by rate factor.
        """
        self.rates |= rates
        for crf, rate in self.rates.items():
            ratio = SAFE_RATIO if self._safe(crf, rate) else 1.0
            if rate < self._target_bps:
                self.below = min(self.below, crf)
                if rate * ratio >= self._target_bps:
                    self.above = max(self.above, crf - 1)
            else:
                self.above = max(self.above, crf)
                if rate < self._target_bps * ratio:
                    self.below = min(self.below, crf + 1)

    def wanted(self) -> tuple[int, ...]:
        """The rate factors to measure next, in one pass; none when the answer is proven."""
        lowest, highest = self.above + 1, self.below - 1
        if lowest > highest:
            return ()
        root = self.root()
        if not self.rates and root <= self._lowest + 1 + self._start.spread_crf:
            return (self._lowest,)  # so that a search costs no more than the scan where that ends soon
        first_below = min(max(math.floor(root) + 1, lowest), highest + 1)
        pair = tuple(crf for crf in (first_below - 1, first_below) if lowest <= crf <= highest)
        if len(pair) < 2:
            return pair
        nearest = min(pair, key=lambda crf: abs(root - crf))
        return (nearest,) if self._one_is_enough(nearest, root) else pair

    def root(self) -> float:
        """The rate factor, as a fraction, at which the bitrate should be the target's.

        Logarithms of bitrates are taken for linear between the nearest measurements on both sides of it, or on from
        the nearest two where all lie on one side.
        """
        if not self.rates:
            return self._start.crf
        nearest = self._by_nearness()[0]
        return nearest + self._doublings(nearest) / self._slope()

    def _one_is_enough(self, crf: int, root: float) -> bool:
        """Whether to measure one rate factor and not the two around the root."""
        if not self.rates:
            return self._start.spread_crf > 0
        away = min(abs(crf - known) for known in self.rates)
        may_decide = self._safe(crf, self._target_bps) or len(self.rates) == 1
        decides = abs(root - crf) * self._slope() < _HOPE * math.log2(SAFE_RATIO)
        return away > _TRUSTED_CRF or (may_decide and decides and self._safe_bps < math.inf)

    def _safe(self, crf: int, rate: float) -> bool:
        """Whether neighbours of a rate factor differ by `SAFE_RATIO` at least."""
        if crf > SAFE_CRF or rate < self._safe_bps or len(self.rates) < 2:
            return False
        first, last = min(self.rates), max(self.rates)
        return math.log2(self.rates[first] / max(self.rates[last], 1)) >= SAFE_SLOPE * (last - first)

    def _doublings(self, crf: int) -> float:
        """By how many doublings a measured bitrate is over the target's."""
        return math.log2(max(self.rates[crf], 1) / self._target_bps)

    def _by_nearness(self) -> list[int]:
        return sorted(self.rates, key=lambda crf: abs(self._doublings(crf)))

    def _slope(self) -> float:
        """Halvings for each step of the rate factor, near the target."""
        if len(self.rates) < 2:
            return 1 / HALVING_CRF
        over = [crf for crf in self.rates if self.rates[crf] >= self._target_bps]
        under = [crf for crf in self.rates if self.rates[crf] < self._target_bps]
        one, other = (max(over), min(under)) if over and under else self._by_nearness()[:2]
        slope = (self._doublings(one) - self._doublings(other)) / (other - one)
        return min(max(slope, _FLATTEST), _STEEPEST)
