"""The size rule behind many pairs: one resize step that makes every served size out of its upload's size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, TypeAlias

from repost.channel.sizes import place
from repost.platforms.steps import Resize

Size: TypeAlias = tuple[int, int]
Change: TypeAlias = tuple[Size, Size]
"""Width and height before and after."""
Law: TypeAlias = Resize | None
"""A resize step with constant sizes; None keeps every size."""

USUAL_SIDES_PX = (
    320, 480, 512, 600, 612, 640, 720, 750, 768, 800, 900, 960, 1000, 1024, 1080, 1200, 1280, 1440, 1600, 1920, 2000,
    2048, 2160, 2500, 2560, 3000, 3840, 4000, 4096, 5000, 5120, 6000, 7680, 8000, 8192,
)  # fmt: skip
"""Limits that networks and screens use; of two limits that explain the pairs as well, one of these is the likelier."""
LINES_PX = (144, 240, 360, 480, 540, 720, 1080, 1440, 2160)
"""Short sides that video renditions are named by."""

_COMMON = 4
"""How many of the most frequent served sizes are tried as a limit."""
_FITS: dict[str, Callable[[Size], int]] = {
    "long_side": max,
    "width": lambda size: size[0],
    "height": lambda size: size[1],
    "short_side": min,
}
"""One-sided fits and the side they set, the most usual first."""
_BOXES: tuple[Literal["cover", "stretch"], ...] = ("cover", "stretch")


@dataclass(frozen=True, slots=True)
class SizeHabits:
    """What is usual in a medium: it decides between laws that explain the pairs as well.

    Attributes:
        multiple_of: What served sides usually are a multiple of.
        first_fit: The one-sided fit that is thought of first.
        usual_px: Limits that networks use.
    """

    multiple_of: int = 1
    first_fit: str = "long_side"
    usual_px: tuple[int, ...] = USUAL_SIDES_PX


OF_IMAGES = SizeHabits()


def explains(law: Law, change: Change) -> bool:
    """Whether a law makes the served size out of the upload's size."""
    before, after = change
    if law is None:
        return before == after
    return place(before, law, target=_target(law)).size == after


def candidate_laws(changes: Sequence[Change], habits: SizeHabits = OF_IMAGES) -> list[Law]:
    """Laws that may be behind some changes, the simplest first.

    Args:
        changes: Sizes before and after, at the resize.
        habits: Of the medium.

    Returns:
        No law at all, then every fit with the limits that the served sizes suggest, for which at least one change of
        size is explained. Other roundings and multiples only where plain rounding leaves a change unexplained.
    """
    changed = [change for change in changes if change[0] != change[1]]
    plain = _useful(_plain_laws(changed, habits), changed)
    # A box for each served size explains everything and predicts nothing, so boxes do not count here.
    sided = [law for law in plain if law.fit not in _BOXES]
    if all(any(explains(law, change) for law in sided) for change in changed):
        return [None, *plain]
    # Of every limit: the true law may explain nothing while its other side is rounded plainly.
    return [None, *plain, *_useful(_odd_laws(list(_plain_laws(changed, habits)), habits.multiple_of), changed)]


def best_law(changes: Sequence[Change], laws: Sequence[Law], habits: SizeHabits = OF_IMAGES) -> tuple[Law, list[Law]]:
    """The law that explains the most.

    Args:
        changes: Sizes before and after.
        laws: Candidates, the simplest first.
        habits: Of the medium.

    Returns:
        Of those that explain the most the one with the most usual limit, the simplest of several; and the others, which
        would treat other sizes differently.
    """
    counts = [sum(explains(law, change) for change in changes) for law in laws]
    found = [law for law, count in zip(laws, counts, strict=True) if count == max(counts)]
    if found[0] is None:
        return None, []
    best = min(found, key=lambda law: _oddness(law, habits.usual_px))
    return best, [law for law in found if law is not best]


def law_in_words(law: Resize) -> str:
    """A size law in a few words, such as "long side 2048 px"."""
    size = f"{law.px} px" if law.px is not None else f"{law.width_px}x{law.height_px} px"
    return f"{law.fit.replace('_', ' ')} {size}{' with enlarging' if law.upscale else ''}"


def sizes_in_words(law: Resize, rivals: Sequence[Law]) -> str:
    """What explains sizes, and the other laws that would."""
    others = [law_in_words(rival) for rival in rivals if rival is not None]
    return f"{law_in_words(law)} explains these sizes" + (f"; so would {', '.join(others[:4])}" if others else "")


def _oddness(law: Law, usual_px: Sequence[int]) -> int:
    """0 for limits that networks use, more the less round they are."""
    sides = [side for side in (law.px, law.width_px, law.height_px) if isinstance(side, int)] if law else []
    return max((0 if side in usual_px else 1 + (side % 100 > 0) + (side % 10 > 0) for side in sides), default=0)


def _plain_laws(changed: Sequence[Change], habits: SizeHabits) -> Iterator[Resize]:
    multiple_of = habits.multiple_of
    grown = any(after[0] > before[0] or after[1] > before[1] for before, after in changed)
    enlarging = (False, True) if grown else (False,)
    for fit, side in sorted(_FITS.items(), key=lambda one: one[0] != habits.first_fit):
        limits = Counter(side(after) for _, after in changed).most_common(_COMMON)
        for (px, _), upscale in product(limits, enlarging):
            yield _resize(fit=fit, px=px, upscale=upscale, multiple_of=multiple_of)
    served = Counter(after for _, after in changed)
    boxes = [size for size, _ in served.most_common(_COMMON)]
    for (width, height), upscale in product(_boxes_inside(list(served)), enlarging):
        yield _resize(fit="inside", width_px=width, height_px=height, upscale=upscale, multiple_of=multiple_of)
    for fit, (width, height), upscale in product(_BOXES, boxes, enlarging):
        yield _resize(fit=fit, width_px=width, height_px=height, upscale=upscale)


def _boxes_inside(served: Sequence[Size]) -> Iterator[Size]:
    """Boxes that are no squares, of which the width binds some pictures and the height others."""
    widths, heights = (_likely_limits([size[axis] for size in served]) for axis in (0, 1))
    for width, height in product(widths, heights):
        wide = any(size[0] == width and size[1] < height for size in served)
        high = any(size[1] == height and size[0] < width for size in served)
        if width != height and wide and high:
            yield width, height


def _likely_limits(sides: Sequence[int]) -> list[int]:
    return list(dict.fromkeys([max(sides, default=0), *(side for side, _ in Counter(sides).most_common(_COMMON))]))


def _odd_laws(laws: Sequence[Resize], usual: int) -> Iterator[Resize]:
    for law, rounding, multiple in product(laws, ("nearest", "floor", "ceil"), (1, 2, 4, 8, 16)):
        if law.fit in _BOXES or (rounding, multiple) == ("nearest", usual):
            continue
        # A limit need not be a multiple itself: 1000 px in multiples of 16 is served as 1008.
        own = _target(law)[0]
        near = [px for px in USUAL_SIDES_PX if 0 < abs(px - own) < multiple] if law.px is not None else []
        for px in (law.px, *near):
            yield law.model_copy(update={"px": px, "rounding": rounding, "multiple_of": multiple})


def _useful(laws: Iterator[Resize], changed: Sequence[Change]) -> list[Resize]:
    return [law for law in laws if any(explains(law, change) for change in changed)]


def _resize(**settings: Any) -> Resize:  # noqa: ANN401 - the fields of a resize step
    return Resize(op="resize", **settings)


def _target(law: Resize) -> Size:
    if isinstance(law.px, int):
        return law.px, law.px
    assert isinstance(law.width_px, int), "laws have constant sizes"
    assert isinstance(law.height_px, int), "laws have constant sizes"
    return law.width_px, law.height_px
