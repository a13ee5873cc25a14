"""What is done to a stamped photograph before it is scanned: named, and the same for the same photograph."""

from __future__ import annotations

import fnmatch
import importlib.util
import random
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image

from repost.core.errors import UsageError
from repost.stamp.evaluation.changes import (
    WEBP_QUALITY,
    Change,
    blur,
    chain,
    crop,
    flip,
    heif,
    jitter,
    jpeg,
    mix,
    noise,
    resize,
    rotate_by,
    rotate_within,
    unchanged,
    warp,
    webp,
)
from repost.stamp.evaluation.platform_conditions import platform_conditions
from repost.stamp.evaluation.screenshot import screenshot

if TYPE_CHECKING:
    from repost.media.picture import Rgb8

    Condition: TypeAlias = Callable[[Rgb8, random.Random], Rgb8]
    """A picture as saved (uint8, HWC, RGB) and a generator, to what a scanner is given, in the same form."""


def conditions() -> dict[str, Condition]:
    """Every condition by its name, platforms included ("share:facebook", "share2:facebook" for twice)."""
    plain: dict[str, Condition] = {name: _on_pixels(change) for name, change in _CHANGES.items()}
    return plain | {"screenshot": screenshot} | platform_conditions()


def choose(patterns: Sequence[str] = ()) -> tuple[str, ...]:
    """Names of conditions.

    Args:
        patterns: Names or patterns such as "jpeg*" or "share:*"; all conditions when there are none.

    Returns:
        The names in the order of the table, without those that cannot be carried out here (see `missing`).

    Raises:
        UsageError: A pattern fits none.
    """
    known = tuple(conditions())
    for pattern in patterns:
        if not fnmatch.filter(known, pattern):
            raise UsageError(f"got the condition '{pattern}', expected some of: {', '.join(known)}")
    wanted = patterns or ("*",)
    absent = missing()
    return tuple(name for name in known if name not in absent and any(fnmatch.fnmatch(name, one) for one in wanted))


def missing() -> Mapping[str, str]:
    """Conditions that cannot be carried out here, with what they lack."""
    if importlib.util.find_spec("pillow_heif") is None:
        return {"heif": "needs the package pillow-heif: pip install 'repost[heif]'"}
    return {}


def _on_pixels(change: Change) -> Condition:
    return lambda pixels, rng: np.asarray(change(Image.fromarray(pixels), rng).convert("RGB"))


_CHANGES: dict[str, Change] = {
    "none": unchanged,
    **{f"jpeg{quality}": jpeg(quality) for quality in (92, 85, 71, 50, 30)},
    f"webp{WEBP_QUALITY}": webp,
    "heif": heif,
    "resize.5": resize(0.5),
    "resize.25": resize(0.25),
    "crop.7": crop(0.7),
    "crop.5": crop(0.5),
    "rotation10": rotate_by(10),
    "rotation30": rotate_within(30),
    "hflip": flip,
    "warp.1": warp(0.1),
    "blur1": blur(1),
    "blur2": blur(2),
    "jitter.3": jitter(0.3),
    "noise.05": noise(0.05),
    "chain": chain(rotate_within(5), crop(0.85), resize(0.7), jitter(0.2), jpeg(71)),
    "mix": mix,
}
