"""Pairs of videos that the learned rules do not explain, and what is different about them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from repost.estimation.pairing import Refused
from repost.estimation.rules.group import group
from repost.estimation.rules.misfits import in_words, misfits_of_rule
from repost.estimation.videos.finding import VideoFinding
from repost.estimation.videos.learn import SAME_FRAME_RATE, SCHEMA, shown_setting, usual_setting
from repost.estimation.videos.rate_law import rates_behind
from repost.platforms.profile import Profile
from repost.platforms.steps import EncodeVideo, FrameRate

_FENCE = 3.0
"""A rate is another one where it lies farther outside the quartiles of the other pairs than this many times their
distance: Tukey's outer fence ("far out"; Exploratory Data Analysis, 1977). Of normally spread rates two in a million
do, of those with a long tail more."""
_FEWEST = 4
"""Other pairs that it takes for quartiles to mean something."""


def find_misfits(findings: Sequence[VideoFinding], profile: Profile) -> Iterator[Refused]:
    """Pairs whose size, structure, preset, frame rate or bitrate is not what their rule says.

    Args:
        findings: What the rules were learned from.
        profile: What was learned.

    Yields:
        Each pair with what is different about it.
    """
    for part, rule in zip(group(findings, SCHEMA), profile.rules, strict=False):  # the last rule may be of no pair
        encoded = [one for one in part.findings if not one.kept]
        settings = {setting: usual_setting(part.findings, setting) for setting in SCHEMA.settings if setting != "crf"}
        usual = _Usual(
            settings,
            next((step.preset for step in rule.steps if isinstance(step, EncodeVideo)), None),
            Counter(one.structure.fixed_gop for one in encoded),
            _likelier(next((step for step in rule.steps if isinstance(step, FrameRate)), None), encoded),
            dict(_odd_rates([one for one in encoded if one.structure.codec == settings["codec"]])),
        )
        yield from misfits_of_rule(part.findings, SCHEMA, differences=partial(_differences, usual=usual))


class _Usual(NamedTuple):
    """What the pairs of one rule have in common, and which of them have another rate."""

    settings: dict[str, object]
    preset: str | None
    fixed_groups: Counter[bool | None]
    frame_rate: FrameRate | None
    odd_rates: dict[str, str]


def _differences(finding: VideoFinding, usual: _Usual) -> Iterator[str]:
    for setting, expected in usual.settings.items():
        shown = shown_setting(finding, setting)
        if shown is not None and expected is not None and shown != expected:
            yield in_words(_NAMES.get(setting, setting), shown=shown, usual=expected)
    if finding.kept or usual.settings["kind"] == "kept":
        return
    structure = finding.structure
    if usual.preset and structure.presets and usual.preset not in structure.presets:
        yield in_words("preset", shown=" or ".join(structure.presets), usual=usual.preset)
    if structure.fixed_gop is False and usual.fixed_groups[True] > usual.fixed_groups[False]:
        yield "its keyframes come at no fixed distance, those of the others do"
    before, wanted = finding.features.fps, _frame_rate(finding, usual.frame_rate)
    if not _is_rate(finding, usual.frame_rate):
        yield f"{before:g} frames per second came back as {finding.fps_after:g}, of the others as {wanted:g}"
    if finding.name in usual.odd_rates:
        yield usual.odd_rates[finding.name]


_NAMES = {"oriented": "turned upright"}


def _likelier(step: FrameRate | None, findings: Sequence[VideoFinding]) -> FrameRate | None:
    """A rule's change of the frame rate, or none where that explains more pairs: a single pair may have made it."""
    return min((step, None), key=lambda one: sum(not _is_rate(finding, one) for finding in findings))


def _is_rate(finding: VideoFinding, step: FrameRate | None) -> bool:
    return abs(finding.fps_after / _frame_rate(finding, step) - 1) <= SAME_FRAME_RATE


def _frame_rate(finding: VideoFinding, step: FrameRate | None) -> float:
    before = finding.features.fps
    wanted = step.fps if step else before
    assert isinstance(wanted, int | float), "learned frame rates are constants"
    return before if step and step.cap and before <= wanted else wanted


class _Rate(NamedTuple):
    name: str
    number: float  # CRF, or the logarithm of bits per pixel and second


def _odd_rates(findings: Sequence[VideoFinding]) -> Iterator[tuple[str, str]]:
    """Pairs whose rate is far from those of the others, with the reason."""
    if not findings:
        return
    mode, numbers, same = rates_behind(findings)
    known = [
        _Rate(one.name, number if mode == "crf" else math.log(number))
        for one, number in zip(findings, numbers, strict=True)
        if number is not None
    ]
    for one in known:
        rest = [other.number for other in known if other is not one]
        if len(rest) < _FEWEST:
            return
        lower, upper = map(float, np.quantile(rest, (0.25, 0.75)))
        reach = max(_FENCE * (upper - lower), same)
        if not lower - reach <= one.number <= upper + reach:
            yield one.name, _in_words(mode, one.number, (lower - reach, upper + reach))


def _in_words(mode: str, number: float, fences: tuple[float, float]) -> str:
    if mode == "crf":
        usual = f"{fences[0]:g}" if fences[0] == fences[1] else f"{fences[0]:.4g} to {fences[1]:.4g} at most"
        return in_words("CRF", shown=f"{number:g}", usual=usual)
    bits, low, high = (math.exp(one) for one in (number, *fences))
    return f"it takes {bits:.3g} bits per pixel and second, the others would take {low:.3g} to {high:.3g} at most"
