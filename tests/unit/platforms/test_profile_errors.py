"""A profile that cannot be used says which field is wrong, every one at once."""

import os
import tomllib

import pytest

from repost.core.errors import InputNotFound, InvalidProfile
from repost.platforms import load_profile, resolve
from repost.platforms.catalog import parse_profile

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

RESIZE = 'fit = "long_side", px = 1000 }'
BOX = "fit = '{}', width_px = 9, height_px = 9"
JPEG = "{ op = 'encode', codec = 'jpeg', quality = 80 }"
REDRAWS = {
    "decode": "{ op = 'decode', upsampling = 'replicate' }",
    "orient": "{ op = 'orient' }",
    "colour": "{ op = 'colour' }",
    "resize": "{ op = 'resize', fit = 'width', px = 9 }",
    "overlay": "{ op = 'overlay', corner = 'centre', width_px = 9, height_px = 9 }",
}


def when(condition):
    """The text and its replacement that give the first rule another condition."""
    return "when = { long_side_px = { over = 1000 } }", f"when = {condition}"


def jpegs(steps):
    """The text and its replacement that give the first rule other steps, for JPEG uploads only."""
    old = SOUND[SOUND.index("when =") : SOUND.index("[[rules]]", SOUND.index("when ="))]
    return old, f"when = {{ format = ['jpeg'] }}\nsteps = [{steps}]\n"


def by(feature):
    return f"{{ by = '{feature}', bands = [{{ under = 9, value = 1 }}], otherwise = 3 }}"


BROKEN = [
    # what is wrong, text, its replacement, the field that must be named, words of the message
    ("TOML syntax", "schema_version = 1", "schema_version = ", "", "not valid TOML"),
    ("an unclosed table", "[[rules]]", "[[rules]", "", "not valid TOML"),
    ("a newer format", "schema_version = 1", "schema_version = 2", "schema_version", "got 2, expected 1"),
    ("a missing field", 'platform = "somewhere"\n', "", "platform", "missing"),
    ("a misspelt field", "summary =", "sumary =", "sumary", "did you mean 'summary'?"),
    (
        "a misspelt field of a step",
        "px = 1000 }",
        "px = 1000, kernal = 1 }",
        "rules.0.steps.1.kernal",
        "did you mean 'kernel'?",
    ),
    (
        "a misspelt condition",
        "long_side_px =",
        "longside_px =",
        "rules.0.when.longside_px",
        "did you mean 'long_side_px'?",
    ),
    (
        "a misspelt limit",
        "{ over = 1000 }",
        "{ above = 1000 }",
        "rules.0.when.long_side_px.above",
        "did you mean 'over'?",
    ),
    ("a name with blanks", '"somewhere"', '"some where"', "platform", "got 'some where', expected lower-case"),
    ("a date in words", '"2026-01"', '"January"', "observed", "got 'January', expected YYYY, YYYY-MM or YYYY-MM-DD"),
    ("no evidence", '[[evidence]]\nkind = "measured"\nsource = "a test"', "evidence = []", "evidence", "at least 1"),
    ("hearsay", '"measured"', '"rumour"', "evidence.0.kind", "measured"),
    ("an unknown step", 'op = "orient"', 'op = "sharpen"', "rules.0.steps.0", "sharpen"),
    ("a step without op", '{ op = "orient" }', "{}", "rules.0.steps.0", "op"),
    ("an unknown codec", 'codec = "jpeg", quality = 80', 'codec = "jxl"', "rules.0.steps.2", "jxl"),
    ("quality over 100", "quality = 80 }", "quality = 101 }", "rules.0.steps.2.quality", "from 1 to 100"),
    ("quality 0 in a choice", "[80, 90]", "[80, 0]", "rules.1.steps.0.quality", "got 0"),
    ("half a quality", "quality = 80 }", "quality = 80.5 }", "rules.0.steps.2.quality", "whole number"),
    (
        "a quality in words",
        "quality = 80 }",
        'quality = "high" }',
        "rules.0.steps.2.quality",
        "got 'high', expected a number",
    ),
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
        "got 0, expected 1 or more",
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
    (
        "a misspelt step",
        'op = "orient"',
        'op = "orientt"',
        "rules.0.steps.0",
        "no step 'orientt'; did you mean 'orient'?",
    ),
    (
        "a misspelt codec",
        '"jpeg", quality = 80',
        '"jpg", quality = 80',
        "rules.0.steps.2",
        "no codec 'jpg'; did you mean",
    ),
    (
        "a misspelt fit",
        '"long_side", px',
        '"longside", px',
        "rules.0.steps.1.fit",
        "got 'longside', did you mean 'long_side'?",
    ),
    ("a bare date", '"2026-01"', "2026-01-02", "observed", 'write observed = "2026-01-02"'),
    ("one format", *when('{ format = "png" }'), "rules.0.when.format", 'write format = ["png"]'),
    ("one table of rules", "[[evidence]]", "[evidence]", "evidence", "write [[evidence]]"),
    ("a limit in words", "{ over = 1000 }", '{ over = "1000" }', "rules.0.when.long_side_px.over", "expected a number"),
    ("a limit of yes", "{ over = 1000 }", "{ over = true }", "rules.0.when.long_side_px.over", "expected a number"),
    ("no number as limit", "{ over = 1000 }", "{ over = nan }", "rules.0.when.long_side_px.over", "finite"),
    ("an endless limit", "{ over = 1000 }", "{ under = inf }", "rules.0.when.long_side_px.under", "finite"),
    ("crossed limits", "{ over = 1000 }", "{ over = 9, under = 8 }", "rules.0.when.long_side_px", "over 9 and under 8"),
    (
        "limits that leave nothing",
        "{ over = 1000 }",
        "{ over = 9, at_most = 9 }",
        "rules.0.when.long_side_px",
        "no number",
    ),
    ("an endless weight", "[1, 3]", "[1, inf]", "rules.1.steps.0.quality.weights.1", "finite"),
    ("a weight of yes", "[1, 3]", "[1, true]", "rules.1.steps.0.quality.weights.1", "expected a number"),
    ("weights beyond numbers", "[1, 3]", "[1e308, 1e308]", "rules.1.steps.0.quality", "smaller ones"),
    (
        "a band in words",
        QUALITY,
        f"quality = {by('width_px')}".replace("9,", "'9',"),
        "rules.1.steps.0.quality.bands.0.under",
        "expected a number",
    ),
    ("a value by fps", QUALITY, f"quality = {by('fps')}", "rules.1", "steps.0.quality depends on 'fps'"),
    (
        "a value by duration inside another",
        QUALITY,
        f"quality = {{ by = 'width_px', bands = [{{ under = 9, value = 1 }}], otherwise = {by('duration_s')} }}",
        "rules.1",
        "steps.0.quality.otherwise depends on 'duration_s'",
    ),
    ("a video kernel", "px = 1000 }", "px = 1000, kernel = 'bicublin' }", "rules.0", "step 'resize' (steps.1): kernel"),
    (
        "cover and rounding",
        RESIZE,
        f"{BOX.format('cover')}, rounding = 'floor' }}",
        "rules.0.steps.1",
        "rounding would have",
    ),
    (
        "stretch and multiple",
        RESIZE,
        f"{BOX.format('stretch')}, multiple_of = 2 }}",
        "rules.0.steps.1",
        "multiple_of would",
    ),
    *(
        (
            f"{step} before transcode",
            *jpegs(f"{done}, {{ op = 'transcode' }}"),
            "rules.0",
            f"step '{step}' (steps.0) would",
        )
        for step, done in REDRAWS.items()
    ),
    (
        "a change between encode and transcode",
        *jpegs(f"{JPEG}, {{ op = 'metadata' }}, {{ op = 'orient' }}, {{ op = 'metadata' }}, {{ op = 'transcode' }}"),
        "rules.0",
        "step 'orient' (steps.2) would have no effect",
    ),
    *(
        (
            f"transcode of {codec}",
            *jpegs(f"{{ op = 'encode', codec = '{codec}' }}, {{ op = 'transcode' }}"),
            "rules.0",
            "step 'encode' (steps.0) before it writes another format",
        )
        for codec in ("webp", "avif", "heif", "png")
    ),
    (
        "transcode of a saved WebP",
        *jpegs(
            f"{JPEG}, {{ op = 'client_save', encode = {{ op = 'encode', codec = 'webp' }} }}, {{ op = 'transcode' }}"
        ),
        "rules.0",
        "step 'client_save' (steps.1) before it",
    ),
    (
        "a late decode",
        *jpegs(f"{{ op = 'orient' }}, {REDRAWS['decode']}, {JPEG}"),
        "rules.0",
        "step 'decode' (steps.1) is how",
    ),
    (
        "a decode after a write",
        *jpegs(f"{JPEG}, {REDRAWS['decode']}, {JPEG}"),
        "rules.0",
        "step 'decode' (steps.1) is how",
    ),
    *(
        (
            f"{step} under a mark",
            *jpegs(f"{REDRAWS['overlay']}, {REDRAWS[step]}, {JPEG}"),
            "rules.0",
            f"step '{step}' (steps.1) comes after overlay",
        )
        for step in ("orient", "resize")
    ),
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


def test_a_value_that_is_neither_whole_nor_a_number_is_one_fault(tmp_path):
    problems = problems_of(SOUND.replace("quality = 80 }", 'quality = "high" }'), tmp_path)
    assert problems == (("rules.0.steps.2.quality", "got 'high', expected a number"),)


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


@pytest.mark.parametrize(
    "steps",
    [
        "{ op = 'metadata', icc = 'keep' }, { op = 'transcode' }",
        f"{JPEG}, {{ op = 'metadata' }}, {{ op = 'transcode' }}",
        f"{JPEG}, {{ op = 'client_save', encode = {JPEG} }}, {{ op = 'transcode' }}, {{ op = 'transcode' }}",
        f"{{ op = 'metadata' }}, {REDRAWS['decode']}, {REDRAWS['orient']}, {REDRAWS['overlay']}, {JPEG}",
    ],
)
def test_steps_in_an_order_that_has_its_effect_are_sound(steps, tmp_path):
    path = tmp_path / "somewhere.toml"
    old, new = jpegs(steps)
    path.write_text(SOUND.replace(old, new).replace("rules.0.steps.1.kernel", "rules.0.steps.0"), encoding="utf-8")
    assert load_profile(path)


@pytest.mark.parametrize("text", ["x = " + "[" * 20_000, "x = " + "{ a = " * 20_000])
def test_endless_nesting_is_refused(text, tmp_path):
    assert problems_of(text, tmp_path)


@pytest.mark.parametrize("depth", [300, 3000])
def test_endless_nesting_of_values_is_refused(depth):
    value = 3
    for _ in range(depth):
        value = {"by": "width_px", "bands": [{"under": 9, "value": 1}], "otherwise": value}
    parsed = tomllib.loads(SOUND)
    parsed["rules"][1]["steps"][0]["quality"] = value
    with pytest.raises(InvalidProfile):
        parse_profile(parsed, source="somewhere")


def test_a_number_of_thousands_of_digits_is_refused(tmp_path):
    assert "not valid TOML" in problems_of(f"schema_version = {'9' * 5000}", tmp_path)[0][1]


@pytest.mark.parametrize("name", ["a" * 5000 + ".toml", "a\0b.toml"])
def test_a_name_no_file_can_have_is_not_found(name, tmp_path):
    for call, argument in ((load_profile, tmp_path / name), (resolve, name)):
        with pytest.raises(InputNotFound):
            call(argument)


def test_a_file_that_may_not_be_read_says_so(tmp_path, monkeypatch):
    path = tmp_path / "somewhere.toml"

    def refuse(*_args, **_kwargs):
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr("pathlib.Path.read_text", refuse)
    with pytest.raises(InvalidProfile, match="cannot be read: Permission denied"):
        load_profile(path)
