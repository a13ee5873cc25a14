"""Which networks a file may have come from.

Bayes' rule over every platform with a profile, and "none of these": a file that no network touched, or one that came
from a network without a profile. The prior is stated below, the likelihoods are those of the medium; networks that
treat a file alike share the probability, and each names the others.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from repost.estimation.identify.filenames import NamePattern, match_name
from repost.estimation.identify.images import ImageEvidence
from repost.estimation.identify.likelihood import Evidence, ProfileLikelihood
from repost.estimation.identify.signature import Signature, read_signature
from repost.media.read import read_file
from repost.media.sniff import VIDEO_FORMATS, sniff
from repost.platforms import Profile, list_profiles

if TYPE_CHECKING:
    from repost.estimation.identify.videos.signature import VideoSignature

Source: TypeAlias = "str | os.PathLike[str] | bytes | Signature | VideoSignature"

NONE_PRIOR = 0.5
"""Prior of "none of these". The platforms share the rest evenly: who asks knows where files come from better than any
count made here would, and even shares are easy to reason with."""

UNSHARED_SHARE = 0.6
"""Of that, the share of files that no network touched; the rest came from networks without a profile."""

MAIN_ROUTE_SHARE = 0.7
"""Of a platform's files, the share that came by its main routes; its other routes share the rest evenly."""

OLDER_SHARE = 0.5
"""Weight of a route's next older profile beside the newer one."""

EXAMPLE_SHARE = 0.1
"""Weight of an example that comes with repost beside a network: only emulations come from it. What it lacks goes to
"none of these"."""

ALIKE = 0.05
"""Two networks treat a file alike where their stated likelihoods are this near, relatively."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A network that the file may have come from.

    Attributes:
        platform: Its name in profiles.
        route: The likeliest route, such as "post".
        profile: Full name of the likeliest profile.
        probability: That the file came from the platform, by any route; 0 to 1.
        reasons: What speaks for it and against it, in words.
        also: Platforms that would serve the very same signature, so that nothing in the file tells them apart.
        as_unshared: Whether an untouched file looks the same too.
    """

    platform: str
    route: str
    profile: str
    probability: float
    reasons: tuple[str, ...]
    also: tuple[str, ...]
    as_unshared: bool


@dataclass(frozen=True, slots=True)
class Identification:
    """Where a file may have come from.

    Attributes:
        signature: What was found in the file.
        described: How the file was coded and its size, in words.
        candidates: Every platform with a profile for such media, likeliest first.
        none: Probability of "none of these": no network, or one without a profile. All probabilities add up to one.
        none_reasons: What speaks for that, in words.
    """

    signature: Signature | VideoSignature
    described: str
    candidates: tuple[Candidate, ...]
    none: float
    none_reasons: tuple[str, ...]

    @property
    def answer(self) -> tuple[str, ...]:
        """The platforms of the answer: the likeliest and those it cannot be told apart from; empty for none of these.

        Convention: "none of these" is the answer where it is likelier than all networks together.
        """
        if self.none > 0.5 or not self.candidates:
            return ()
        return (self.candidates[0].platform, *self.candidates[0].also)


def identify(
    source: Source,
    *,
    name: str | None = None,
    profiles: Iterable[Profile] | None = None,
    max_pixels: int | None = None,
) -> Identification:
    """Rank the networks a file may have come from.

    Args:
        source: A path of an image or a video, an image's bytes, or a signature that was read or written down before.
        name: The file's name, weak evidence of its own; that of the path when None. Give "" to leave it out.
        profiles: What to choose from; every bundled profile and those of the user's folder when None.
        max_pixels: Limit on width x height; the limit in force when None.

    Returns:
        Every platform with its probability and reasons, and the probability of none of them.

    Raises:
        InputNotFound: There is no such file.
        MediaError: It is neither image nor video, damaged before its image data (a video: anywhere), or too large.
        MissingExtra: It is HEIC and pillow-heif is not installed.
    """
    known = [listed.profile for listed in list_profiles()] if profiles is None else list(profiles)
    evidence, found_name = _evidence(source, max_pixels=max_pixels)
    pattern = match_name(found_name if name is None else name)
    found = [one for one in map(evidence.likelihood, known) if one is not None]
    return _weigh(evidence, _by_platform(found), pattern)


def with_profiles(own: Iterable[Profile]) -> list[Profile]:
    """Every bundled profile and those of the user's folder, and more of the user's own; these replace equal names."""
    found = {listed.profile.id: listed.profile for listed in list_profiles()}
    return [*(found | {profile.id: profile for profile in own}).values()]


def _evidence(source: Source, *, max_pixels: int | None) -> tuple[Evidence, str]:
    """What there is to weigh, and the file's name."""
    if isinstance(source, Signature):
        return ImageEvidence(source), ""
    if isinstance(source, bytes):
        return ImageEvidence(read_signature(source, max_pixels=max_pixels)), ""
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if not _is_video(path):
            signature = read_signature(read_file(path), name=str(path), max_pixels=max_pixels)
            return ImageEvidence(signature), path.name
        # FFmpeg is loaded for videos only.
        from repost.estimation.identify.videos.signature import read_video_signature

        source, name = read_video_signature(path, max_pixels=max_pixels), path.name
    else:
        name = ""
    from repost.estimation.identify.videos.evidence import VideoEvidence

    return VideoEvidence(source), name


def _is_video(path: Path) -> bool:
    """Whether a file is a video, by its content; what cannot be opened is left to the reader of images to name."""
    try:
        if not path.is_file():  # opening a pipe would wait for ever
            return False
        with path.open("rb") as stream:
            return sniff(stream.read(64)) in VIDEO_FORMATS
    except (OSError, ValueError):
        return False


def _by_platform(found: Sequence[ProfileLikelihood]) -> dict[str, list[tuple[float, ProfileLikelihood]]]:
    """The profiles of each platform with their share of its files; the shares of a platform add up to one."""
    platforms: dict[str, list[ProfileLikelihood]] = {}
    for one in found:
        platforms.setdefault(one.profile.platform, []).append(one)
    return {platform: _shared(profiles) for platform, profiles in sorted(platforms.items())}


def _shared(profiles: list[ProfileLikelihood]) -> list[tuple[float, ProfileLikelihood]]:
    routes: dict[tuple[bool, str], list[ProfileLikelihood]] = {}
    for one in sorted(profiles, key=lambda one: one.profile.observed, reverse=True):
        routes.setdefault((one.profile.main_route, one.profile.route), []).append(one)
    main_count = sum(main for main, _ in routes)
    weighed: list[tuple[float, ProfileLikelihood]] = []
    for (main, _), dated in routes.items():
        share = MAIN_ROUTE_SHARE / main_count if main else (1 - MAIN_ROUTE_SHARE) / (len(routes) - main_count)
        ages = [OLDER_SHARE**age for age in range(len(dated))]
        weighed += [(share * age / sum(ages), one) for age, one in zip(ages, dated, strict=True)]
    total = sum(share for share, _ in weighed)
    return [(share / total, one) for share, one in weighed]


def _weigh(
    evidence: Evidence,
    platforms: dict[str, list[tuple[float, ProfileLikelihood]]],
    pattern: NamePattern | None,
) -> Identification:
    untouched, unknown = evidence.untouched, evidence.unknown
    odds = dict.fromkeys(pattern.platforms, pattern.odds) if pattern else {}
    even = (1 - NONE_PRIOR) / max(1, len(platforms))
    priors = {
        platform: even * (EXAMPLE_SHARE if all(one.profile.example for _, one in profiles) else 1.0)
        for platform, profiles in platforms.items()
    }
    none = (1 - math.fsum(priors.values())) * (UNSHARED_SHARE * untouched + (1 - UNSHARED_SHARE) * unknown)
    if pattern and not set(odds) & set(platforms):
        none *= pattern.odds
    weights = {
        platform: priors[platform] * odds.get(platform, 1.0) * math.fsum(share * one.value for share, one in profiles)
        for platform, profiles in platforms.items()
    }
    total = none + math.fsum(weights.values())
    best = {
        platform: max(profiles, key=lambda weighed: weighed[0] * weighed[1].best.value)[1]
        for platform, profiles in platforms.items()
    }
    candidates = [_candidate(evidence, best, platform, weights[platform] / total, pattern) for platform in platforms]
    candidates.sort(key=lambda candidate: (-candidate.probability, candidate.platform))
    return Identification(
        signature=evidence.signature,
        described=evidence.described,
        candidates=tuple(candidates),
        none=none / total,
        none_reasons=evidence.none_reasons(pattern, platforms),
    )


def _candidate(
    evidence: Evidence,
    best: dict[str, ProfileLikelihood],
    platform: str,
    probability: float,
    pattern: NamePattern | None,
) -> Candidate:
    one = best[platform]
    stated = one.best.stated
    also = tuple(
        other for other, its in best.items() if other != platform and stated and _alike(its.best.stated, stated)
    )
    as_unshared = _alike(stated, evidence.untouched)
    return Candidate(
        platform=platform,
        route=one.profile.route,
        profile=one.profile.id,
        probability=probability,
        reasons=evidence.reasons(one, pattern, also=also, as_unshared=as_unshared),
        also=also,
        as_unshared=as_unshared,
    )


def _alike(one: float, other: float) -> bool:
    return abs(one - other) <= ALIKE * max(one, other)
