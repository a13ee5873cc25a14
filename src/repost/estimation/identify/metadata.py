"""What a file carries besides its picture: by what wrote it, and by what a network does to metadata."""

from __future__ import annotations

from dataclasses import dataclass

from repost.estimation.identify.likelihood import RARE, trusted
from repost.estimation.identify.population import UNKNOWN_NETWORK, Origin
from repost.estimation.identify.signature import Signature, Trace
from repost.platforms.steps import Fate, Metadata

SEGMENT_HABITS: dict[str, float] = {"instagram": 0.82, "facebook": 0.5}
"""How often a network writes an APP13 segment of its own. Counted in measured files, with one added to each side:
8 of 9 of Instagram's, 1 of 2 of Facebook's. Files made by emulation have none."""

FBMD_SHARE = 0.9
"""How many of those hold the FBMD mark; all that were looked at do. Elsewhere it is RARE: in pictures passed on."""

PHONE_EXIF = 0.3
"""How often a picture that a person's app saved again has EXIF of the phone; the one measured file of that kind has."""

_Group = tuple[Trace, ...]
_EXIF: _Group = ("exif", "orientation")
_ICC: _Group = ("icc", "plain_icc")
_SINGLES: _Group = ("xmp", "c2pa")
_SEGMENTS: _Group = ("iptc", "comment", "jfif", "mpf")


def as_uploaded(signature: Signature, origin: Origin) -> float:
    """Density of everything a file carries, as its origin writes it."""
    chance = _one_of(signature, _EXIF, origin) * _one_of(signature, _ICC, origin)
    singles: _Group = _SINGLES if signature.format != "jpeg" else (*_SINGLES, *_SEGMENTS)
    for trace in singles:
        chance *= _present(origin.carry_chance(trace), trace in signature.carries)
    return chance * _mark_chance(signature, RARE)


def _one_of(signature: Signature, group: _Group, origin: Origin) -> float:
    for trace in group:
        if trace in signature.carries:
            return origin.carry_chance(trace)
    return 1 - sum(origin.carry_chance(trace) for trace in group)


def _present(chance: float, present: bool) -> float:
    bounded = min(max(chance, RARE), 1 - RARE)
    return bounded if present else 1 - bounded


def _mark_chance(signature: Signature, share: float) -> float:
    """Chance of the FBMD mark in an APP13 segment that is there."""
    if "iptc" not in signature.carries or signature.fbmd is None:
        return 1.0
    return share if signature.fbmd else 1 - share


@dataclass(frozen=True, slots=True)
class Carried:
    """What a served file carries, by what the network does to an upload's metadata."""

    signature: Signature
    fates: Metadata
    platform: str
    client: bool
    doubted: bool

    def chance(self, origin: Origin) -> float:
        """Density for uploads of one origin."""
        said = self._exif(origin) * self._icc(origin)
        fates: tuple[tuple[Trace, Fate], ...] = (("xmp", self.fates.xmp), ("c2pa", self.fates.c2pa))
        for trace, fate in fates:
            kept = origin.carry_chance(trace) if fate == "keep" else RARE
            said *= _present(kept, trace in self.signature.carries)
        if self.doubted:
            said = trusted(said, _of_unknown(self.signature))
        return said * self._segments()

    def _exif(self, origin: Origin) -> float:
        carries = self.signature.carries
        if self.client:
            other = RARE if "orientation" in carries else 1 - PHONE_EXIF - RARE
            return PHONE_EXIF if "exif" in carries else other
        if self.fates.exif == "keep":
            return _one_of(self.signature, _EXIF, origin)
        turned = 0.9 * sum(origin.carry_chance(trace) for trace in _EXIF) if self.fates.exif == "orientation" else RARE
        if "exif" in carries:
            return RARE
        return turned if "orientation" in carries else 1 - RARE - turned

    def _icc(self, origin: Origin) -> float:
        if self.fates.icc == "keep":
            return _one_of(self.signature, _ICC, origin)
        plain = 1 - 3 * RARE if self.fates.icc == "srgb" else RARE
        if "icc" in self.signature.carries:
            return RARE
        return plain if "plain_icc" in self.signature.carries else 1 - RARE - plain

    def _segments(self) -> float:
        """Segments that the network's own encoder writes or leaves out."""
        if self.signature.format != "jpeg":
            return 1.0
        habit = SEGMENT_HABITS.get(self.platform, RARE)
        own: tuple[tuple[Trace, float], ...] = (("iptc", habit), ("comment", 0.02), ("mpf", RARE), ("jfif", 0.9))
        chance = 1.0
        for trace, present in own:
            chance *= _present(present, trace in self.signature.carries)
        return chance * _mark_chance(self.signature, FBMD_SHARE if self.platform in SEGMENT_HABITS else RARE)


def _of_unknown(signature: Signature) -> float:
    chance = _one_of(signature, _EXIF, UNKNOWN_NETWORK) * _one_of(signature, _ICC, UNKNOWN_NETWORK)
    for trace in _SINGLES:
        chance *= _present(UNKNOWN_NETWORK.carry_chance(trace), trace in signature.carries)
    return chance
