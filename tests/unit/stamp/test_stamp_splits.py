"""Parts of an evaluation share no photograph."""

import random
import shutil

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut, chelsea, coffee

from repost.core.errors import InputNotFound, UsageError
from repost.stamp.evaluation.splits import Plan, Selection, load_plan, make_split, plan_of_folders


@pytest.fixture
def folders(tmp_path, make_photos):
    for number, name in enumerate(("positives", "negatives", "calibration")):
        make_photos(name, 5, seed=number)
    return {name: [tmp_path / name] for name in ("positives", "negatives", "calibration")}


def split_of(folders, root, **settings):
    return make_split(plan_of_folders(folders), root, **settings)


def test_nothing_is_dropped_where_all_are_different(folders, tmp_path):
    split = split_of(folders, tmp_path)
    assert split.counts() == {"training": 0, "positives": 5, "negatives": 5, "calibration": 5}
    assert split.dropped == ()


def test_a_copy_of_a_file_in_another_part_is_found(folders, tmp_path):
    shutil.copy(tmp_path / "positives/001.png", tmp_path / "calibration/x.png")
    split = split_of(folders, tmp_path)
    [dropped] = split.dropped
    assert (dropped.part, dropped.photo, dropped.reason) == ("calibration", "calibration/x.png", "same file")
    assert dropped.of == "positives/positives/001.png"
    assert split.dropped_counts() == {"calibration: same file": 1}


def test_the_same_pixels_in_another_file_are_found_within_a_part_too(folders, tmp_path):
    Image.open(tmp_path / "negatives/002.png").save(tmp_path / "negatives/y.png", compress_level=0)
    [dropped] = split_of(folders, tmp_path).dropped
    assert (dropped.part, dropped.reason) == ("negatives", "same pixels")


@pytest.mark.parametrize("picture", [astronaut, chelsea, coffee])
def test_a_small_and_strongly_compressed_copy_in_another_part_is_found(folders, tmp_path, picture):
    image = Image.fromarray(picture())
    image.save(tmp_path / "calibration/large.png")
    image.resize((image.width // 3, image.height // 3)).save(tmp_path / "negatives/small.jpg", quality=30)
    [dropped] = split_of(folders, tmp_path).dropped
    assert (dropped.part, dropped.photo, dropped.reason) == ("calibration", "calibration/large.png", "near duplicate")


def test_what_was_trained_on_is_tested_on_nowhere(folders, tmp_path):
    (tmp_path / "training").mkdir()
    shutil.copy(tmp_path / "positives/001.png", tmp_path / "training/t.png")
    split = split_of({"training": [tmp_path / "training"], **folders}, tmp_path)
    assert [(one.part, one.photo) for one in split.dropped] == [("positives", "positives/001.png")]


def test_a_damaged_file_is_left_out_and_named(folders, tmp_path):
    (tmp_path / "positives/bad.png").write_bytes(b"\x89PNG\r\n\x1a\n no")
    [dropped] = split_of(folders, tmp_path).dropped
    assert (dropped.photo, dropped.reason) == ("positives/bad.png", "unreadable")


def test_convention_a_selection_is_sorted_then_shuffled_then_cut(tmp_path, make_photos):
    make_photos("all", 9, seed=0)
    names = [f"all/{number:03}.png" for number in range(9)]
    random.Random(7).shuffle(names)
    first, rest = (Selection(folder="all", shuffle=7, **cut) for cut in ({"stop": 4}, {"start": 4}))
    split = make_split(Plan(calibration=(first,), positives=(rest,)), tmp_path)
    assert [photo.id for photo in split.parts["calibration"]] == names[:4]
    assert [photo.id for photo in split.parts["positives"]] == names[4:]


def test_a_limit_spreads_over_the_part(folders, tmp_path):
    split = split_of(folders, tmp_path, limit=2)
    assert [photo.id for photo in split.parts["negatives"]] == ["negatives/000.png", "negatives/002.png"]


def test_a_plan_is_read_and_a_wrong_one_refused(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text('schema_version = 1\n[[positives]]\nfolder = "a"\nstart = 3\n')
    assert load_plan(path) == Plan(positives=(Selection(folder="a", start=3),))
    path.write_text('[[positive]]\nfolder = "a"\n')
    with pytest.raises(UsageError, match="expected a plan"):
        load_plan(path)
    with pytest.raises(InputNotFound):
        load_plan(tmp_path / "none.toml")
    with pytest.raises(InputNotFound):
        make_split(Plan(positives=(Selection(folder="a"),)), tmp_path)


def test_a_file_and_an_empty_selection_are_refused_in_plain_words(folders, tmp_path):
    with pytest.raises(UsageError, match=r"got the file '.*001\.png', expected a folder"):
        make_split(plan_of_folders({"positives": [tmp_path / "positives/001.png"]}), tmp_path)
    with pytest.raises(UsageError, match=r"got none of the 5 photographs in '.*positives'"):
        make_split(Plan(positives=(Selection(folder="positives", start=9),)), tmp_path)


def test_a_flat_picture_is_no_copy_of_another(folders, tmp_path):
    for folder, level in (("positives", 0), ("calibration", 255)):
        Image.fromarray(np.full((40, 50, 3), level, np.uint8)).save(tmp_path / folder / "flat.png")
    assert split_of(folders, tmp_path).dropped == ()
