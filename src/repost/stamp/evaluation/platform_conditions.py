"""Every bundled network's default route, once and twice, as conditions."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING

from repost.channel import Emulated, emulate_image
from repost.media.upload import Upload
from repost.platforms import Profile
from repost.platforms.catalog import BUNDLED, list_profiles

if TYPE_CHECKING:
    from repost.media.picture import Rgb8

_SEED = 0


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
        rng: Not used: what a network draws depends on what is uploaded.
        profile: The network.
        times: How many times it is uploaded.

    Returns:
        What a viewer sees of the last download: uint8, HWC, RGB.

    Raises:
        RepostError: The network does not take it.
    """
    del rng
    emulated = _last.shared(pixels, profile)
    for _ in range(times - 1):
        emulated = emulate_image(Upload(emulated.data, name="download"), profile, seed=_SEED)
    return emulated.pixels


class _LastPicture:
    """What networks served for the last picture, so that the second time need not begin with the first again."""

    def __init__(self) -> None:
        self._digest = ""
        self._served: dict[str, Emulated] = {}

    def shared(self, pixels: Rgb8, profile: Profile) -> Emulated:
        """The picture, shared once."""
        upload = Upload.of(pixels)
        if upload.digest != self._digest:
            self._digest, self._served = upload.digest, {}
        if profile.digest not in self._served:
            self._served[profile.digest] = emulate_image(upload, profile, seed=_SEED)
        kept = self._served[profile.digest]
        return Emulated(kept.data, kept.trace)  # a new one, so that what is decoded is not kept


_last = _LastPicture()
