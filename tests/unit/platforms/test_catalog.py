"""Finding profiles: one wrong file of a person's own takes nothing else away."""

import tomllib

import pytest

from repost.core.errors import InvalidProfile, ProfileNotFound
from repost.platforms import Profile, catalog, find_profile, list_profiles
from repost.platforms.catalog import BUNDLED

FACEBOOK = (BUNDLED / "facebook" / "post@2024-08.toml").read_text(encoding="utf-8")


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The folder of a person's own profiles: one sound, one broken, one folder with a file's name."""
    monkeypatch.setenv("REPOST_PLATFORMS", str(tmp_path))
    mine = FACEBOOK.replace('platform = "facebook"', 'platform = "mine"')
    assert mine != FACEBOOK
    (tmp_path / "mine.toml").write_text(mine, encoding="utf-8")
    (tmp_path / "broken.toml").write_text("platform = ", encoding="utf-8")
    return tmp_path


def test_other_names_are_found_beside_a_broken_file(own):
    assert find_profile("facebook").platform == "facebook"
    assert find_profile("mine").platform == "mine"


def test_the_list_leaves_a_broken_file_out_and_names_it_once(own):
    (own / "folder.toml").mkdir()
    with pytest.warns(UserWarning, match=r"(broken|folder)\.toml is left out") as caught:
        listed = list_profiles()
    assert sorted(str(found.message).split(" is ")[0] for found in caught) == [
        str(own / "broken.toml"),
        str(own / "folder.toml"),
    ]
    names = {entry.profile.platform for entry in listed}
    assert {"mine", "facebook"} <= names
    assert len(list_profiles()) == len(listed)


def test_a_name_that_is_not_found_names_the_broken_file(own):
    with pytest.warns(UserWarning, match=r"broken\.toml"), pytest.raises(ProfileNotFound):
        find_profile("broken")


def test_a_link_to_nowhere_takes_nothing_away(own):
    (own / "broken.toml").unlink()
    (own / "link.toml").symlink_to(own / "nowhere.toml")
    assert find_profile("mine").platform == "mine"


def test_a_broken_bundled_file_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "post@2026.toml").write_text("platform = ", encoding="utf-8")
    monkeypatch.setattr(catalog, "BUNDLED", tmp_path)
    monkeypatch.setenv("REPOST_PLATFORMS", str(tmp_path / "none"))
    with pytest.raises(InvalidProfile):
        list_profiles()
    with pytest.raises(InvalidProfile):
        find_profile("some")


def test_an_unknown_name_counts_nothing(own):
    (own / "broken.toml").unlink()
    with pytest.raises(
        ProfileNotFound, match=r"did you mean 'facebook'.*`repost platforms list` shows all of them$"
    ) as caught:
        find_profile("facebok")
    assert caught.value.name == "facebok"
    assert "facebook" in caught.value.suggestions
    assert {"facebook", "mine", "instagram/message", "x"} <= set(caught.value.available)


def test_the_short_name_finds_the_profile():
    for name in ("facebook", "instagram/message"):
        assert find_profile(name).short_name == name


class TestDigest:
    @pytest.fixture
    def parsed(self):
        return tomllib.loads(FACEBOOK)

    def digest(self, parsed):
        return Profile.model_validate(parsed).digest

    def test_words_and_measurements_do_not_count(self, parsed):
        before = self.digest(parsed)
        parsed["rules"][0] |= {"name": "renamed", "fit": {"n": 3, "exact_share": 0.5}}
        parsed["summary"] = "other words"
        assert self.digest(parsed) == before

    def test_what_is_done_counts(self, parsed):
        before = self.digest(parsed)
        parsed["rules"][-1]["steps"][-1]["progressive"] = not parsed["rules"][-1]["steps"][-1].get("progressive", False)
        assert self.digest(parsed) != before

    def test_conditions_and_what_is_unknown_count(self, parsed):
        before = self.digest(parsed)
        more = {"media": "image", "name": "new", "when": {"width_px": {"over": 9}}, "steps": [{"op": "passthrough"}]}
        other = more | {"when": {"width_px": {"over": 8}}}
        first, second = ({**parsed, "rules": [rule, *parsed["rules"]], "unknown": []} for rule in (more, other))
        first["provenance"] = second["provenance"] = {}
        assert len({before, self.digest(first), self.digest(second)}) == 3
        assert self.digest(first | {"unknown": ["rules.0.steps.0"]}) != self.digest(first)
