"""docs/platforms.md is what the bundled profiles say."""

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def maker(tmp_path, monkeypatch):
    monkeypatch.setenv("REPOST_PLATFORMS", str(tmp_path))
    spec = importlib.util.spec_from_file_location("make_platforms", DOCS / "make_platforms.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_is_current(maker):
    written = (DOCS / "platforms.md").read_text(encoding="utf-8")
    assert written == maker.page(), "run: PYTHONPATH=src python docs/make_platforms.py"


def test_every_bundled_profile_has_a_row(maker):
    rows = [line for line in maker.page().splitlines() if line.startswith(("| `", "| **`"))]
    assert len(rows) == len(list(maker.BUNDLED.glob("*/*.toml")))
    assert all(row.count(" | ") == 5 for row in rows)
