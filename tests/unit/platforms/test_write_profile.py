"""A profile that was written reads back as the same profile."""

import tomllib

import pytest

from repost.platforms import list_profiles, load_profile
from repost.platforms.catalog import parse_profile
from repost.platforms.write import to_toml, write_profile

BUNDLED = [listed.profile for listed in list_profiles() if listed.bundled]


@pytest.mark.parametrize("profile", BUNDLED, ids=lambda profile: profile.id)
def test_bundled_profiles_read_back_equal(profile):
    again = parse_profile(tomllib.loads(to_toml(profile)), source="what was written")
    assert again == profile
    assert again.digest == profile.digest


AWKWARD = {
    "quotes and line ends": "he said \"no\"\n\ttwice \\ and 'so' on",
    "control characters": "bell \x07, escape \x1b, delete \x7f",
    "other scripts": "写真 ناصر 🎏",
}


@pytest.mark.parametrize("name", AWKWARD)
def test_any_text_reads_back(name, tmp_path):
    profile = BUNDLED[0].model_copy(update={"summary": AWKWARD[name]})
    write_profile(profile, tmp_path / "p.toml")
    assert load_profile(tmp_path / "p.toml") == profile


def test_defaults_are_left_out():
    """A written profile is for people: nothing in it that goes without saying."""
    text = to_toml(BUNDLED[0])
    assert "optimize_huffman = false" not in text
    assert "upscale = false" not in text
    assert text.startswith("schema_version = 1\n")


def test_a_folder_that_is_missing_is_an_error_and_leaves_nothing(tmp_path):
    with pytest.raises(OSError, match="none"):
        write_profile(BUNDLED[0], tmp_path / "none" / "p.toml")
    assert list(tmp_path.iterdir()) == []
