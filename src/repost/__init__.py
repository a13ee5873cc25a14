"""repost: the wind tunnel for shared media.

    >>> import repost
    >>> served = repost.emulate("photo.jpg", "facebook", seed=0)   # doctest: +SKIP
    >>> served.data, served.pixels, served.trace                    # doctest: +SKIP

Names are imported when first used, so that `import repost` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repost.channel import Emulated, Repost, Trace, emulate
    from repost.core.errors import RepostError
    from repost.platforms import Profile, find_profile, list_profiles, load_profile

__version__ = "0.1.0"
__all__ = [
    "Emulated",
    "Profile",
    "Repost",
    "RepostError",
    "Trace",
    "emulate",
    "find_profile",
    "list_profiles",
    "load_profile",
]

_HOMES = {
    "Emulated": "repost.channel",
    "Repost": "repost.channel",
    "Trace": "repost.channel",
    "emulate": "repost.channel",
    "RepostError": "repost.core.errors",
    "Profile": "repost.platforms",
    "find_profile": "repost.platforms",
    "list_profiles": "repost.platforms",
    "load_profile": "repost.platforms",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name is
    if name not in _HOMES:
        raise AttributeError(f"module 'repost' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
