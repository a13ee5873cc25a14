"""How close a residual comes to the network, on pairs it has not seen, beside the profile alone."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, stdev

import torch
from torch import nn

from repost.channel.surrogate import SurrogateChannel
from repost.core.errors import UsageError
from repost.estimation.comgan.crops import Crops
from repost.estimation.comgan.recipe import psnr_db
from repost.pairs.dataset import PairedDataset
from repost.platforms import Profile

_Z = 1.96
"""Of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Fidelity on held-out pairs, through real codecs.

    Attributes:
        n: Pairs.
        psnr_db: Mean PSNR of the emulated against the served picture, with the residual.
        psnr_db_profile: The same of the profile alone.
        psnr_db_source: The same of the original.
        gain_db: Mean gain over the profile alone.
        gain_db_interval: Its 95 % interval over pairs; None of a single pair.
        worse: Pairs on which the residual is worse than the profile alone.
    """

    n: int
    psnr_db: float
    psnr_db_profile: float
    psnr_db_source: float
    gain_db: float
    gain_db_interval: tuple[float, float] | None
    worse: int

    @property
    def gains(self) -> bool:
        """Whether the residual is better than the profile alone beyond doubt."""
        return self.gain_db_interval is not None and self.gain_db_interval[0] > 0


def judge(
    profile: Profile, residual: nn.Module, pairs: PairedDataset, *, size_px: int, rule_index: int | None = None
) -> Judged:
    """Judge a residual.

    Args:
        profile: The profile it was trained on top of.
        residual: On the CPU.
        pairs: Held out: neither trained on nor selected by.
        size_px: Side of the middle that is compared, a multiple of 16.
        rule_index: As it was trained.

    Raises:
        UsageError: There are no pairs.
    """
    crops = Crops(pairs, size_px=size_px, seed=None)
    ways = [
        SurrogateChannel(profile, forward="exact", seed=0, residual=one, rule_index=rule_index)
        for one in (residual, None)
    ]
    rows: list[tuple[float, float, float]] = []
    with torch.no_grad():
        for index in range(len(crops)):
            original, served = (one.unsqueeze(0) for one in crops[index])
            made = [way(original) for way in ways]
            found = [float(psnr_db(one, served)) for one in (*made, original)]
            rows.append((found[0], found[1], found[2]))
    gains = [with_it - without for with_it, without, _ in rows]
    mean = fmean(gains)
    interval = None
    if len(gains) > 1:
        spread = _Z * stdev(gains) / len(gains) ** 0.5
        interval = mean - spread, mean + spread
    return Judged(
        len(rows),
        *(fmean(column) for column in zip(*rows, strict=True)),
        gain_db=mean,
        gain_db_interval=interval,
        worse=sum(gain < 0 for gain in gains),
    )


@dataclass(frozen=True, slots=True)
class ClosestRule:
    """The image rule of a profile that comes closest to some pairs.

    Attributes:
        index: Its index in the profile: of several as close, the first.
        n: Pairs that were compared.
        exact: Those that it reproduces in every pixel; where all are, there is nothing to learn.
    """

    index: int
    n: int
    exact: int


def closest_rule(
    profile: Profile, pairs: PairedDataset, *, size_px: int, rule_index: int | None = None, most: int = 16
) -> ClosestRule:
    """Find the rule of some pairs, since tiles do not tell how large the picture was that was shared.

    Args:
        profile: The platform.
        pairs: Training pairs.
        size_px: Side of the middle that is compared, a multiple of 16.
        rule_index: The rule, where it is known.
        most: How many pairs are compared.

    Raises:
        UsageError: The profile has no image rules or not that one, or there are no pairs.
    """
    crops = Crops(pairs, size_px=size_px, seed=None)
    rules = [index for index, _ in profile.rules_for("image")] if rule_index is None else [rule_index]
    if not rules:
        raise UsageError(f"got the profile {profile.id} without image rules, expected one at least")
    chosen = [crops[index] for index in range(0, len(crops), max(1, len(crops) // most))][:most]
    original, served = (torch.stack(part) for part in zip(*chosen, strict=True))
    with torch.no_grad():
        made = {rule: SurrogateChannel(profile, forward="exact", seed=0, rule_index=rule)(original) for rule in rules}
    best = max(made, key=lambda rule: float(psnr_db(made[rule], served).mean()))
    exact = (made[best] == served).flatten(1).all(1)
    return ClosestRule(best, len(chosen), int(exact.sum()))
