"""The size a network serves for the size it was given: integers only, no pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from repost.platforms.steps import Overlay, Resize
from repost.platforms.values import Value

Size: TypeAlias = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True, slots=True)
class Placement:
    """How a picture of one size becomes another.

    Attributes:
        size: Width and height of the result, px.
        box: Region of the source that fills it: left, top, right, bottom, whole source pixels, at least 1 px a side.
    """

    size: Size
    box: tuple[int, int, int, int]


def place(source: Size, step: Resize, *, target: Size) -> Placement:
    """Where a resize step puts a picture.

    Args:
        source: Width and height of the picture.
        step: The step; its drawn numbers come in `target`.
        target: Drawn (px, px) for one-sided fits, (width_px, height_px) for boxes.

    Returns:
        The served size and the part of the source that fills it. The source size itself where the step would enlarge
        and `upscale` is off.

    Convention:
        The side that follows from the aspect ratio rounds half up unless the step says otherwise, as measured on
        Telegram (3264x2448 -> 2560x1920), LinkedIn (5760x3840 -> 2048x1365) and Twitter (5760x3840 -> 4096x2731);
        no side falls under 1 px. What "cover" keeps is whole pixels too, so that a crop that needs no scaling is exact:
        the side it cuts rounds half up, and left or top is half of what is cut away, rounded down.
    """
    width, height = source
    whole = (0, 0, width, height)
    if step.fit == "stretch":
        grows = target[0] > width or target[1] > height
        return Placement(source if grows and not step.upscale else target, whole)
    if step.fit == "cover":
        return _cover(source, target, upscale=step.upscale)
    reference, wanted = _reference(source, step.fit, target)
    if wanted > reference and not step.upscale:
        wanted = reference
    scaled = (_scaled(width, wanted, reference, step.rounding), _scaled(height, wanted, reference, step.rounding))
    most = (None, None) if step.upscale else source
    size = tuple(_multiple(side, step.multiple_of, most=limit) for side, limit in zip(scaled, most, strict=True))
    return Placement((size[0], size[1]), whole)


def overlay_region(step: Overlay, size: Size) -> tuple[int, int, int, int]:
    """Where an overlay lies on a picture.

    Args:
        step: The overlay.
        size: Width and height of the picture.

    Returns:
        Left, top, right, bottom in pixels, inside the picture; right and bottom exclusive.
    """
    width, height = size
    wide, high = min(step.width_px, width), min(step.height_px, height)
    if step.corner == "centre":
        left, top = (width - wide) // 2, (height - high) // 2
    else:
        left = step.margin_px if "left" in step.corner else width - wide - step.margin_px
        top = step.margin_px if "top" in step.corner else height - high - step.margin_px
    left, top = max(0, left), max(0, top)
    return (left, top, min(width, left + wide), min(height, top + high))


def drawn_target(step: Resize, draw: Callable[[Value], float]) -> Size:
    """The numbers of a resize step for one upload: (px, px), or (width_px, height_px) of a box.

    Args:
        step: The step.
        draw: Turns a value into one number for this upload.
    """
    if step.px is not None:
        side_px = int(draw(step.px))
        return side_px, side_px
    assert step.width_px is not None, "steps are checked to have their size"
    assert step.height_px is not None, "steps are checked to have their size"
    return int(draw(step.width_px)), int(draw(step.height_px))


def _reference(source: Size, fit: str, target: Size) -> Size:
    """The fitted side's length now and after; the scale is their exact ratio."""
    width, height = source
    if fit == "inside":
        by_width = target[0] * height <= target[1] * width
        return (width, target[0]) if by_width else (height, target[1])
    side = {"long_side": max(source), "short_side": min(source), "width": width, "height": height}[fit]
    return side, target[0]


def _scaled(side: int, wanted: int, reference: int, rounding: str) -> int:
    """Side x wanted / reference in exact integer arithmetic."""
    product = side * wanted
    if rounding == "floor":
        return max(1, product // reference)
    if rounding == "ceil":
        return max(1, -(-product // reference))
    return max(1, (2 * product + reference) // (2 * reference))


def _cover(source: Size, target: Size, *, upscale: bool) -> Placement:
    """The largest centred region of the target's shape; it keeps its size where the target would enlarge it."""
    width, height = source
    if width * target[1] > height * target[0]:
        crop = (_scaled(target[0], height, target[1], "nearest"), height)
        grows = target[1] > height
    else:
        crop = (width, _scaled(target[1], width, target[0], "nearest"))
        grows = target[0] > width
    left, top = (width - crop[0]) // 2, (height - crop[1]) // 2
    return Placement(crop if grows and not upscale else target, (left, top, left + crop[0], top + crop[1]))


def _multiple(side: int, of: int, *, most: int | None) -> int:
    """The nearest multiple, half up; the one below where that would enlarge what is not to be enlarged."""
    if of == 1:
        return side
    nearest = max(of, (2 * side + of) // (2 * of) * of)
    return nearest if most is None or nearest <= max(of, most) else nearest - of
