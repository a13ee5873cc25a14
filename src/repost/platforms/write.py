"""Write a profile as the TOML file that `load_profile` reads."""

from __future__ import annotations

from pathlib import Path

from repost.core.files import write_atomic
from repost.platforms.profile import Profile


def to_toml(profile: Profile) -> str:
    """A profile as TOML.

    Args:
        profile: Any valid profile.

    Returns:
        The text of a file that reads back as an equal profile. Fields that hold their default are left out, except
        those that tell one step from another.
    """
    import tomli_w

    plain = profile.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    return tomli_w.dumps({"schema_version": profile.schema_version, **plain})


def write_profile(profile: Profile, path: Path) -> None:
    """Write a profile whole or not at all.

    Args:
        profile: The profile.
        path: The file; its folder exists.

    Raises:
        OSError: It cannot be written.
    """
    write_atomic(path, to_toml(profile).encode())
