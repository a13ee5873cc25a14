"""Files and folders scanned: one answer for each, in listing order, whatever is wrong with them."""

import io
import json

import numpy as np
import pytest
from PIL import Image
from stamp_pictures import as_file, photo

from repost.core.errors import InputNotFound, UsageError
from repost.stamp.scan_files import FileScan, scan_files
from repost.stamp.still import StampSettings, stamp_still


@pytest.fixture(scope="session")
def stamped_png():
    return stamp_still(as_file(photo(), "PNG"), StampSettings(), name="a").data


@pytest.fixture
def folder(tmp_path, stamped_png):
    """A stamped photograph, one that is not, a broken one, one under a wrong name, and things that are no media."""
    root = tmp_path / "in"
    (root / "below").mkdir(parents=True)
    (root / "below" / "stamped.png").write_bytes(stamped_png)
    (root / "plain.jpg").write_bytes(as_file(photo(), "JPEG", quality=90))
    (root / "broken.jpg").write_bytes(as_file(photo(), "JPEG")[:3000])
    (root / "wrong.gif").write_bytes(stamped_png)
    (root / "notes.txt").write_text("hello")
    (root / ".hidden.png").write_bytes(stamped_png)
    return root


def by_name(scans):
    return {one.file.rpartition("/")[2]: one for one in scans if one is not None}


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_folder_gives_one_answer_for_each_file_in_listing_order(folder, jobs):
    scans = list(scan_files([folder], jobs=jobs))
    expected = [str(folder / name) for name in ("below/stamped.png", "broken.jpg", "plain.jpg", "wrong.gif")]
    assert [one.file for one in scans if one is not None] == expected
    assert scans.count(None) == 1  # the text file, which claims to be nothing else
    found = by_name(scans)
    assert found["stamped.png"].stamped is found["wrong.gif"].stamped is True
    assert found["stamped.png"].p_value < 1e-3
    assert found["plain.jpg"].stamped is not True
    broken = found["broken.jpg"]
    assert (broken.stamped, broken.score, broken.p_value, broken.frames) == (None,) * 4
    assert "broken.jpg" in broken.error
    assert len({one.model for one in found.values()}) == 1


def test_answers_do_not_depend_on_the_number_of_workers(folder):
    assert list(scan_files([folder], jobs=1)) == list(scan_files([folder], jobs=3))


def test_answers_come_while_later_files_wait(folder):
    scans = scan_files([folder])
    first = next(scans)
    assert first.file.endswith("stamped.png")
    scans.close()


def test_files_named_themselves_come_in_the_order_they_were_named(folder):
    named = [folder / "plain.jpg", folder / "below" / "stamped.png"]
    assert [one.file for one in scan_files(named)] == [str(path) for path in named]
    mixed = [folder / "plain.jpg", folder / "below"]
    assert [one.file for one in scan_files(mixed)] == [str(path) for path in named]


def test_a_text_file_that_was_named_itself_is_an_error(folder):
    (one,) = scan_files([folder / "notes.txt"])
    assert "expected an image or a video" in one.error


def test_what_is_missing_or_empty_is_said_at_once(tmp_path):
    with pytest.raises(InputNotFound):
        list(scan_files([tmp_path / "nothing.png"]))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no file"):
        list(scan_files([tmp_path / "empty"]))


def test_a_row_says_frames_of_videos_alone_and_errors_of_what_failed_alone():
    still = FileScan(file="a", stamped=None, score=1.0, p_value=0.1, model="m-1")
    assert still.to_row() == {"file": "a", "stamped": None, "score": 1.0, "p_value": 0.1, "model": "m-1"}
    video = FileScan(file="a", stamped=True, score=9.0, p_value=1e-9, model="m-1", frames=64)
    assert video.to_row()["frames"] == 64
    failed = FileScan(file="a", stamped=None, score=None, p_value=None, model="m-1", error="cut off")
    assert json.loads(json.dumps(failed.to_row()))["error"] == "cut off"
    assert "frames" not in failed.to_row()


def test_a_limit_on_pixels_holds(folder):
    (one,) = scan_files([folder / "plain.jpg"], max_pixels=1000)
    assert "76,800 pixels" in one.error


def test_a_16_bit_or_grey_copy_is_scanned(folder, stamped_png):
    grey = Image.open(io.BytesIO(stamped_png)).convert("L")
    grey.save(folder / "grey.png")
    Image.fromarray(np.asarray(grey).astype(np.uint16) * 257).save(folder / "deep.png")
    grey_scan, deep_scan = scan_files([folder / "grey.png", folder / "deep.png"])
    assert grey_scan.stamped is True
    assert (deep_scan.stamped, deep_scan.p_value) == (True, grey_scan.p_value)
