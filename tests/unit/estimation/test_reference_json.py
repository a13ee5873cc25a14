"""The database of the published framework: read strictly, written to the byte as it writes it."""

import json
import os

import pytest

from repost.core.errors import InputNotFound, OutputUnwritable, UsageError
from repost.estimation.videos.reference import (
    InvalidDatabase,
    Sample,
    SamplesNotFound,
    append_samples,
    load_reference,
    write_reference,
)

FIRST = {
    "original_res": "1920x1080", "target_res": "854x480", "crf": 27, "profile": "High", "source_file": "001.mp4",
}  # fmt: skip
SECOND = FIRST | {"original_res": "1280x720", "crf": 24, "source_file": "002.mp4"}
DOCUMENT = {"Youtube": {"libx264": [FIRST, SECOND]}, "Facebook": {"libx264": [SECOND], "libvpx-vp9": [FIRST]}}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "compression_models.json"


def as_framework(path, document):
    """As the framework's own script writes it."""
    with path.open("w") as file:
        json.dump(document, file, indent=4)
    return path


def problems_of(path, text):
    path.write_text(text)
    with pytest.raises(InvalidDatabase) as caught:
        load_reference(path)
    return dict(caught.value.problems)


def broken(**fields):
    return json.dumps({"Youtube": {"libx264": [FIRST, FIRST | fields]}})


def test_what_the_framework_wrote_comes_back_to_the_byte(path, tmp_path):
    database = load_reference(as_framework(path, DOCUMENT))
    assert database.platforms["Youtube"]["libx264"][1].crf == 24
    assert database.platforms["Facebook"]["libvpx-vp9"][0].target_size == (854, 480)
    write_reference(database, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


def test_unknown_fields_are_kept(path, tmp_path):
    document = {"X": {"libx264": [{"note": {"a": [1, 2.5, None]}, **FIRST, "bitrate": 1e6}]}}
    write_reference(load_reference(as_framework(path, document)), tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text()) == document


def test_appending_leaves_everything_else_to_the_byte(path):
    odd = {"zzz": [1], **SECOND, "aaa": "é"}
    as_framework(path, {"Facebook": {"libx264": [odd]}} | {"Youtube": {"libx264": [FIRST]}})
    database = append_samples(path, [Sample(**SECOND)], platform="Youtube", codec="libx264")
    assert [one.crf for one in database.samples("Youtube", "libx264")[2]] == [27, 24]
    want = as_framework(
        path.with_name("want.json"), {"Facebook": {"libx264": [odd]}, "Youtube": {"libx264": [FIRST, SECOND]}}
    )
    assert path.read_bytes() == want.read_bytes()


def test_the_same_samples_are_not_added_by_a_second_run(path):
    for _ in range(2):
        database = append_samples(path, [Sample(**FIRST), Sample(**SECOND)], platform="Youtube", codec="libx264")
    assert [one.crf for one in database.samples("Youtube", "libx264")[2]] == [27, 24]
    database = append_samples(path, [Sample(**{**SECOND, "crf": 31})], platform="Youtube", codec="libx264")
    assert [one.crf for one in database.samples("Youtube", "libx264")[2]] == [27, 24, 31]


def test_appending_makes_file_platform_and_codec(path):
    append_samples(path, [Sample(**FIRST)], platform="Youtube", codec="libx264")
    append_samples(path, [Sample(**SECOND)], platform="youtube", codec="libx264")
    append_samples(path, [Sample(**SECOND)], platform="Youtube", codec="libx265")
    assert json.loads(path.read_text()) == {
        "Youtube": {"libx264": [FIRST], "libx265": [SECOND]},
        "youtube": {"libx264": [SECOND]},
    }
    with pytest.raises(UsageError, match="empty name of a codec"):
        append_samples(path, [Sample(**FIRST)], platform="Youtube", codec="")


@pytest.mark.parametrize(
    "damage", ['{"Youtube": {', "", "[]", broken(crf=True), "{} {}", '{"Youtube": {"libx264": {}}}']
)
def test_a_damaged_file_is_not_overwritten(path, damage):
    path.write_text(damage)
    with pytest.raises(InvalidDatabase):
        append_samples(path, [Sample(**FIRST)], platform="Youtube", codec="libx264")
    assert path.read_text() == damage
    assert os.listdir(path.parent) == [path.name]


def test_a_failed_write_leaves_what_was_there(path, monkeypatch):
    before = as_framework(path, DOCUMENT).read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputUnwritable, match="No space left"):
        append_samples(path, [Sample(**FIRST)], platform="Youtube", codec="libx264")
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize(
    ("fields", "field", "got"),
    [
        ({"crf": True}, "crf", "true"),
        ({"crf": "27"}, "crf", '"27"'),
        ({"crf": -1}, "crf", "-1"),
        ({"crf": 64}, "crf", "64"),
        ({"crf": None}, "crf", "null"),
        ({"original_res": "0x0"}, "original_res", '"0x0"'),
        ({"original_res": "axb"}, "original_res", '"axb"'),
        ({"original_res": "-640x480"}, "original_res", '"-640x480"'),
        ({"original_res": "640x480\n"}, "original_res", '"640x480\\n"'),
        ({"original_res": "٣٢٠x240"}, "original_res", "\\u0663"),
        ({"target_res": "0640x480"}, "target_res", '"0640x480"'),
        ({"target_res": "65536x480"}, "target_res", '"65536x480"'),
        ({"target_res": [640, 480]}, "target_res", "[640, 480]"),
        ({"profile": 100}, "profile", "100"),
        ({"source_file": ["001.mp4"]}, "source_file", '["001.mp4"]'),
    ],
)
def test_a_wrong_field_is_named_with_what_was_got_and_expected(path, fields, field, got):
    found = problems_of(path, broken(**fields))
    assert list(found) == [f"Youtube/libx264[1].{field}"]
    assert got in found[f"Youtube/libx264[1].{field}"]
    assert "expected" in found[f"Youtube/libx264[1].{field}"]


def test_every_fault_is_named(path):
    text = json.dumps(
        {
            "A": {"libx264": [{"target_res": "1x1", "crf": 1}, 7, FIRST | {"crf": 99, "target_res": ""}]},
            "B": [FIRST],
            "C": {"libx264": FIRST},
            "": {"libx264": []},
        }
    )
    found = problems_of(path, text)
    assert set(found) == {
        "A/libx264[0].original_res", "A/libx264[1]", "A/libx264[2].crf", "A/libx264[2].target_res",
        "B", "C/libx264", "",
    }  # fmt: skip
    assert "got nothing" in found["A/libx264[0].original_res"]
    assert "a list of samples" in found["C/libx264"]
    assert "codecs" in found["B"]


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ('{"A": {}, "A": {}}', "", '"A" stands there twice'),
        ('{"A": {"libx264": [], "libx264": []}}', "A", "twice"),
        ('{"A": {"libx264": [{"crf": 1, "crf": 2}]}}', "A/libx264[0]", '"crf" stands'),
        (broken(crf=float("nan")), "Youtube/libx264[1].crf", "finite"),
        (broken(crf=0).replace('"crf": 0', '"crf": 1e999'), "Youtube/libx264[1].crf", "finite"),
        (broken(extra=[float("inf")]), "Youtube/libx264[1].extra[0]", "finite"),
        ("[" * 100_000, "", "deep"),
        (broken(extra=json.loads("[" * 200 + "]" * 200)), "Youtube/libx264[1]", "deep"),
        ('{"A": {"libx264": [{"crf": ' + "9" * 5000 + "}]}}", "", "not valid JSON"),
        ('{"A": ', "", "not valid JSON"),
        ("null", "", "object of platforms"),
    ],
)
def test_hostile_files_are_refused_in_words(path, text, place, what):
    found = problems_of(path, text)
    assert what in found[place]


def test_many_faults_are_counted(path):
    text = json.dumps({"A": {"libx264": [FIRST | {"crf": "x"}] * 5000}})
    path.write_text(text)
    with pytest.raises(InvalidDatabase, match=r"and 4,980 more") as caught:
        load_reference(path)
    assert len(caught.value.problems) == 5000
    assert len(str(caught.value).splitlines()) < 30


def test_huge_binary_and_missing_files(path, monkeypatch):
    with pytest.raises(InputNotFound):
        load_reference(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidDatabase, match="UTF-8"):
        load_reference(path)
    monkeypatch.setattr("repost.estimation.videos.reference.MOST_BYTES", 1000)
    as_framework(path, DOCUMENT | {"pad": {"libx264": [FIRST] * 10}})
    with pytest.raises(InvalidDatabase, match="more than 1,000 bytes"):
        load_reference(path)


def test_many_keys_with_one_twice_take_no_quadratic_time(path):
    keys = ", ".join(f'"{index}": {{}}' for index in range(30_000))
    assert "twice" in problems_of(path, "{" + keys + ', "0": {}}')[""]


def test_platforms_are_looked_up_exactly_first(path):
    database = load_reference(as_framework(path, DOCUMENT | {"youtube": {"libx264": [SECOND]}}))
    assert database.samples("youtube", "libx264")[0] == "youtube"
    assert database.samples("Youtube", "libx264")[0] == "Youtube"
    assert database.samples("FACEBOOK", "LIBX264")[:2] == ("Facebook", "libx264")
    with pytest.raises(UsageError, match="'Youtube' or 'youtube'"):
        database.samples("YOUTUBE", "libx264")


def test_unknown_names_get_suggestions(path):
    database = load_reference(as_framework(path, DOCUMENT | {"Empty": {"libx264": []}}))
    with pytest.raises(SamplesNotFound, match=r"did you mean 'Youtube'\? it holds 'Youtube', 'Facebook', 'Empty'"):
        database.samples("youtub", "libx264")
    with pytest.raises(SamplesNotFound, match=r"codec 'libx265' in .*'Facebook'.*'libx264', 'libvpx-vp9'"):
        database.samples("Facebook", "libx265")
    with pytest.raises(UsageError, match="empty list of samples"):
        database.samples("Empty", "libx264")
