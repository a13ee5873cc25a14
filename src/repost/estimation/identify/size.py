"""Whether a rule brings an upload to the size of the file."""

from __future__ import annotations

import math
from typing import Protocol

from repost.channel.sizes import Size, place
from repost.estimation.identify.uploads import distribution
from repost.platforms import Rule
from repost.platforms.steps import EncodeVideo, Resize
from repost.platforms.values import Feature

BOXES = ("cover", "stretch")
"""Ways of resizing that make exactly one size, whatever the shape of the upload."""


class Sized(Protocol):
    """An upload that may have become the file."""

    @property
    def width_px(self) -> int:
        """Of the upright picture."""
        ...

    @property
    def height_px(self) -> int:
        """Of the upright picture."""
        ...

    @property
    def own_shape(self) -> bool:
        """Whether it has the file's shape."""
        ...

    def feature(self, name: Feature) -> float:
        """A number that rules and values depend on."""
        ...


def fills_box(rule: Rule) -> bool:
    """Whether a rule makes exactly one size, whatever the shape of the upload."""
    return any(isinstance(step, Resize) and step.fit in BOXES for step in rule.steps)


def unsized(rule: Rule) -> Rule:
    """The rule without a change of size."""
    return rule.model_copy(update={"steps": tuple(step for step in rule.steps if not isinstance(step, Resize))})


def size_chance(wanted: Size, rule: Rule, upload: Sized) -> float:
    """The chance that an upload comes out at a size.

    Args:
        wanted: Width and height of the file.
        rule: What is done to the upload.
        upload: It; what fills a box came from any shape, everything else from one of the file's own shape.
    """
    if fills_box(rule) == upload.own_shape:
        return 0.0
    resizes = [step for step in rule.steps if isinstance(step, Resize)]
    size = (upload.width_px, upload.height_px)
    if not resizes:
        return float(size == wanted)
    *earlier, last = resizes
    for step in earlier:
        size = place(size, step, target=_likeliest_target(step, upload)).size
    even = any(isinstance(step, EncodeVideo) for step in rule.steps)
    total = 0.0
    for target, chance in _targets(last, upload):
        served = place(size, last, target=target).size
        if served == size:
            total += chance * (served == wanted)
        else:
            total += chance * _same_size(served, wanted, last, scale=max(served) / max(size), even=even)
    return total


def _same_size(served: Size, wanted: Size, step: Resize, *, scale: float, even: bool) -> bool:
    """Whether two sizes agree, the uncertainty of a guessed upload's short side allowed for."""
    if even:
        served = served[0] - served[0] % 2, served[1] - served[1] % 2
    if step.fit in BOXES:
        return served == wanted
    fitted = {"width": 0, "height": 1, "short_side": wanted.index(min(wanted))}.get(step.fit, wanted.index(max(wanted)))
    sides = (0, 1) if step.fit == "inside" else (fitted,)
    loose = max(1, math.ceil(scale), step.multiple_of, 2 * even)
    exact = any(served[side] == wanted[side] for side in sides)
    return exact and all(abs(ours - theirs) <= loose for ours, theirs in zip(served, wanted, strict=True))


def _targets(step: Resize, upload: Sized) -> list[tuple[Size, float]]:
    if step.px is not None:
        return [((int(px), int(px)), chance) for px, chance in distribution(step.px, upload.feature)]
    assert step.width_px is not None and step.height_px is not None, "a step without px has a box"
    return [
        ((int(width), int(height)), chance * other)
        for width, chance in distribution(step.width_px, upload.feature)
        for height, other in distribution(step.height_px, upload.feature)
    ]


def _likeliest_target(step: Resize, upload: Sized) -> Size:
    return max(_targets(step, upload), key=lambda found: found[1])[0]
