"""A profile that cannot be used says which field is wrong, every one at once."""

import pytest

from repost.core.errors import InputNotFound, InvalidProfile
from repost.platforms import load_profile

SOUND = """
schema_version = 1
platform = "somewhere"
observed = "2026-01"
summary = "A sound profile to break."
unknown = ["rules.0.steps.1.kernel"]

[[evidence]]
kind = "measured"
source = "a test"

[[rules]]
media = "image"
name = "large"
when = { long_side_px = { over = 1000 } }
steps = [
  { op = "orient" },
  { op = "resize", fit = "long_side", px = 1000 },
  { op = "encode", codec = "jpeg", quality = 80 },
]

[[rules]]
media = "image"
name = "others"
steps = [{ op = "encode", codec = "jpeg", quality = { choice = [80, 90], weights = [1, 3] } }]

[provenance."rules.1.steps.0.quality"]
n = 4
"""

LAST = 'steps = [{ op = "encode", codec = "jpeg", quality = { choice = [80, 90], weights = [1, 3] } }]'
QUALITY = "quality = { choice = [80, 90], weights = [1, 3] }"
TABLE = "[" + "9," * 64 + "]"

BROKEN = [
    # what is wrong, text, its replacement, the field that must be named, words of the message
    ("TOML syntax", "schema_version = 1", "schema_version = ", "", "not valid TOML"),
    ("an unclosed table", "[[rules]]", "[[rules]", "", "not valid TOML"),
    ("a newer format", "schema_version = 1", "schema_version = 2", "schema_version", "should be 1"),
    ("a missing field", 'platform = "somewhere"\n', "", "platform", "missing"),
    ("a misspelt field", "summary =", "sumary =", "sumary", "no such field"),
    ("a misspelt field of a step", "px = 1000 }", "px = 1000, kernal = 1 }", "rules.0.steps.1.kernal", "spelling"),
    ("a misspelt condition", "long_side_px =", "longside_px =", "rules.0.when.longside_px", "no such field"),
    ("a misspelt limit", "{ over = 1000 }", "{ above = 1000 }", "rules.0.when.long_side_px.above", "no such field"),
    ("a name with blanks", '"somewhere"', '"some where"', "platform", "match pattern"),
    ("a date in words", '"2026-01"', '"January"', "observed", "match pattern"),
    ("no evidence", '[[evidence]]\nkind = "measured"\nsource = "a test"', "evidence = []", "evidence", "at least 1"),
    ("hearsay", '"measured"', '"rumour"', "evidence.0.kind", "measured"),
    ("an unknown step", 'op = "orient"', 'op = "sharpen"', "rules.0.steps.0", "sharpen"),
    ("a step without op", '{ op = "orient" }', "{}", "rules.0.steps.0", "op"),
    ("an unknown codec", 'codec = "jpeg", quality = 80', 'codec = "jxl"', "rules.0.steps.2", "jxl"),
    ("quality over 100", "quality = 80 }", "quality = 101 }", "rules.0.steps.2.quality", "from 1 to 100"),
    ("quality 0 in a choice", "[80, 90]", "[80, 0]", "rules.1.steps.0.quality", "got 0"),
    ("half a quality", "quality = 80 }", "quality = 80.5 }", "rules.0.steps.2.quality", "whole number"),
    ("a quality in words", "quality = 80 }", 'quality = "high" }', "rules.0.steps.2.quality", "valid"),
    ("endless size", "px = 1000 }", "px = inf }", "rules.0.steps.1.px", "finite"),
    ("weights too few", "[1, 3]", "[1]", "rules.1.steps.0.quality", "1 weights for 2 values"),
    ("weights of nothing", "[1, 3]", "[0, 0]", "rules.1.steps.0.quality", "all weights are zero"),
    ("no samples", QUALITY, "quality = { samples = [] }", "rules.1.steps.0.quality.samples", "at least 1"),
    (
        "falling bands",
        QUALITY,
        'quality = { by = "width_px", bands = [{ under = 9, value = 1 }, { under = 3, value = 2 }], otherwise = 3 }',
        "rules.1.steps.0.quality",
        "must rise",
    ),
    (
        "an unknown feature",
        QUALITY,
        'quality = { by = "mood", bands = [{ under = 9, value = 1 }], otherwise = 3 }',
        "rules.1.steps.0.quality.by",
        "busyness",
    ),
    ("no quality and no tables", ", quality = 80 }", " }", "rules.0.steps.2", "either quality or tables"),
    (
        "quality and tables",
        "quality = 80 }",
        f"quality = 80, tables = {{ luma = {TABLE}, chroma = {TABLE} }} }}",
        "rules.0.steps.2",
        "either quality or tables",
    ),
    (
        "a table with 0",
        "quality = 80 }",
        f"tables = {{ luma = {TABLE.replace('9', '0', 1)}, chroma = {TABLE} }} }}",
        "rules.0.steps.2.tables.luma.0",
        "greater than or equal to 1",
    ),
    (
        "a short table",
        "quality = 80 }",
        f"tables = {{ luma = [9], chroma = {TABLE} }} }}",
        "rules.0.steps.2.tables.luma",
        "at least 64",
    ),
    ("a resize without size", ", px = 1000 }", " }", "rules.0.steps.1", "fit 'long_side' needs px, got none"),
    ("a box for one side", "px = 1000 }", "width_px = 9, height_px = 9 }", "rules.0.steps.1", "needs px"),
    ("an empty range", "{ over = 1000 }", "{}", "rules.0.when.long_side_px", "empty range"),
    ("no steps", LAST, "steps = []", "rules.1.steps", "at least 1"),
    ("nothing written", LAST, 'steps = [{ op = "orient" }]', "rules.1", "no step writes a file"),
    ("an idle last step", LAST, LAST[:-1] + ', { op = "orient" }]', "rules.1", "after the last encode"),
    ("a company for passthrough", LAST, 'steps = [{ op = "orient" }, { op = "passthrough" }]', "rules.1", "only step"),
    ("a video step", LAST, LAST[:-1] + ', { op = "container" }]', "rules.1", "not for media 'image'"),
    ("a video condition", "long_side_px = {", "fps = {", "rules.0", "condition 'fps' is not for media 'image'"),
    ("transcode of anything", LAST, 'steps = [{ op = "transcode" }]', "rules.1", "format = ['jpeg']"),
    (
        "transcode of PNG too",
        'when = { long_side_px = { over = 1000 } }\nsteps = [\n  { op = "orient" },',
        'when = { format = ["jpeg", "png"] }\nsteps = [\n  { op = "transcode" },',
        "rules.0",
        "format = ['jpeg']",
    ),
    (
        "a conditional last rule",
        'name = "others"',
        'name = "others"\nwhen = { format = ["png"] }',
        "",
        "the last image rule has conditions",
    ),
    ("an unreachable rule", "when = { long_side_px = { over = 1000 } }\n", "", "", "never reached"),
    ("a path to nowhere", "rules.0.steps.1.kernel", "rules.0.steps.7.kernel", "", "rules.0.steps.7.kernel"),
    ("a path to no field", "rules.0.steps.1.kernel", "rules.0.steps.1.kernal", "", "rules.0.steps.1.kernal"),
    ("a source of nowhere", 'e."rules.1.steps.0.quality"', 'e."rules.1.steps.0.crf"', "", "rules.1.steps.0.crf"),
]


def problems_of(text, tmp_path):
    path = tmp_path / "somewhere.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidProfile) as caught:
        load_profile(path)
    assert str(path) in str(caught.value)
    return caught.value.problems


def test_the_profile_to_break_is_sound(tmp_path):
    path = tmp_path / "somewhere.toml"
    path.write_text(SOUND, encoding="utf-8")
    assert load_profile(path).id == "somewhere/post@2026-01"


@pytest.mark.parametrize(("wrong", "text", "instead", "field", "words"), BROKEN, ids=[row[0] for row in BROKEN])
def test_the_wrong_field_is_named(wrong, text, instead, field, words, tmp_path):
    broken = SOUND.replace(text, instead, 1)
    assert broken != SOUND, "the case changes nothing"
    problems = problems_of(broken, tmp_path)
    named = [message for where, message in problems if where == field or (field and where.startswith(f"{field}."))]
    assert any(words in message for message in named), problems


def test_every_wrong_field_is_named_at_once(tmp_path):
    broken = SOUND.replace("summary =", "sumary =").replace("quality = 80 }", "quality = 0 }").replace("2026-01", "now")
    fields = {where for where, _ in problems_of(broken, tmp_path)}
    assert {"summary", "sumary", "rules.0.steps.2.quality", "observed"} <= fields


def test_the_message_tells_where_and_what(tmp_path):
    path = tmp_path / "somewhere.toml"
    path.write_text(SOUND.replace("quality = 80 }", "quality = 101 }"), encoding="utf-8")
    with pytest.raises(InvalidProfile, match=r"rules\.0\.steps\.2\.quality: got 101, expected a whole number"):
        load_profile(path)


def test_a_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "somewhere.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidProfile, match="not UTF-8"):
        load_profile(path)


def test_a_missing_file_is_no_profile_fault(tmp_path):
    with pytest.raises(InputNotFound):
        load_profile(tmp_path / "nowhere.toml")
