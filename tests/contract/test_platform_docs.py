"""The generated pages are what the code says, and the published schema accepts what the code accepts."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest

from repost.platforms.catalog import BUNDLED

DOCS = Path(__file__).parents[2] / "docs"
FILES = sorted(BUNDLED.glob("*/*.toml"))


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads((DOCS / "schema" / "profile.schema.json").read_text()))


def test_the_generated_pages_are_current():
    done = subprocess.run(
        [sys.executable, str(DOCS / "generate.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_bundled_profile_has_a_row():
    rows = [line for line in (DOCS / "platforms.md").read_text().splitlines() if line.startswith(("| `", "| **`"))]
    assert len(rows) == len(FILES)
    assert all(row.count(" | ") == 5 for row in rows)


def test_examples_stand_apart():
    measured, examples = (DOCS / "platforms.md").read_text().split("## Examples")
    assert "`example/" not in measured
    assert examples.count("all of it: made up") == len(list((BUNDLED / "example").glob("*.toml")))
    assert "`facebook/" not in examples


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_schema_accepts_every_bundled_profile(schema, path):
    schema.validate(tomllib.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('platform = "twitter"', 'platfrom = "twitter"'),
        ('op = "orient"', 'op = "orients"'),
        ('codec = "jpeg"', 'codec = "gif"'),
    ],
)
def test_the_schema_refuses_what_the_code_refuses(schema, old, new):
    text = (BUNDLED / "twitter" / "post@2024-08.toml").read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(jsonschema.ValidationError):
        schema.validate(tomllib.loads(text.replace(old, new)))
