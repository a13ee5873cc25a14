"""Parameters that are known as a number, a distribution, a rule of the upload, or bare measurements.

In a profile a value is one of

    quality = 92                                                          a constant
    quality = { choice = [71, 92], weights = [0.1, 0.9] }                 a distribution
    quality = { by = "long_side_px", bands = [{ under = 500, value = 80 }], otherwise = 92 }
    quality = { samples = [80, 80, 92] }                                  what was measured, drawn with equal chance
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from typing import Annotated, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    AllowInfNan,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Strict,
    Tag,
    model_validator,
)

ImageFeature: TypeAlias = Literal[
    "width_px", "height_px", "long_side_px", "short_side_px", "pixel_count", "aspect_ratio",
    "size_bytes", "bits_per_pixel", "busyness",
]  # fmt: skip
VideoFeature: TypeAlias = Literal["fps", "duration_s", "bitrate_bps"]
Feature: TypeAlias = ImageFeature | VideoFeature
"""A number read off the upload, upright (after EXIF or container rotation).

`aspect_ratio` is width / height; `bits_per_pixel` is 8 x size_bytes / pixel_count; `busyness` is defined at
`repost.media.busyness`.
"""

Features: TypeAlias = Callable[[Feature], float]
"""Looks up a feature of one upload. Features are computed when asked for, so that unused ones cost nothing."""


class Data(BaseModel):
    """Base of everything parsed: immutable, and a misspelt field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


Finite: TypeAlias = Annotated[float, Strict(), AllowInfNan(False)]
Number: TypeAlias = Annotated[int, Strict()] | Finite


class Choice(Data):
    """One of several values, with given chances.

    Attributes:
        choice: The possible values.
        weights: Their relative chances, in the same order; equal when absent. They need not add up to one.
    """

    choice: tuple[Number, ...] = Field(min_length=1)
    weights: tuple[Annotated[Finite, Field(ge=0)], ...] | None = None

    @model_validator(mode="after")
    def _one_weight_each(self) -> Choice:
        if self.weights is not None:
            if len(self.weights) != len(self.choice):
                raise ValueError(f"got {len(self.weights)} weights for {len(self.choice)} values; give one weight each")
            if sum(self.weights) <= 0:
                raise ValueError("all weights are zero; at least one value must be possible")
            if math.isinf(sum(self.weights)):
                raise ValueError("the weights add up to more than a number can hold; give smaller ones")
        return self


class Samples(Data):
    """Measured values, kept raw; a draw takes one of them with equal chance."""

    samples: tuple[Number, ...] = Field(min_length=1)


class Band(Data):
    """The value that holds below a limit (and at or above the limit of the band before)."""

    under: Finite
    value: Value


class ByFeature(Data):
    """A value that depends on the upload.

    Attributes:
        by: The feature it depends on.
        bands: Upper limits in rising order, each exclusive, with the value below it.
        otherwise: The value at or above the last limit.
    """

    by: Feature
    bands: tuple[Band, ...] = Field(min_length=1)
    otherwise: Value

    @model_validator(mode="after")
    def _limits_rise(self) -> ByFeature:
        limits = [band.under for band in self.bands]
        if limits != sorted(set(limits)):
            raise ValueError(f"band limits must rise, got {limits}")
        return self


def _kind(value: object) -> str:
    for key, model in (("choice", Choice), ("samples", Samples), ("by", ByFeature)):
        if isinstance(value, model) or (isinstance(value, dict) and key in value):
            return key
    return "constant"


Value: TypeAlias = Annotated[
    Annotated[Number, Tag("constant")]
    | Annotated[Choice, Tag("choice")]
    | Annotated[Samples, Tag("samples")]
    | Annotated[ByFeature, Tag("by")],
    Discriminator(_kind),
]
"""A parameter of a step: a bare constant, a Choice, Samples, or ByFeature."""

Band.model_rebuild()
ByFeature.model_rebuild()


def within(least: float, most: float = math.inf, *, whole: bool = False) -> AfterValidator:
    """A validator for the range of every number of a value, for `Annotated`.

    Args:
        least: The smallest allowed number.
        most: The largest allowed number.
        whole: Whether only whole numbers are allowed.

    Returns:
        A pydantic validator that refuses the value and says which number is wrong.
    """

    def check(value: Value) -> Value:
        for number in numbers_of(value):
            if not least <= number <= most or (whole and number != int(number)):
                kind = "a whole number" if whole else "a number"
                limit = f"{least:g} or more" if math.isinf(most) else f"from {least:g} to {most:g}"
                raise ValueError(f"got {number}, expected {kind} {limit}")
        return value

    return AfterValidator(check)


def numbers_of(value: Value) -> Iterator[Number]:
    """Every number a value can be drawn as."""
    if isinstance(value, ByFeature):
        for band in value.bands:
            yield from numbers_of(band.value)
        yield from numbers_of(value.otherwise)
    elif isinstance(value, Choice):
        yield from value.choice
    elif isinstance(value, Samples):
        yield from value.samples
    else:
        yield value


def draw(value: Value, *, features: Features, rng: random.Random) -> Number:
    """Turn a value into one number for one upload.

    Args:
        value: A constant, Choice, Samples or ByFeature.
        features: Features of the upload; only those the value depends on are looked up.
        rng: Generator of this upload and profile. A constant draws nothing from it.

    Returns:
        One of the numbers the value holds.
    """
    if isinstance(value, ByFeature):
        found = features(value.by)
        chosen = next((band.value for band in value.bands if found < band.under), value.otherwise)
        return draw(chosen, features=features, rng=rng)
    if isinstance(value, Choice):
        return rng.choices(value.choice, weights=value.weights)[0]
    if isinstance(value, Samples):
        return rng.choice(value.samples)
    return value
