"""What the pages say of the command line and of Python is what there is."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import skimage.data
from PIL import Image
from typer.main import get_command

from repost.cli.app import app

ROOT = Path(__file__).parents[2]
CLI_PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")


def options_of(command) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts if name.startswith("--")} - {"--help"}


@pytest.mark.parametrize("verb", ["emulate", "stamp", "scan", "faces"])
def test_the_page_names_every_option_of_a_verb_and_no_other(verb):
    section = CLI_PAGE.split(f"## `repost {verb}")[1].split("\n## ")[0].split("### ")[0]
    named = set(re.findall(r"--[a-z][a-z-]+", section))
    assert named == options_of(get_command(app).commands[verb])


@pytest.mark.parametrize("verb", sorted(get_command(app).commands))
def test_every_verb_is_on_the_page_and_in_the_readme_or_its_links(verb):
    assert f"`repost {verb}" in CLI_PAGE


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if "://" not in target:
            assert ((ROOT / page).parent / target).exists(), f"{page} links to {target}"


def test_the_python_of_the_readme_runs(tmp_path):
    Image.fromarray(skimage.data.coffee()).save(tmp_path / "photo.jpg")
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 2
    program = "\n".join(["from PIL import Image", "image = Image.new('RGB', (64, 64))", *blocks])
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "JPEG" in done.stdout


def test_the_python_of_the_differentiable_channel_runs():
    pytest.importorskip("torch")
    page = (ROOT / "docs" / "differentiable.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    needs_no_files = [block for block in blocks if "Path(" not in block]
    assert len(needs_no_files) == 2
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(needs_no_files)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_python_of_the_page_about_the_stamp_runs():
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "stamp.md").read_text("utf-8"), flags=re.DOTALL)
    program = "\n".join(["import skimage.data", "pixels = skimage.data.coffee()", block, "print(found.stamped)"])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_the_python_and_the_boxes_of_the_page_about_faces_are_sound(tmp_path):
    pytest.importorskip("dlib")
    from repost.faces.boxes import GivenBoxes

    page = (ROOT / "docs" / "faces.md").read_text("utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    done = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Box(left=")
    (tmp_path / "boxes.json").write_text(re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL)[0])
    GivenBoxes(tmp_path / "boxes.json")


def test_the_example_profile_of_the_page_is_valid(tmp_path):
    from repost.platforms import load_profile

    block = re.search(
        r"```toml\n(.*?)```", (ROOT / "docs" / "profiles.md").read_text(encoding="utf-8"), flags=re.DOTALL
    )
    (tmp_path / "example.toml").write_text(block[1], encoding="utf-8")
    profile = load_profile(tmp_path / "example.toml")
    assert profile.id == "example/post@2026-11"


def test_the_page_of_probe_names_every_option_and_every_key_of_a_video(tmp_path):
    from clips import make_clip
    from repost.media.probe import probe_file

    section = CLI_PAGE.split("## `repost probe")[1].split("\n## ")[0]
    assert set(re.findall(r"--[a-z][a-z-]+", section)) == options_of(get_command(app).commands["probe"])
    found = probe_file(make_clip(tmp_path / "a.mp4", count=12, gop=5, audio="aac"))
    keys = set(found) | set(found["colour"]) | set(found["audio"]) | set(found["h264"]) | set(found["coding"])
    keys |= set(found["coding"]["qp"]) | set(found["coding"]["keyframe_gap_frames"]) | set(found["streams"][0])
    assert keys <= set(re.findall(r"`([a-z0-9_.]+)`", section))
