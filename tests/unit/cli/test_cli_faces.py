"""`repost faces` as a person calls it."""

import json

import numpy as np
import pytest
from PIL import Image

from face_pictures import astronaut, portrait, write_faces

pytest.importorskip("dlib")


@pytest.fixture
def clip(tmp_path):
    empty = np.full((256, 256, 3), 120, np.uint8)
    return write_faces(tmp_path / "talk.mp4", [portrait(), empty, portrait()])


def test_rows_are_printed_as_json(cli, clip, tmp_path):
    said = cli("faces", clip, "-o", tmp_path / "out", "--every", 1, "--json", "-j", 1)
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert said.code == 0
    assert [row["frame"] for row in rows] == [0, 1, 2]
    assert [row["status"] for row in rows] == ["done", "no_face", "done"]
    assert all(
        set(row) == {"source", "frame", "box", "crop", "output", "status", "error", "confidence", "detector", "faces",
                     "size_px"}
        for row in rows
    )  # fmt: skip
    assert all(row["size_px"] == [256, 256] for row in rows)
    assert rows[1]["box"] is rows[1]["output"] is None
    assert "no face in 1 frame" in said.err


def test_a_table_of_the_files(cli, clip, tmp_path):
    said = cli("faces", clip, "-o", tmp_path / "out", "--every", 1)
    assert said.code == 0
    head, row = said.out.splitlines()
    assert head.split() == ["file", "frames", "faces", "no", "face", "several", "failed"]
    assert row.split() == ["talk.mp4", "3", "2", "1", "–", "–"]


def test_no_face_anywhere_is_an_honest_negative(cli, tmp_path):
    Image.new("RGB", (64, 64), "grey").save(tmp_path / "a.png")
    said = cli("faces", tmp_path / "a.png", "-o", tmp_path / "out")
    assert said.code == 1
    assert "no face in any of these" in said.err


def test_what_cannot_be_read_is_named_and_the_rest_is_done(cli, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    Image.fromarray(astronaut()).save(folder / "good.png")
    (folder / "bad.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + b"\0" * 99)
    said = cli("faces", folder, "-o", tmp_path / "out", "-j", 1)
    assert said.code == 4
    assert "failed: bad.mp4" in said.err
    assert (tmp_path / "out/good_000000.png").is_file()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--every", 0], "got every 0 frames, expected 1 or more"),
        (["--detector", "dlibb"], "did you mean 'dlib'"),
        (["--policy", "best"], "expected largest, first, track"),
        (["--align"], "those that do are mtcnn, yunet"),
        (["--detector", "boxes"], "--detector-file"),
        (["--format", "gif"], "png or jpg"),
        (["--quality", 0], "1 to 100"),
        (["--quality", 90], "got the quality 90 for PNG, expected none; add --format jpg"),
        (["--scale", "nan"], "scale"),
    ],
)
def test_a_wrong_call_does_nothing(cli, clip, tmp_path, options, said):
    done = cli("faces", clip, "-o", tmp_path / "out", *options)
    assert done.code == 2
    assert said in done.err
    assert not (tmp_path / "out").exists()


def test_several_workers_give_the_same_manifest(cli, clip, tmp_path):
    write_faces(tmp_path / "other.mp4", [portrait()] * 2)
    sources = (clip, tmp_path / "other.mp4")
    for jobs in (1, 2):
        assert cli("faces", *sources, "-o", tmp_path / f"out{jobs}", "--every", 1, "-j", jobs).code == 0
    one, two = ((tmp_path / f"out{jobs}/manifest.jsonl").read_bytes() for jobs in (1, 2))
    assert one == two
