"""Uploads that may have become a file: tried one after another where what a network does depends on the upload."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from repost.estimation.identify.population import COMMON_SHAPES, FORMATS, side_chance, sides
from repost.estimation.identify.signature import Signature
from repost.platforms import Profile, Rule
from repost.platforms.conditions import When
from repost.platforms.steps import ClientSave, EncodeJpeg, Resize, Step
from repost.platforms.values import ByFeature, Choice, Feature, Features, Number, Samples, Value

_BITS_PER_PIXEL = {"jpeg": (0.8, 2.0, 4.5), "png": (6.0, 12.0, 20.0)}
_OTHER_BITS_PER_PIXEL = (0.5, 1.5, 4.0)
_BUSYNESS = (2.5, 4.5, 7.0, 12.0)  # quarters of photographs: `repost.media.busyness` calls 2-5 smooth, 12 busy
_ROTATED = {"jpeg": 0.15, "heif": 0.3}
_ANIMATED = {"gif": 0.6, "webp": 0.1}
_HAS_ALPHA = {"png": 0.2, "webp": 0.2, "gif": 0.2}


@dataclass(frozen=True, slots=True)
class Hypothetical:
    """An upload that may have become the file, with the chance that an upload is such a one.

    It answers what conditions and values of profiles ask, as `repost.media.upload.Upload` does.

    Attributes:
        chance: Among uploads of the file's shape where `own_shape`, else among uploads of all common shapes.
        own_shape: Whether it has the file's shape: a step that keeps the shape can only have come from such a one, a
            step that fills a box from any.
    """

    format: str
    width_px: int
    height_px: int
    chance: float
    rotated: bool = False
    animated: bool = False
    has_alpha: bool = False
    bits_per_pixel: float = 2.0
    busyness: float = 5.0
    own_shape: bool = True
    codec: str | None = None

    def feature(self, name: Feature) -> float:
        """A number that rules and values depend on."""
        width, height = self.width_px, self.height_px
        simple = {
            "width_px": width,
            "height_px": height,
            "long_side_px": max(width, height),
            "short_side_px": min(width, height),
            "pixel_count": width * height,
            "aspect_ratio": width / height,
            "bits_per_pixel": self.bits_per_pixel,
            "busyness": self.busyness,
            "size_bytes": self.bits_per_pixel * width * height / 8,
        }
        return simple.get(name, math.nan)  # video features: no image rule may ask for them


def distribution(value: Value, features: Features) -> Iterator[tuple[Number, float]]:
    """Every number a value can be drawn as for an upload, with its chance.

    Args:
        value: A constant, Choice, Samples or ByFeature.
        features: What it depends on, of the upload.

    Yields:
        (number, chance); the chances add up to one.
    """
    if isinstance(value, ByFeature):
        found = features(value.by)
        chosen = next((band.value for band in value.bands if found < band.under), value.otherwise)
        yield from distribution(chosen, features)
    elif isinstance(value, Choice):
        weights = value.weights or (1.0,) * len(value.choice)
        yield from ((number, weight / sum(weights)) for number, weight in zip(value.choice, weights, strict=True))
    elif isinstance(value, Samples):
        yield from ((number, 1 / len(value.samples)) for number in value.samples)
    else:
        yield value, 1.0


class Uploads:
    """Uploads that may have become one file; each set is made once however many profiles ask for it.

    Args:
        signature: Of the file.
    """

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self._made: dict[frozenset[str], list[Hypothetical]] = {}

    def matching(self, profile: Profile) -> list[tuple[int, Rule, list[Hypothetical]]]:
        """The image rules of a profile, each with the uploads that follow it.

        Returns:
            (index of the rule, rule, uploads). Over all rules, the chances of uploads of the file's own shape add up
            to one, and those of the others too where the profile fills a box.
        """
        rules = profile.rules_for("image")
        found: dict[int, list[Hypothetical]] = {index: [] for index, _ in rules}
        conditions = [(index, None if rule.when.always else rule.when) for index, rule in rules]
        for upload in self._of(frozenset(_asked(rule for _, rule in rules))):
            found[_followed(conditions, upload)].append(upload)
        return [(index, rule, found[index]) for index, rule in rules]

    def itself(self, rules: Sequence[tuple[int, Rule]], index: int) -> float:
        """The chance that the upload was this very file and followed a rule; its kind is known then.

        Args:
            rules: All image rules of the profile with their index.
            index: The rule.
        """
        signature = self.signature
        asked = _asked(rule for _, rule in rules)
        same = Hypothetical(
            signature.format, *signature.size,
            chance=FORMATS.get(signature.format, 1e-3) * side_chance(signature.long_side_px),
            rotated=signature.rotated, animated=signature.animated, has_alpha=signature.has_alpha,
            bits_per_pixel=8 * signature.size_bytes / math.prod(signature.size),
        )  # fmt: skip
        conditions = [(at, None if rule.when.always else rule.when) for at, rule in rules]
        tried = _expanded([same], asked & {"busyness"})
        return sum(upload.chance for upload in tried if _followed(conditions, upload) == index)

    def _of(self, asked: frozenset[str]) -> list[Hypothetical]:
        if asked not in self._made:
            sized = list(self._sizes(boxed="box" in asked))
            by_format = "format" in asked or bool(asked & {"rotated", "animated", "has_alpha"})
            if by_format:
                sized = [
                    replace(upload, format=format_, chance=upload.chance * share)
                    for upload, (format_, share) in product(sized, FORMATS.items())
                ]
            self._made[asked] = _expanded(sized, asked)
        return self._made[asked]

    def _sizes(self, *, boxed: bool) -> Iterator[Hypothetical]:
        """Uploads of the file's shape, one exactly of its size; of common shapes too where boxes are filled."""
        width, height = self.signature.size
        exact = side_chance(max(width, height))
        yield Hypothetical("jpeg", width, height, exact)
        others = [(size, chance) for size, chance in _scaled(width, height) if size != (width, height)]
        rest = (1 - exact) / sum(chance for _, chance in others)
        yield from (Hypothetical("jpeg", *size, chance * rest) for size, chance in others)
        if boxed:
            both_ways = [*COMMON_SHAPES, *((high, wide) for wide, high in COMMON_SHAPES)]
            for shape in both_ways:
                for size, chance in _scaled(*shape):
                    yield Hypothetical("jpeg", *size, chance / len(both_ways), own_shape=False)


def _scaled(wide: int, high: int) -> Iterator[tuple[tuple[int, int], float]]:
    """A shape in every size that is tried, with its chance."""
    for side_px, chance in sides():
        scale = side_px / max(wide, high)
        yield (max(1, round(wide * scale)), max(1, round(high * scale))), chance


def _expanded(uploads: Iterable[Hypothetical], asked: Iterable[str]) -> list[Hypothetical]:
    """Each upload once for every kind that a profile distinguishes."""
    wanted = set(asked)
    expanded = list(uploads)
    for name, shares in (("rotated", _ROTATED), ("animated", _ANIMATED), ("has_alpha", _HAS_ALPHA)):
        if name in wanted:
            expanded = [
                replace(upload, **{name: yes}, chance=upload.chance * (share if yes else 1 - share))
                for upload in expanded
                for share in [shares.get(upload.format, 0.0)]
                for yes in (False, True)
                if share or not yes
            ]
    if wanted & {"bits_per_pixel", "size_bytes"}:
        expanded = [
            replace(upload, bits_per_pixel=bits, chance=upload.chance / 3)
            for upload in expanded
            for bits in _BITS_PER_PIXEL.get(upload.format, _OTHER_BITS_PER_PIXEL)
        ]
    if "busyness" in wanted:
        expanded = [
            replace(upload, busyness=busyness, chance=upload.chance / len(_BUSYNESS))
            for upload in expanded
            for busyness in _BUSYNESS
        ]
    return expanded


def _followed(conditions: Iterable[tuple[int, When | None]], upload: Hypothetical) -> int:
    """The index of the first rule whose conditions an upload meets; None stands for no conditions."""
    return next(index for index, when in conditions if when is None or when.matches(upload, upload.feature))


def _asked(rules: Iterable[Rule]) -> frozenset[str]:
    """What conditions and values of rules ask of an upload, beyond its size; "box" where a box is filled."""
    asked: set[str] = set()
    for rule in rules:
        asked |= rule.when.given
        for step in rule.steps:
            asked |= _asked_by(step)
    return frozenset(asked & _EXPANDABLE)


_EXPANDABLE = {
    "format", "rotated", "animated", "has_alpha", "bits_per_pixel", "size_bytes", "busyness", "box",
}  # fmt: skip


def _asked_by(step: Step) -> set[str]:
    if isinstance(step, ClientSave):
        return _asked_by(step.encode)
    values: tuple[Value | None, ...] = ()
    if isinstance(step, Resize):
        values = (step.px, step.width_px, step.height_px)
    elif isinstance(step, EncodeJpeg):
        values = (step.quality,)
    asked = {name for value in values if value is not None for name in _features(value)}
    return asked | {"box"} if isinstance(step, Resize) and step.fit in ("cover", "stretch") else asked


def _features(value: Value) -> Iterator[str]:
    if isinstance(value, ByFeature):
        yield value.by
        for band in value.bands:
            yield from _features(band.value)
        yield from _features(value.otherwise)
