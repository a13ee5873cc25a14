"""What a profile does to each picture of a batch, with every number drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from repost.channel.image import matching_rule
from repost.channel.sizes import Placement, Size, drawn_target, place
from repost.channel.surrogate.pixels import rgb8_of
from repost.core.errors import NoSurrogate
from repost.core.seeding import derive_random
from repost.media.upload import Upload
from repost.platforms import steps
from repost.platforms.profile import Profile, dependent_values
from repost.platforms.steps import Step
from repost.platforms.values import Value, draw

_OF_CONTENT = frozenset({"size_bytes", "bits_per_pixel", "busyness"})
"""Features that need the pixels and not only their number."""

_ENCODES = (*steps.IMAGE_ENCODES, steps.ClientSave)


@dataclass(frozen=True, slots=True)
class Drawn:
    """One step with its numbers.

    Attributes:
        step: As the profile says.
        quality: Drawn, where the step writes with one.
        placement: Of a resize.
    """

    step: Step
    quality: int | None = None
    placement: Placement | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done to one picture.

    Attributes:
        rule: The rule's name.
        rule_index: Its index in the profile.
        steps: In order.
        size: Width and height that come out.
    """

    rule: str
    rule_index: int
    steps: tuple[Drawn, ...]
    size: Size

    @property
    def way(self) -> tuple[object, ...]:
        """The same for pictures that can go through the steps together: all but their qualities."""
        return self.rule_index, *(drawn.placement for drawn in self.steps)

    def at_last_encode(self) -> tuple[Plan, Plan]:
        """The plan in two: up to the last step that encodes, and from it on. The second may be empty."""
        encodes = [index for index, drawn in enumerate(self.steps) if isinstance(drawn.step, _ENCODES)]
        at = encodes[-1] if encodes else len(self.steps)
        return replace(self, steps=self.steps[:at]), replace(self, steps=self.steps[at:])


def plan_batch(
    levels: Tensor, profile: Profile, *, seeds: Sequence[int], upload_as: str = "png", rule_index: int | None = None
) -> tuple[Plan, ...]:
    """Draw what is done to every picture, exactly as `repost.channel.emulate_image` would.

    Args:
        levels: Shape (n, 3, height, width), whole levels.
        profile: The platform.
        seeds: One for each picture; with its content and the profile it decides what is drawn.
        upload_as: What the pictures are taken for; see `Upload.of`.
        rule_index: The rule to follow whatever its conditions say, without its resizing: for tiles of larger pictures
            that a network has treated. None takes the first rule that matches.
    """
    uploads = (Upload.of(pixels, upload_as=upload_as) for pixels in rgb8_of(levels))
    if rule_index is None:
        return tuple(_plan(upload, profile, seed) for upload, seed in zip(uploads, seeds, strict=True))
    tiles = zip(uploads, seeds, strict=True)
    return tuple(_plan_of_tile(upload, profile, seed, rule_index) for upload, seed in tiles)


def content_matters(profile: Profile) -> bool:
    """Whether what is done to a picture depends on more than its size."""
    for _, rule in profile.rules_for("image"):
        if rule.when.given & _OF_CONTENT or any(
            value.by in _OF_CONTENT for _, value in dependent_values(rule.steps, "")
        ):
            return True
    return False


def check_surrogates(profile: Profile, *, exact: bool, rule_index: int | None = None) -> None:
    """Refuse a profile with steps that have no differentiable counterpart.

    Args:
        profile: The platform.
        exact: Whether real codecs run in the forward pass.
        rule_index: The only rule that is followed; None checks all.

    Raises:
        NoSurrogate: A palette without its real codec, or no image rules at all.
    """
    if not profile.rules_for("image"):
        raise NoSurrogate(
            profile.id, step="every rule", reason="it is for video", remedy="use SurrogateVideoChannel for frames"
        )
    for path, step in _steps_of(profile, rule_index):
        written = step.encode if isinstance(step, steps.ClientSave) else step
        if isinstance(written, steps.EncodePng) and written.palette_colours is not None and not exact:
            raise NoSurrogate(
                profile.id,
                step=f"{path} (encode png with {written.palette_colours} colours)",
                reason="a palette is chosen and not computed",
                remedy='use forward="exact", where the gradient passes it unchanged',
            )


def _plan(upload: Upload, profile: Profile, seed: int) -> Plan:
    index, rule = matching_rule(upload, profile)
    return _drawn_plan(upload, profile, seed, index=index, found=rule.steps)


def _plan_of_tile(upload: Upload, profile: Profile, seed: int, index: int) -> Plan:
    kept = tuple(step for step in profile.rules[index].steps if not isinstance(step, steps.Resize))
    return _drawn_plan(upload, profile, seed, index=index, found=kept)


def _drawn_plan(upload: Upload, profile: Profile, seed: int, *, index: int, found: Sequence[Step]) -> Plan:
    rng = derive_random(seed, upload.digest, profile.digest)
    size = (upload.facts.width_px, upload.facts.height_px)

    def number(value: Value) -> float:
        return draw(value, features=upload.feature, rng=rng)

    drawn: list[Drawn] = []
    for step in found:
        drawn.append(_drawn(step, size, number))
        size = drawn[-1].placement.size if drawn[-1].placement else size
    return Plan(profile.rules[index].name, index, tuple(drawn), size)


def _drawn(step: Step, size: Size, number: Callable[[Value], float]) -> Drawn:
    if isinstance(step, steps.Resize):
        return Drawn(step, placement=place(size, step, target=drawn_target(step, number)))
    written = step.encode if isinstance(step, steps.ClientSave) else step
    quality = getattr(written, "quality", None)
    return Drawn(step, quality=None if quality is None else int(number(quality)))


def _steps_of(profile: Profile, rule_index: int | None) -> Iterator[tuple[str, Step]]:
    for index, rule in profile.rules_for("image"):
        if rule_index not in (None, index):
            continue
        for place_in_rule, step in enumerate(rule.steps):
            yield f"rules.{index}.steps.{place_in_rule}", step
