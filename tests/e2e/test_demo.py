"""`repost demo`, from the photographs to the page."""

import importlib.util
import json
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from PIL import Image

from repost.core.errors import MissingExtra, OutputUnwritable, ProfileNotFound
from repost.media.upload import Upload
from repost.report.demo import PLATFORMS, run_demo
from repost.report.demo_photos import MOSAIC, PHONE_PHOTO, photograph_names, write_photographs

PROFILE = """
platform = "small"
observed = "2024"
summary = "shrinks and saves"
evidence = [{ kind = "inferred", source = "this test" }]
[[rules]]
media = "image"
name = "all"
steps = [
  { op = "orient" },
  { op = "resize", fit = "long_side", px = 500 },
  { op = "encode", codec = "CODEC", quality = 75 },
]
"""


@pytest.fixture
def profile(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(PROFILE.replace("CODEC", "jpeg"))
    return str(path)


class Links(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("href", "src") and not value.startswith("#")]


def test_photographs_are_real_and_the_same_every_time(tmp_path):
    pytest.importorskip("skimage")
    first = write_photographs(tmp_path / "one")
    second = write_photographs(tmp_path / "two")
    assert [path.name for path in first] == photograph_names()
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    facts = {path.name: Upload.of(path).facts for path in first}
    assert (facts[MOSAIC].width_px, facts[MOSAIC].height_px) == (4500, 3000)
    phone = facts[PHONE_PHOTO]
    assert (phone.width_px, phone.height_px, phone.orientation) == (640, 427, 6)
    assert {"exif", "icc"} <= phone.metadata
    with Image.open(tmp_path / "one" / PHONE_PHOTO) as opened:
        assert opened.getexif().get_ifd(0x8825)[2] == (39.0, 54.0, 57.0)


def test_the_demo_makes_a_page_whose_links_work_and_does_nothing_twice(tmp_path, profile):
    chosen = [PHONE_PHOTO, "coffee.png"]
    made = run_demo(tmp_path / "out", platforms=[profile], photographs=chosen, jobs=1)
    assert made.failed == 0
    assert [(row["source"], row["platform"]) for row in made.rows] == [(name, "small") for name in chosen]
    phone = made.rows[0]
    assert phone["trace"]["metadata_lost"] == ["exif", "icc"]
    assert phone["metrics"]["psnr_db"] > 25
    links = Links(made.page.read_text(encoding="utf-8")).found
    assert len(links) > 8
    assert all((made.page.parent / unquote(link)).is_file() for link in links)
    served = made.page.parent / phone["output"]
    written = served.stat().st_mtime_ns
    again = run_demo(tmp_path / "out", platforms=[profile], photographs=chosen, jobs=1)
    assert served.stat().st_mtime_ns == written
    assert json.dumps(again.rows) == json.dumps(made.rows)


def test_a_missing_encoder_fails_its_rows_and_no_others(tmp_path, profile, monkeypatch):
    heif = tmp_path / "heif.toml"
    heif.write_text(PROFILE.replace("CODEC", "heif").replace('"small"', '"heic"'))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    made = run_demo(tmp_path / "out", platforms=[str(heif), profile], photographs=["coffee.png"], jobs=1)
    assert [row["status"] for row in made.rows] == ["failed", "done"]
    assert "pip install 'repost[heif]'" in made.rows[0]["error"]
    assert "pip install &#x27;repost[heif]&#x27;" in made.page.read_text(encoding="utf-8")


def test_without_the_photographs_it_says_what_to_install(tmp_path, profile, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "skimage" else found(name))
    with pytest.raises(MissingExtra, match=r"pip install 'repost\[demo\]'"):
        run_demo(tmp_path / "out", platforms=[profile])
    assert not (tmp_path / "out").exists()


def test_an_unknown_platform_is_named_before_anything_is_written(tmp_path):
    with pytest.raises(ProfileNotFound, match="facebok"):
        run_demo(tmp_path / "out", platforms=["facebok"])
    assert not (tmp_path / "out").exists()


def test_a_file_in_place_of_the_folder_is_named(tmp_path, profile):
    (tmp_path / "out").write_text("here already")
    with pytest.raises(OutputUnwritable, match="out"):
        run_demo(tmp_path / "out", platforms=[profile], photographs=["coffee.png"], jobs=1)


def test_the_command_prints_rows_and_where_to_look(tmp_path, profile):
    """The whole of it but for the other four platforms, as a person runs it."""
    command = [sys.executable, "-c", "from repost.cli.app import main; main()", "demo", "-o", "out", "-p", profile]
    done = subprocess.run([*command, "--json"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["source"] for row in rows] == photograph_names()
    assert "index.html" in done.stderr
    assert "torch" not in done.stderr
    table = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert table.returncode == 0, table.stderr
    assert "index.html" in table.stdout
    assert all(name in table.stdout for name in photograph_names())


def test_the_platforms_of_the_demo_are_known():
    from repost.platforms import find_profile

    assert [find_profile(name).platform for name in PLATFORMS] == list(PLATFORMS)
