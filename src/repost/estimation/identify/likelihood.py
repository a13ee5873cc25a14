"""What the likelihoods of all media share: how far profiles are trusted, and what is found out about each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from repost.platforms import Profile, Rule

if TYPE_CHECKING:
    from repost.estimation.identify.filenames import NamePattern
    from repost.estimation.identify.signature import Signature
    from repost.estimation.identify.videos.signature import VideoSignature

ASSUMED_WEIGHT = 0.5
"""How far a stated default is trusted that a profile marks as unknown; the rest goes to what unknown networks do."""

RARE = 0.005
"""Chance of what should not be there, such as EXIF where it is stripped."""

DRIFT = 0.05
"""How often a network no longer does what its profile says: networks change without telling, and most profiles rest on
few files. Facebook's two measured files, of 2022 and 2024, differ in their scans. A judgement, not a count."""


@dataclass(frozen=True, slots=True)
class RuleLikelihood:
    """How likely one rule is to serve the file.

    Attributes:
        index: Of the rule in its profile.
        rule: The rule.
        value: Density, what is only assumed trusted by half.
        stated: Density if everything the profile says were so.
        assumed: Whether the step that writes the file is a stated default and not known.
    """

    index: int
    rule: Rule
    value: float
    stated: float
    assumed: bool


@dataclass(frozen=True, slots=True)
class ProfileLikelihood:
    """How likely a profile is to serve the file.

    Attributes:
        profile: The profile.
        value: Density, with room for drift.
        best: The rule that has the largest part in it.
    """

    profile: Profile
    value: float
    best: RuleLikelihood


class Evidence(Protocol):
    """A file of one medium, and how likely each origin is to leave such a file."""

    @property
    def signature(self) -> Signature | VideoSignature:
        """What was found in the file."""
        ...

    @property
    def described(self) -> str:
        """How it was coded and its size, in words."""
        ...

    @property
    def untouched(self) -> float:
        """Density of a file that no network has touched."""
        ...

    @property
    def unknown(self) -> float:
        """Density of a file from a network or program without a profile."""
        ...

    def likelihood(self, profile: Profile) -> ProfileLikelihood | None:
        """How likely a network is to serve the file; None for a profile without rules for such media."""
        ...

    def reasons(
        self, found: ProfileLikelihood, pattern: NamePattern | None, *, also: Sequence[str], as_unshared: bool
    ) -> tuple[str, ...]:
        """What speaks for and against a network, in words."""
        ...

    def none_reasons(self, pattern: NamePattern | None, platforms: Collection[str]) -> tuple[str, ...]:
        """What speaks for none of the networks, in words."""
        ...


def trusted(stated: float, broad: float) -> float:
    """A chance that rests on a stated default, mixed with that of unknown networks."""
    return ASSUMED_WEIGHT * stated + (1 - ASSUMED_WEIGHT) * broad


def with_drift(profile: Profile, found: Sequence[RuleLikelihood], *, unknown: float) -> ProfileLikelihood:
    """The likelihood of a profile from those of its rules.

    Args:
        profile: The profile.
        found: Of every rule of the medium.
        unknown: Density of the file from an unknown network, which is what a network that has changed has become.
    """
    value = (1 - DRIFT) * sum(one.value for one in found) + DRIFT * unknown
    return ProfileLikelihood(profile, value, max(found, key=lambda one: (one.value, one.stated)))
