"""`repost estimate investigate`: tables, figure, names of networks, exit codes."""

import csv
import json

import pytest
import skimage.data
from PIL import Image

from jpeg_samples import save

pytest.importorskip("matplotlib")
QUALITIES = {"alpha": [60, 60, 90], "beta": [71, 71, 71]}


@pytest.fixture
def folder(tmp_path):
    """uploads/, and what two networks made of them."""
    (tmp_path / "uploads").mkdir()
    for index in range(3):
        picture = Image.fromarray(skimage.data.coffee()).crop((0, 0, 160 + 20 * index, 120))
        picture.save(tmp_path / "uploads" / f"{index}.png")
        for name, qualities in QUALITIES.items():
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / f"{index}.jpg").write_bytes(save(picture, quality=qualities[index]))
    return tmp_path


@pytest.fixture
def investigate(cli, folder):
    """Call it with its usual arguments."""

    def call(*arguments, originals=True):
        given = ("--originals", folder / "uploads") if originals else ()
        return cli("estimate", "investigate", *given, "-o", folder / "out", "--jobs", 1, *arguments)

    return call


def test_two_networks_side_by_side(investigate, folder):
    code, out, err = investigate("--shared", f"beta={folder}/beta", "--shared", f"alpha={folder}/alpha", "--json")
    assert code == 0
    row = json.loads(out)
    assert set(row) == {"qualities", "changes", "size_rules"}
    shares = {(one["platform"], one["quality"]): one["count"] for one in row["qualities"]}
    assert shares == {("alpha", 60): 2, ("alpha", 90): 1, ("beta", 71): 3}
    files = {path.name for path in (folder / "out").iterdir()}
    assert files == {"qualities.csv", "changes.csv", "size_rules.csv", "figure.svg", "figure.png"}
    assert all(name in err for name in files)
    with (folder / "out" / "changes.csv").open() as file:
        changes = list(csv.DictReader(file))
    assert [(one["platform"], one["long_side_px"]) for one in changes[:3]] == [
        ("alpha", "160"), ("alpha", "180"), ("alpha", "200"),
    ]  # fmt: skip
    with Image.open(folder / "out" / "figure.png") as image:
        assert image.width > image.height > 300


def test_text_says_the_size_rules(investigate, folder):
    code, out, _ = investigate("--shared", f"alpha={folder}/alpha")
    assert code == 0
    assert "any: size kept (0 of 3 resized)" in out


def test_a_refused_pair_is_named_with_its_network(investigate, folder):
    (folder / "beta" / "1.jpg").write_bytes(b"")
    code, out, err = investigate("--shared", f"alpha={folder}/alpha", "--shared", f"beta={folder}/beta", "--json")
    assert code == 4
    (failed,) = [line for line in err.splitlines() if line.startswith("failed: ")]
    assert "beta" in failed
    assert sum(one["count"] for one in json.loads(out)["qualities"]) == 5


def test_nothing_usable(investigate, folder):
    (folder / "empty").mkdir()
    code, out, _ = investigate("--shared", f"empty={folder}/empty")
    assert (code, out) == (4, "")
    assert not (folder / "out").exists()


@pytest.mark.parametrize("text", ["alpha", "=alpha", "alpha=", "="])
def test_a_network_needs_a_name_and_a_folder(investigate, text):
    code, _, err = investigate("--shared", text)
    assert code == 2
    assert "NAME=FOLDER" in err


@pytest.mark.parametrize("name", ["a\x1b[31m", "a\nb", "_hidden", "a$\\frac$", "Net Work"])
def test_names_are_those_that_profiles_have(investigate, folder, name):
    """Control characters would spoil the terminal and the SVG, dollar signs the figure's text."""
    code, _, err = investigate("--shared", f"{name}={folder}/alpha")
    assert code == 2
    assert "small letters" in err
    assert "\x1b" not in err


def test_one_name_twice(investigate, folder):
    code, _, err = investigate("--shared", f"alpha={folder}/alpha", "--shared", f"alpha={folder}/beta")
    assert code == 2
    assert "same name twice" in err


def test_what_is_missing_is_said(investigate, folder):
    assert investigate()[0] == 2
    assert investigate("--shared", f"alpha={folder}/alpha", originals=False)[0] == 2
    code, _, err = investigate("--shared", f"alpha={folder}/none")
    assert (code, "none" in err) == (2, True)
    code, _, err = investigate("--pairs", f"alpha={folder}/none", originals=False)
    assert (code, "none" in err) == (2, True)


def test_a_file_in_place_of_the_folder_is_named(investigate, folder):
    (folder / "out").write_text("mine")
    code, _, err = investigate("--shared", f"alpha={folder}/alpha")
    assert code == 2
    assert "expected a folder" in err
    assert (folder / "out").read_text() == "mine"
