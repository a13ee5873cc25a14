"""The platform profile: dated, evidenced, pure data.

One model serves images and video. A profile holds rules; the first whose conditions the upload meets is followed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, Literal, cast

from pydantic import Field, model_validator

from repost.platforms import conditions, steps
from repost.platforms.conditions import When
from repost.platforms.steps import Step
from repost.platforms.values import ByFeature, Data

SCHEMA_VERSION = 1
EXAMPLE = "example"
"""The platform that stands for no real network."""

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]*$"
OBSERVED_PATTERN = r"^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?$"
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Observed = Annotated[str, Field(pattern=OBSERVED_PATTERN)]


class Evidence(Data):
    """What a profile rests on.

    Attributes:
        kind: "measured" from served files, "published" by researchers, "announced" by the network, or "inferred".
        source: Where it can be found.
        observed: When it was so.
        n: How many files or pairs.
        note: What it shows.
    """

    kind: Literal["measured", "published", "announced", "inferred"]
    source: str
    observed: Observed | None = None
    n: Annotated[int, Field(ge=1)] | None = None
    note: str = ""


class Provenance(Data):
    """Why one parameter has its value.

    Attributes:
        note: In words.
        n: How many files or pairs voted.
        votes: How many for each value.
        interval: The range the data allow.
    """

    note: str = ""
    n: Annotated[int, Field(ge=1)] | None = None
    votes: dict[str, int] | None = None
    interval: tuple[float, float] | None = None


class Fit(Data):
    """How well a rule reproduces real pairs, on pairs not used to find it.

    Attributes:
        n: Pairs.
        exact_share: Mean share of pixels reproduced exactly, overlays left out.
        psnr_db_emulated: Mean PSNR of the emulated file against the served one; absent when all are exact.
        psnr_db_source: Mean PSNR of the upload against the served file, at equal size.
        note: Conditions of the measurement.
    """

    n: Annotated[int, Field(ge=1)]
    exact_share: Annotated[float, Field(ge=0, le=1)]
    psnr_db_emulated: float | None = None
    psnr_db_source: float | None = None
    note: str = ""


class Rule(Data):
    """What is done to the uploads that meet its conditions; a video rendition is a rule.

    Attributes:
        media: The medium it applies to.
        name: A few words for traces and tables.
        when: Conditions; none means every upload.
        steps: What is done, in order.
        fit: Measured agreement with the real network, where known.
    """

    media: Literal["image", "video"]
    name: str = Field(min_length=1)
    when: When = When()
    steps: tuple[Step, ...] = Field(min_length=1)
    fit: Fit | None = None

    @model_validator(mode="after")
    def _fits_its_medium(self) -> Rule:
        foreign_steps = steps.VIDEO_ONLY if self.media == "image" else steps.IMAGE_ONLY
        foreign_conditions = conditions.VIDEO_ONLY if self.media == "image" else conditions.IMAGE_ONLY
        for step in self.steps:
            if isinstance(step, foreign_steps):
                raise ValueError(f"step '{step.op}' is not for media '{self.media}'")
        if wrong := sorted(self.when.given & foreign_conditions):
            raise ValueError(f"condition '{wrong[0]}' is not for media '{self.media}'")
        for path, value in dependent_values(self.steps, "steps"):
            if value.by in foreign_conditions:
                raise ValueError(f"{path} depends on '{value.by}', which is not for media '{self.media}'")
        for index, step in enumerate(self.steps):
            if isinstance(step, steps.Resize) and step.kernel not in steps.KERNELS[self.media]:
                raise ValueError(f"{_place(index, step)}: kernel '{step.kernel}' is not for media '{self.media}'")
        return self

    @model_validator(mode="after")
    def _steps_make_a_file(self) -> Rule:
        if not any(isinstance(step, steps.WRITES) for step in self.steps):
            raise ValueError("no step writes a file; end with encode, transcode or passthrough")
        if isinstance(self.steps[-1], steps.CHANGES_PIXELS):
            raise ValueError(f"step '{self.steps[-1].op}' comes after the last encode and would have no effect")
        for step in self.steps:
            if isinstance(step, steps.Passthrough) and len(self.steps) > 1:
                raise ValueError("passthrough keeps the file byte for byte, so it must be the only step")
        if isinstance(_first_writer(self.steps), steps.Transcode) and self.when.format != ("jpeg",):
            raise ValueError("transcode keeps JPEG coefficients, so the rule needs the condition format = ['jpeg']")
        return self

    @model_validator(mode="after")
    def _every_step_has_its_effect(self) -> Rule:
        for index, step in enumerate(self.steps):
            before = self.steps[:index]
            if isinstance(step, steps.Decode) and not all(isinstance(earlier, steps.Metadata) for earlier in before):
                raise ValueError(
                    f"{_place(index, step)} is how the upload is decoded, so only metadata may come before it"
                )
            if isinstance(step, steps.Orient | steps.Resize) and any(isinstance(one, steps.Overlay) for one in before):
                raise ValueError(
                    f"{_place(index, step)} comes after overlay and would move its region; put overlay after it"
                )
            if isinstance(step, steps.Transcode):
                _check_transcode(index, self.steps)
        return self


class Profile(Data):
    """What one network did to uploads by one route at one time.

    Attributes:
        schema_version: Version of this data model.
        platform: The network.
        route: The way through it: "post", "message", "avatar", ...
        main_route: Whether the platform's bare name means this route.
        client: The program that uploaded and downloaded, where it matters.
        observed: When, as YYYY, YYYY-MM or YYYY-MM-DD.
        summary: One sentence for people.
        evidence: What it rests on; at least one entry.
        rules: In order; the first that matches is followed. The last of each medium has no conditions.
        provenance: By field path such as "rules.0.steps.2.quality".
        unknown: Field paths whose values are stated defaults and not known; traces mark them as assumed.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    platform: Name
    route: Name = "post"
    main_route: bool = True
    client: str | None = None
    observed: Observed
    summary: str = Field(min_length=1)
    evidence: tuple[Evidence, ...] = Field(min_length=1)
    rules: tuple[Rule, ...] = Field(min_length=1)
    provenance: dict[str, Provenance] = Field(default_factory=dict[str, Provenance])
    unknown: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The full name, such as "facebook/post@2024-08"."""
        return f"{self.platform}/{self.route}@{self.observed}"

    @property
    def short_name(self) -> str:
        """What a person types for the newest one, such as "facebook" or "instagram/message"."""
        return self.platform if self.main_route else f"{self.platform}/{self.route}"

    @property
    def example(self) -> bool:
        """Whether it only shows how a network is written down, and describes no real one."""
        return self.platform == EXAMPLE

    @property
    def media(self) -> tuple[Literal["image", "video"], ...]:
        """The media it has rules for."""
        media: tuple[Literal["image", "video"], ...] = ("image", "video")
        return tuple(medium for medium in media if self.rules_for(medium))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what the rules do: two profiles with the same digest do the same to every upload.

        The names of the rules and their measured fit are left out.
        """
        rules = self.model_dump_json(include={"rules": {"__all__": {"media", "when", "steps"}}, "unknown": True})
        return hashlib.sha256(rules.encode()).hexdigest()

    def rules_for(self, media: Literal["image", "video"]) -> list[tuple[int, Rule]]:
        """The rules of a medium with their index in the profile."""
        return [(index, rule) for index, rule in enumerate(self.rules) if rule.media == media]

    def assumed(self, rule_index: int, step_index: int) -> tuple[str, ...]:
        """The parameters of a step that are stated defaults and not known."""
        prefix = f"rules.{rule_index}.steps.{step_index}"
        return tuple(
            path[len(prefix) + 1 :] or "op" for path in self.unknown if path.startswith(prefix + ".") or path == prefix
        )

    def assumed_conditions(self, rule_index: int) -> tuple[str, ...]:
        """The conditions of a rule that are stated defaults and not known."""
        prefix = f"rules.{rule_index}.when."
        return tuple(path.removeprefix(prefix) for path in self.unknown if path.startswith(prefix))

    @model_validator(mode="after")
    def _every_upload_has_a_rule(self) -> Profile:
        for media in ("image", "video"):
            found = self.rules_for(media)
            if found and not found[-1][1].when.always:
                raise ValueError(
                    f"the last {media} rule has conditions, so some uploads match none; end with one without"
                )
            for index, rule in found[:-1]:
                if rule.when.always:
                    raise ValueError(
                        f"rules.{index} has no conditions, so the {media} rules after it are never reached"
                    )
        return self

    @model_validator(mode="after")
    def _paths_lead_somewhere(self) -> Profile:
        for path in (*self.unknown, *self.provenance):
            if not leads_to_field(self, path):
                raise ValueError(f"'{path}' (in unknown or provenance) names no field of this profile")
        return self


def leads_to_field(data: object, path: str) -> bool:
    """Whether a dotted path such as "rules.0.steps.2.quality" names a field."""
    here: Any = data
    for part in path.split("."):
        if isinstance(here, Data):
            if part not in type(here).model_fields:
                return False
            here = getattr(here, part)
        elif isinstance(here, tuple) and re.fullmatch(r"\d+", part):
            entries = cast("tuple[Any, ...]", here)
            if int(part) >= len(entries):
                return False
            here = entries[int(part)]
        else:
            return False
    return True


def _first_writer(found: tuple[Step, ...]) -> Step:
    return next(step for step in found if isinstance(step, steps.WRITES))


def _place(index: int, step: Step) -> str:
    return f"step '{step.op}' (steps.{index})"


def _check_transcode(at: int, found: tuple[Step, ...]) -> None:
    """Refuse a transcode of what is no JPEG, and of a picture that was changed but not written."""
    for index in reversed(range(at)):
        step = found[index]
        if isinstance(step, steps.REDRAWS):
            raise ValueError(
                f"{_place(index, step)} would have no effect: the transcode after it keeps the coefficients; "
                "only metadata may stand there"
            )
        if isinstance(step, steps.WRITES):
            written = step.encode if isinstance(step, steps.ClientSave) else step
            if not isinstance(written, steps.EncodeJpeg | steps.Transcode):
                raise ValueError(
                    f"{_place(at, found[at])} needs a JPEG, but {_place(index, step)} before it writes another format"
                )
            return


def dependent_values(data: object, path: str) -> Iterator[tuple[str, ByFeature]]:
    """Every value that depends on the upload, with its field path.

    Args:
        data: Parsed data, or a tuple of it.
        path: Its field path, which those of its parts begin with.
    """
    if isinstance(data, ByFeature):
        yield path, data
    if isinstance(data, Data):
        for name in type(data).model_fields:
            yield from dependent_values(getattr(data, name), f"{path}.{name}")
    elif isinstance(data, tuple):
        for index, entry in enumerate(cast("tuple[Any, ...]", data)):
            yield from dependent_values(entry, f"{path}.{index}")
