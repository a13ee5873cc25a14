"""Find and read profiles: the bundled ones, the user's own, and files.

A name is `platform`, `platform/route`, `platform@date` or `platform/route@date`. Without a route the platform's main
route is meant, without a date the newest profile; a date may be shortened (`facebook@2024`).
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from repost.core.errors import InputNotFound, InvalidProfile, ProfileNotFound, UsageError
from repost.platforms.profile import Profile

BUNDLED = Path(__file__).parent / "profiles"
USER_FOLDER_VARIABLE = "REPOST_PLATFORMS"
ALIASES = {"x": "twitter"}

_NAME = re.compile(r"(?P<platform>[a-z0-9_-]+)(/(?P<route>[a-z0-9_-]+))?(@(?P<date>\d{4}(-\d{2}){0,2}))?")


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
        InputNotFound: There is no such file.
        InvalidProfile: It is not TOML, or a field is wrong; every wrong field is named.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise InputNotFound(path) from error
    except UnicodeDecodeError as error:
        raise InvalidProfile(str(path), [("", f"not UTF-8 text: {error.reason}")]) from error
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
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
    except ValidationError as error:
        raise InvalidProfile(source, _problems(error, parsed)) from error


def find_profile(name: str) -> Profile:
    """The profile a name means.

    Args:
        name: Such as "facebook", "facebook@2023", "instagram/message" or "weibo/pc@2022".

    Returns:
        The newest profile that fits; the user's own goes before a bundled one of the same date.

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

    Raises:
        InvalidProfile: One of the user's files is wrong.
    """
    found = [Listed(load_profile(path), path) for path in _files()]
    found.sort(key=lambda listed: listed.profile.observed, reverse=True)
    return sorted(
        found, key=lambda listed: (listed.profile.platform, not listed.profile.main_route, listed.profile.route)
    )


def resolve(platform: str | Path | Profile) -> Profile:
    """A profile from whatever a caller names it by: itself, a name, or a path to a TOML file."""
    if isinstance(platform, Profile):
        return platform
    if isinstance(platform, Path) or platform.endswith(".toml"):
        return _load_cached(Path(platform), Path(platform).stat().st_mtime_ns if Path(platform).is_file() else 0)
    if not platform.strip():
        raise UsageError(
            "got an empty platform name, expected one such as 'facebook'; `repost platforms list` shows all"
        )
    return find_profile(platform)


@lru_cache(maxsize=256)
def _load_cached(path: Path, _modified_ns: int) -> Profile:
    return load_profile(path)


def _files() -> Iterator[Path]:
    yield from sorted(BUNDLED.glob("*/*.toml"))
    yield from sorted(user_folder().glob("**/*.toml"))


def _of_platform(platform: str) -> Iterator[Listed]:
    """Profiles of one platform; bundled ones lie in a folder of its name, so that others need not be read."""
    for path in (*sorted((BUNDLED / platform).glob("*.toml")), *sorted(user_folder().glob("**/*.toml"))):
        profile = _load_cached(path, path.stat().st_mtime_ns)
        if profile.platform == platform:
            yield Listed(profile, path)


def _known_names() -> list[str]:
    names: dict[str, None] = {}
    for listed in list_profiles():
        profile = listed.profile
        base = profile.platform if profile.main_route else f"{profile.platform}/{profile.route}"
        names |= {base: None, f"{base}@{profile.observed}": None}
    return [*names, *ALIASES]


def _problems(error: ValidationError, parsed: dict[str, Any]) -> list[tuple[str, str]]:
    """Every fault once; that a list is short of the items just named as wrong is no fault of its own."""
    faults = cast("list[dict[str, Any]]", error.errors())
    own = [fault for fault in faults if not (fault["type"] == "too_short" and fault["input"])] or faults
    return [_problem(fault, parsed) for fault in own]


def _problem(fault: dict[str, Any], parsed: dict[str, Any]) -> tuple[str, str]:
    """The field path and message of one pydantic fault, without the names of union branches pydantic mixes in."""
    path: list[str] = []
    here: Any = parsed
    location = cast("tuple[int | str, ...]", fault["loc"])
    tagged = False
    for part in location:
        if not tagged and part in ("choice", "samples", "by"):
            tagged = True  # the name of the union's branch, which is also the name of the branch's own first field
        elif (isinstance(here, dict) and part in here) or (isinstance(here, list | tuple) and isinstance(part, int)):
            here, tagged = cast("Any", here)[part], False
            path.append(str(part))
        elif part is location[-1] and fault["type"] == "missing":
            path.append(str(part))
    message = str(fault["msg"]).removeprefix("Value error, ").replace("Input should be", "should be")
    if fault["type"] == "extra_forbidden":
        message = "no such field; check the spelling"
    elif fault["type"] == "missing":
        message = "missing"
    return ".".join(path), message
