"""Platform profiles: dated, evidenced data on what a network does to an upload."""

from repost.platforms.catalog import find_profile, list_profiles, load_profile, resolve
from repost.platforms.profile import Profile, Rule

__all__ = ["Profile", "Rule", "find_profile", "list_profiles", "load_profile", "resolve"]
