"""`repost train stamp`: what it refuses, and that its model works."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")


def photographs(folder, count, *, seed):
    folder.mkdir()
    noise = np.random.default_rng(seed)
    for number in range(count):
        coarse = Image.fromarray(noise.integers(0, 256, (8, 9, 3), dtype=np.uint8))
        coarse.resize((216, 200), Image.Resampling.BICUBIC).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def photos(tmp_path):
    return photographs(tmp_path / "photos", 3, seed=0)


@pytest.fixture
def others(tmp_path):
    return photographs(tmp_path / "others", 2, seed=1)


def test_a_training_writes_a_model_that_loads_and_the_same_command_returns_at_once(cli, tmp_path, photos, others):
    from repost.stamp import load_model

    command = ("train", "stamp", "--photos", photos, "--validation", others, "-o", tmp_path / "out")
    command += ("--steps", 1, "--batch-size", 2, "--crop-px", 192, "--precision", "32", "--device", "cpu", "--json")
    first, again = cli(*command), cli(*command)
    assert (first.code, again.code) == (0, 0), first.err + again.err
    assert json.loads(first.out) == json.loads(again.out)
    assert "step 1:" in first.err
    assert "step 1:" not in again.err
    model = load_model(tmp_path / "out" / "model")
    assert model.version == "rs_aug-1"
    assert (model.facts.stamped_score, model.facts.uncertain_score) == (3, 2)
    assert model.facts.training["recipe"]["train_photos"] == 3


def test_no_photograph_serves_two_ends(cli, tmp_path, photos, others):
    shutil.copy(photos / "1.png", others / "copy.png")
    for option in ("--validation", "--calibration"):
        rest = () if option == "--validation" else ("--validation", photographs(tmp_path / "third", 1, seed=2))
        said = cli("train", "stamp", "--photos", photos, option, others, *rest, "-o", tmp_path / "out")
        assert said.code == 2
        assert f"copy.png' for {option}, the same file as" in said.err
    assert not (tmp_path / "out").exists()


def test_an_unknown_recipe_and_folders_without_photographs_are_refused(cli, tmp_path, photos):
    out = tmp_path / "out"
    assert "expected baseline, rs, rs_aug" in cli("train", "stamp", "--photos", photos, "-o", out, "--recipe", "x").err
    (tmp_path / "empty").mkdir()
    said = cli("train", "stamp", "--photos", tmp_path / "empty", "-o", out)
    assert (said.code, "got no photographs in" in said.err) == (2, True)
    said = cli("train", "stamp", "--photos", photos / "0.png", "-o", out)
    assert (said.code, "give more, or --validation" in said.err) == (2, True)
