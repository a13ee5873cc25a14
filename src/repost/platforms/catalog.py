"""Find and read profiles: the bundled ones, the user's own, and files.

A name is `platform`, `platform/route`, `platform@date` or `platform/route@date`. Without a route the platform's main
route is meant, without a date the newest profile; a date may be shortened (`facebook@2024`).
"""

from __future__ import annotations

import difflib
import errno
import os
import re
import tomllib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from repost.core.errors import InputNotFound, InvalidProfile, ProfileNotFound, UsageError
from repost.platforms.faults import faults_of
from repost.platforms.profile import Profile

BUNDLED = Path(__file__).parent / "profiles"
USER_FOLDER_VARIABLE = "REPOST_PLATFORMS"
ALIASES = {"x": "twitter"}

_NAME = re.compile(r"(?P<platform>[a-z0-9_-]+)(/(?P<route>[a-z0-9_-]+))?(@(?P<date>\d{4}(-\d{2}){0,2}))?")
_NO_NAME = (errno.ENAMETOOLONG, errno.EINVAL, errno.ELOOP)
_TOO_DEEP = "tables or lists lie too deep inside each other"


@dataclass(frozen=True, slots=True)
class Listed:
    """A profile and the file it came from."""

    profile: Profile
    path: Path

    @property
    def bundled(self) -> bool:
        """Whether it ships with repost."""
        return self.path.is_relative_to(BUNDLED)


def user_folder() -> Path:
    """Where a person's own profiles lie: $REPOST_PLATFORMS, or repost/platforms in the user's configuration folder."""
    if named := os.environ.get(USER_FOLDER_VARIABLE):
        return Path(named)
    base = os.environ.get("XDG_CONFIG_HOME") or os.environ.get("APPDATA") or "~/.config"
    return Path(base).expanduser() / "repost" / "platforms"


def load_profile(path: Path) -> Profile:
    """Read a profile from a TOML file.

    Args:
        path: The file.

    Returns:
        The validated profile.

    Raises:
        InputNotFound: There is no such file, or none can have that name.
        InvalidProfile: It cannot be read, is not TOML, or a field is wrong; every wrong field is named.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidProfile(str(path), [("", f"not UTF-8 text: {error.reason}")]) from error
    except ValueError as error:  # a name with a null character
        raise InputNotFound(path) from error
    except OSError as error:
        if isinstance(error, FileNotFoundError | IsADirectoryError | NotADirectoryError) or error.errno in _NO_NAME:
            raise InputNotFound(path) from error
        raise InvalidProfile(str(path), [("", f"cannot be read: {error.strerror or error}")]) from error
    try:
        parsed = tomllib.loads(text)
    except RecursionError as error:
        raise InvalidProfile(str(path), [("", _TOO_DEEP)]) from error
    except ValueError as error:  # besides syntax errors, numbers of thousands of digits
        raise InvalidProfile(str(path), [("", f"not valid TOML: {error}")]) from error
    return parse_profile(parsed, source=str(path))


def parse_profile(parsed: dict[str, Any], *, source: str) -> Profile:
    """Validate a profile that was read from TOML or JSON.

    Args:
        parsed: The parsed document.
        source: What to call it in errors.

    Raises:
        InvalidProfile: A field is wrong; every wrong field is named.
    """
    try:
        return Profile.model_validate(parsed)
    except RecursionError as error:
        raise InvalidProfile(source, [("", _TOO_DEEP)]) from error
    except ValidationError as error:
        raise InvalidProfile(source, faults_of(error, parsed, model=Profile)) from error


def find_profile(name: str) -> Profile:
    """The profile a name means.

    Args:
        name: Such as "facebook", "facebook@2023", "instagram/message" or "weibo/pc@2022".

    Returns:
        The newest profile that fits; the user's own goes before a bundled one of the same date. Files of the user's
        that are wrong are left out, with a warning where nothing else fits.

    Raises:
        ProfileNotFound: None fits; near names are suggested.
    """
    asked = _NAME.fullmatch(name.strip().lower())
    if asked:
        platform = ALIASES.get(asked["platform"], asked["platform"])
        fitting = [
            listed
            for listed in _of_platform(platform)
            if (listed.profile.route == asked["route"] if asked["route"] else listed.profile.main_route)
            and listed.profile.observed.startswith(asked["date"] or "")
        ]
        if fitting:
            return max(fitting, key=lambda listed: (listed.profile.observed, not listed.bundled)).profile
    names = _known_names()
    raise ProfileNotFound(name, suggestions=difflib.get_close_matches(name.lower(), names, n=3), available=names)


def list_profiles() -> list[Listed]:
    """Every bundled and user profile, sorted by platform, main route first, newest first.

    A file of the user's that is wrong is left out, with one warning that names it.
    """
    found = [Listed(load_profile(path), path) for path in sorted(BUNDLED.glob("*/*.toml"))]
    for path in _own_files():
        try:
            found.append(Listed(load_profile(path), path))
        except (InvalidProfile, InputNotFound) as error:
            _warn_once(path, str(error))
    found.sort(key=lambda listed: listed.profile.observed, reverse=True)
    return sorted(
        found, key=lambda listed: (listed.profile.platform, not listed.profile.main_route, listed.profile.route)
    )


def default_profiles(media: Literal["image", "video"]) -> dict[str, Profile]:
    """The newest bundled profile of every real network's main route; a person's own are left out.

    Args:
        media: What it must have a rule for, "image" or "video".

    Returns:
        By the network's name.
    """
    found: dict[str, Profile] = {}
    for listed in list_profiles():  # newest first
        profile = listed.profile
        if listed.bundled and profile.main_route and not profile.example and profile.rules_for(media):
            found.setdefault(profile.platform, profile)
    return found


def resolve(platform: str | Path | Profile) -> Profile:
    """A profile from whatever a caller names it by: itself, a name, or a path to a TOML file."""
    if isinstance(platform, Profile):
        return platform
    if isinstance(platform, Path) or platform.endswith(".toml"):
        return _load_cached(Path(platform), _modified_ns(Path(platform)))
    if not platform.strip():
        raise UsageError(
            "got an empty platform name, expected one such as 'facebook'; `repost platforms list` shows all"
        )
    return find_profile(platform)


@lru_cache(maxsize=256)
def _load_cached(path: Path, _modified_ns: int) -> Profile:
    return load_profile(path)


def _modified_ns(path: Path) -> int:
    """When a file was changed; 0 where there is none to be asked, which reading it will tell."""
    try:
        return path.stat().st_mtime_ns
    except (OSError, ValueError):
        return 0


def _own_files() -> list[Path]:
    return sorted(user_folder().glob("**/*.toml"))


@lru_cache(maxsize=256)
def _warn_once(path: Path, _reason: str) -> None:
    warnings.warn(f"{path} is left out: no valid profile; see `repost platforms validate`", UserWarning, stacklevel=3)


def _of_platform(platform: str) -> Iterator[Listed]:
    """Profiles of one platform; bundled ones lie in a folder of its name, so that others need not be read."""
    for path in sorted((BUNDLED / platform).glob("*.toml")):
        yield Listed(_load_cached(path, _modified_ns(path)), path)
    for path in _own_files():
        try:
            profile = _load_cached(path, _modified_ns(path))
        except (InvalidProfile, InputNotFound):
            continue
        if profile.platform == platform:
            yield Listed(profile, path)


def _known_names() -> list[str]:
    names: dict[str, None] = {}
    for listed in list_profiles():
        profile = listed.profile
        names |= {profile.short_name: None, f"{profile.short_name}@{profile.observed}": None}
    return [*names, *ALIASES]
