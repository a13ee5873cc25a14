"""The published framework's own way from samples to settings, as rules of a profile.

The emulator of the Social Media Compression Emulation Framework looks up the upload's stored resolution among those of
the samples, exactly or else the one of the nearest pixel area; takes the `target_res` of the first sample of that
resolution, and int(mean) of the CRF of all samples with that `target_res`, whatever their original resolution.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from repost.estimation.videos.bands import nearest_bands
from repost.estimation.videos.draft import ENCODE, RESIZE, Draft, crf_provenance, make_rule, standard_of
from repost.estimation.videos.reference import Sample
from repost.platforms.conditions import Range, When
from repost.platforms.profile import Provenance

NOTE = (
    "Looked up as the framework's emulator does: the same stored resolution, else the nearest pixel area; the target "
    "of the first sample of it; int(mean) of the CRF of all samples with that target. Of two areas equally near, the "
    "one that comes first in the file (the framework leaves it open). Portraits that are stored lying are squeezed, as "
    "there. Clips stored upside down count as turned by 90 degrees where two known resolutions have one area."
)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What is done to an upload."""

    target_res: str
    crf: int


def published_drafts(samples: Sequence[Sample], *, platform: str, codec: str) -> list[Draft]:
    """Rules that give every upload the size, CRF and profile that the framework's emulator gives it.

    Args:
        samples: Of one platform and codec, in the order of the file; at least one.
        platform: As the file spells it: "Youtube" alone has profile high.
        codec: FFmpeg's name of the encoder.
    """
    outcomes = _outcomes(samples)
    first_of_area: dict[int, _Outcome] = {}
    for resolution, outcome in outcomes.items():
        first_of_area.setdefault(_area(resolution), outcome)
    found: list[tuple[When, str, _Outcome]] = []
    for resolution, outcome in outcomes.items():
        # An exact match has distance 0, so that only an earlier resolution of the same area could stand before it.
        if outcome != first_of_area[_area(resolution)]:
            found += [(when, f"stored as {resolution}", outcome) for when in _stored_as(resolution)]
    for limit, outcome in nearest_bands((_area(resolution), one) for resolution, one in outcomes.items()):
        when = When() if limit is None else When(pixel_count=Range(under=limit))
        found.append((when, "any other" if limit is None else f"under {limit:,.0f} pixels", outcome))
    votes = _votes(samples)
    profile = {"h264": "high" if platform == "Youtube" else "main", "hevc": "main"}.get(standard_of(codec))
    return [
        _draft(f"{name}: to {outcome.target_res}", when, outcome, codec=codec, profile=profile, votes=votes)
        for when, name, outcome in found
    ]


def _outcomes(samples: Sequence[Sample]) -> dict[str, _Outcome]:
    """By known original resolution, in the order of the file."""
    targets: dict[str, str] = {}
    crfs: dict[str, list[float]] = defaultdict(list)
    for sample in samples:
        targets.setdefault(sample.original_res, sample.target_res)
        crfs[sample.target_res].append(sample.crf)
    means = {target: int(np.mean(found)) for target, found in crfs.items()}
    return {original: _Outcome(target, means[target]) for original, target in targets.items()}


def _area(resolution: str) -> int:
    width, height = map(int, resolution.split("x"))
    return width * height


def _stored_as(resolution: str) -> Iterator[When]:
    """Conditions speak of upright pictures; the framework's lookup of stored ones."""
    width, height = map(int, resolution.split("x"))
    if width == height:
        yield When(width_px=_just(width), height_px=_just(height))
    else:
        yield When(rotated=False, width_px=_just(width), height_px=_just(height))
        yield When(rotated=True, width_px=_just(height), height_px=_just(width))


def _just(number: int) -> Range:
    return Range(at_least=float(number), at_most=float(number))


def _votes(samples: Sequence[Sample]) -> dict[str, Provenance]:
    by_target: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_target[sample.target_res].append(sample)
    note = "int(mean) over all samples with target {}, whatever their original resolution"
    return {target: crf_provenance(found, note.format(target)) for target, found in by_target.items()}


def _draft(
    name: str, when: When, outcome: _Outcome, *, codec: str, profile: str | None, votes: dict[str, Provenance]
) -> Draft:
    width_px, height_px = map(int, outcome.target_res.split("x"))
    resize = {"fit": "stretch", "width_px": width_px, "height_px": height_px, "upscale": True}
    return Draft(
        make_rule(name, when, resize=resize, codec=codec, profile=profile, crf=outcome.crf),
        {
            f"steps.{RESIZE}.fit": Provenance(note=f"{outcome.target_res} exactly, whatever the shape of the upload"),
            f"steps.{ENCODE}.rate.crf": votes[outcome.target_res],
        },
        (f"steps.{ENCODE}.threads",),
    )
