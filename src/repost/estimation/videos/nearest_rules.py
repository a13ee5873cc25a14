"""From samples to settings without distorting pictures or averaging CRFs: two lookups that the framework has not.

An upload is treated as the sampled ones of its orientation with the nearest short side were.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal, TypeAlias

from repost.estimation.videos.bands import Bands, nearest_bands, value_at
from repost.estimation.videos.draft import (
    AUDIO,
    CONTAINER,
    ENCODE,
    RESIZE,
    Draft,
    crf_provenance,
    make_rule,
    standard_of,
)
from repost.estimation.videos.reference import Sample
from repost.platforms import values
from repost.platforms.conditions import Orientation, Range, When
from repost.platforms.profile import Provenance
from repost.platforms.values import ByFeature, Samples, Value

CrfFrom: TypeAlias = Literal["resolution", "rendition"]

ENOUGH_SAMPLES = 8
"""Samples of one original short side that a CRF of its own takes; with fewer, the test's p-values are inaccurate."""
MOST_P = 0.01
"""Kruskal and Wallis's test must be surer than this that the CRF depends on the original's size."""

NOTES: dict[CrfFrom, str] = {
    "resolution": "The original resolution of the same orientation with the nearest short side decides the rendition; "
    "the shape is kept; the CRF is drawn from the samples of that resolution.",
    "rendition": "The original resolution of the same orientation with the nearest short side decides the rendition; "
    "the shape is kept; the CRF is drawn from all samples of that rendition, by the upload's short side where "
    f"{ENOUGH_SAMPLES} samples or more of each show that it depends on it (p < {MOST_P:g}).",
}

_DEFAULTS = (
    f"steps.{RESIZE}.kernel",
    *(f"steps.{ENCODE}.{name}" for name in ("preset", "threads", "gop_s", "b_frames", "references")),
    f"steps.{AUDIO}.action",
    *(f"steps.{CONTAINER}.{name}" for name in ("format", "faststart", "strip_sei")),
)
"""What samples do not tell."""

_PROFILES = {
    "h264": {"high": "high", "main": "main", "baseline": "baseline", "constrained baseline": "baseline"},
    "hevc": {"main": "main"},
}
"""Profiles as ffprobe names them and as encoders for 8 bits take them."""


@dataclass(frozen=True, slots=True)
class _Rendition:
    """What is done to an upload, and why; two are equal where the same is done."""

    px: int
    upscale: bool
    crf: Value
    samples: Sequence[Sample] = field(compare=False)
    note: str = field(compare=False)


def nearest_drafts(samples: Sequence[Sample], *, codec: str, crf_from: CrfFrom) -> list[Draft]:
    """Rules by orientation and short side.

    Args:
        samples: Of one platform and codec, in the order of the file; at least one.
        codec: FFmpeg's name of the encoder.
        crf_from: Whether the CRF comes from the samples of the nearest resolution alone, or of the whole rendition.
    """
    laws = _laws(samples) if crf_from == "rendition" else None
    found: list[Draft] = []
    for orientation, bands in _by_orientation(samples, laws):
        for limit, rendition in bands:
            short_side = None if limit is None else Range(under=limit)
            found.append(_draft(When(orientation=orientation, short_side_px=short_side), rendition, codec))
    return found


_Laws: TypeAlias = dict[int, tuple[list[Sample], Value, str]]
"""Samples, CRF and its reason by the target's short side."""


def _by_orientation(
    samples: Sequence[Sample], laws: _Laws | None
) -> list[tuple[Orientation | None, Bands[_Rendition]]]:
    """Bands of short sides for each orientation; the last set is for all the rest."""
    parts: dict[Orientation, list[Sample]] = defaultdict(list)
    for sample in samples:
        parts[orientation_of(sample)].append(sample)
    sets: dict[Orientation | None, Bands[_Rendition]] = {}
    for orientation, part in parts.items():
        sets[orientation] = _renditions(part, laws)
    rest = sets[list(sets)[-1]] if len(sets) == 3 else _renditions(samples, laws)
    if all(bands == rest for bands in sets.values()):
        return [(None, rest)]
    return [*list(sets.items())[:2], (None, rest)]


def orientation_of(sample: Sample) -> Orientation:
    """The orientation of an upload as it is seen.

    `original_res` is the stored size: where the target stands and the original lies, the upload was a portrait with a
    rotation flag, which the platform applied.
    """
    stored, target = _orientation(sample.original_size), _orientation(sample.target_size)
    return stored if "square" in (stored, target) else target


def _orientation(size: tuple[int, int]) -> Orientation:
    width, height = size
    return "square" if width == height else "landscape" if width > height else "portrait"


def _renditions(part: Sequence[Sample], laws: _Laws | None) -> Bands[_Rendition]:
    groups: dict[int, list[Sample]] = defaultdict(list)
    for sample in part:
        groups[min(sample.original_size)].append(sample)
    known: list[tuple[int, _Rendition]] = []
    for short_px, group in groups.items():
        # The most frequent; of several the first in the file.
        px = Counter(min(sample.target_size) for sample in group).most_common(1)[0][0]
        used = [sample for sample in group if min(sample.target_size) == px]
        crf: Value = Samples(samples=tuple(sorted(sample.crf for sample in used)))
        note = "of the nearest original size alone"
        if laws is not None:
            used, crf, note = laws[px]
        known.append((short_px, _Rendition(px, px > short_px, crf, used, note)))
    return nearest_bands(known)


def _laws(samples: Sequence[Sample]) -> _Laws:
    renditions: dict[int, list[Sample]] = defaultdict(list)
    for sample in samples:
        renditions[min(sample.target_size)].append(sample)
    return {px: (found, *crf_law(found)) for px, found in renditions.items()}


def crf_law(samples: Sequence[Sample]) -> tuple[Value, str]:
    """The CRF of one rendition, by the upload's short side where the samples show that it depends on it.

    Args:
        samples: Of one rendition; at least one.

    Returns:
        The value, and why in words.
    """
    groups: dict[int, list[float]] = defaultdict(list)
    for sample in samples:
        groups[min(sample.original_size)].append(sample.crf)
    large = {short_px: crfs for short_px, crfs in groups.items() if len(crfs) >= ENOUGH_SAMPLES}
    everything = Samples(samples=tuple(sorted(chain.from_iterable(groups.values()))))
    if len(large) < 2:
        return everything, f"fewer than two original sizes with {ENOUGH_SAMPLES} samples, so one CRF law for all"
    if len({crf for crfs in large.values() for crf in crfs}) == 1:
        return everything, "the CRF is the same for every original size"
    p = _chance(list(large.values()))
    if p >= MOST_P:
        return everything, f"the CRF does not depend on the original's size (p = {p:.2g})"
    nearest = nearest_bands((short_px, short_px) for short_px in large)
    pooled: dict[int, list[float]] = defaultdict(list)
    for short_px, crfs in groups.items():
        pooled[value_at(nearest, short_px)] += crfs
    bands = [(limit, Samples(samples=tuple(sorted(pooled[short_px])))) for limit, short_px in nearest]
    law = ByFeature(
        by="short_side_px",
        bands=tuple(values.Band(under=limit, value=crfs) for limit, crfs in bands if limit is not None),
        otherwise=bands[-1][1],
    )
    return law, f"the CRF depends on the original's short side (p = {p:.2g})"


def _chance(groups: Sequence[Sequence[float]]) -> float:
    """The p-value of Kruskal and Wallis's test that all groups are draws from one distribution."""
    from scipy import stats  # half a second to import, for few databases

    found: Any = stats.kruskal(*groups)  # it has no stubs
    return float(found.pvalue)


def _draft(when: When, rendition: _Rendition, codec: str) -> Draft:
    px, samples = rendition.px, rendition.samples
    profile = _profile(samples, standard_of(codec))
    resize = {"fit": "short_side", "px": px, "upscale": rendition.upscale, "multiple_of": 2}
    limits: list[str] = [when.orientation] if when.orientation else []
    if when.short_side_px is not None:
        limits.append(f"short side under {when.short_side_px.under:g} px")
    name = f"{', '.join(limits) or 'any other'}: to {px}p"
    rule = make_rule(name, when, resize=resize, codec=codec, profile=profile, crf=rendition.crf)
    provenance = {
        f"steps.{RESIZE}.px": Provenance(note="most frequent target of the nearest original size"),
        f"steps.{ENCODE}.rate.crf": crf_provenance(samples, rendition.note),
    }
    untold = () if profile else (f"steps.{ENCODE}.profile",)
    return Draft(rule, provenance, (*_DEFAULTS, *untold))


def _profile(samples: Sequence[Sample], standard: str) -> str | None:
    names = _PROFILES.get(standard, {})
    seen = Counter(names.get((sample.profile or "").lower()) for sample in samples)
    seen.pop(None, None)
    return seen.most_common(1)[0][0] if seen else None
