"""Every bundled network's default route, once and twice, as conditions."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING

from repost.channel import emulate_image
from repost.media.upload import Upload
from repost.platforms import Profile
from repost.platforms.catalog import BUNDLED, list_profiles

if TYPE_CHECKING:
    from repost.media.picture import Rgb8

_SEED_BITS = 32


def platform_conditions() -> dict[str, Callable[[Rgb8, random.Random], Rgb8]]:
    """The conditions "share:NAME" and, for what is downloaded and uploaded again, "share2:NAME".

    Returns:
        Of each real network that ships with repost the newest profile of its main route; all once, then all twice.
        A person's own profiles are left out, so that the table is the same everywhere.
    """
    newest = default_profiles()
    once = {f"share:{name}": partial(share, profile=profile, times=1) for name, profile in newest.items()}
    return once | {f"share2:{name}": partial(share, profile=profile, times=2) for name, profile in newest.items()}


@cache
def default_profiles() -> Mapping[str, Profile]:
    """The newest bundled profile of each real network's main route that takes images, by the network's name."""
    found: dict[str, Profile] = {}
    for listed in list_profiles():  # newest first
        profile = listed.profile
        wanted = listed.path.is_relative_to(BUNDLED) and profile.main_route and not profile.example
        if wanted and profile.rules_for("image"):
            found.setdefault(profile.platform, profile)
    return found


def share(pixels: Rgb8, rng: random.Random, *, profile: Profile, times: int) -> Rgb8:
    """Upload a photo as a PNG, and what comes back again.

    Args:
        pixels: uint8, HWC, RGB, as saved.
        rng: Seeds what the network draws.
        profile: The network.
        times: How many times it is uploaded.

    Returns:
        What a viewer sees of the last download: uint8, HWC, RGB.

    Raises:
        RepostError: The network does not take it.
    """
    emulated = emulate_image(Upload.of(pixels), profile, seed=rng.getrandbits(_SEED_BITS))
    for _ in range(times - 1):
        emulated = emulate_image(Upload(emulated.data, name="download"), profile, seed=rng.getrandbits(_SEED_BITS))
    return emulated.pixels
