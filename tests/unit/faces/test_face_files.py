"""Faces of files, through the batch: what is written, what rows say, and what goes on when something is wrong."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from clips import make_clip
from face_pictures import astronaut, portrait, scene, write_faces
from repost import batch
from repost.faces import Box, DetectorChoice, FaceSettings, crop, extract, find_faces, overlap
from repost.faces.files import ExtractFaces, face_items
from repost.faces.sources import Clip, open_source
from repost.media.video.frames import decode_frames, upright_rgb8

pytest.importorskip("dlib")
EMPTY = np.full((256, 256, 3), 120, np.uint8)
BOX = [60, 60, 120, 120]


def drifting(count, *, without=()):
    """The portrait, drifting; a grey picture where there is to be no face."""
    for index in range(count):
        yield EMPTY if index in without else np.roll(portrait(), index, axis=1)


def boxes_for(tmp_path, **sources):
    """A detector that looks boxes up, for tests that are about files and not about faces."""
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps({"boxes": {name.replace("__", "."): frames for name, frames in sources.items()}}))
    return FaceSettings(detector=DetectorChoice("boxes", path))


def run(sources, out, cutting=None, **more):
    """Rows by source and frame, and how many were kept from an earlier run."""
    found = batch.list_inputs(sources, out)
    named = frozenset(entry.id for entry in found if entry.explicit)
    work = ExtractFaces(out, cutting or FaceSettings(), named=named, **more)
    work.check()
    items = face_items(found, work, batch.output_stems(entry.id for entry in found))
    *events, finished = batch.run(items, work, out=out)
    rows = [event.row.manifest_row() for event in events if isinstance(event, batch.RowFinished)]
    manifest = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    assert all(row in manifest for row in rows)
    return {(row["source"], row["frame"]): row for row in rows}, finished.summary.reused


def test_faces_of_a_video_and_of_an_image(tmp_path):
    clips = tmp_path / "in"
    clips.mkdir()
    write_faces(clips / "talk.mp4", drifting(21, without=[10]))
    Image.fromarray(astronaut()).save(clips / "photo.png")
    rows, _ = run([clips], tmp_path / "out", every=10)
    assert [(key, row["status"]) for key, row in sorted(rows.items())] == [
        (("photo.png", 0), "done"),
        (("talk.mp4", 0), "done"),
        (("talk.mp4", 10), "no_face"),
        (("talk.mp4", 20), "done"),
    ]
    row = rows["talk.mp4", 20]
    assert (row["output"], row["faces"], row["detector"], row["error"]) == ("talk_000020.png", 1, "dlib", None)
    frame = upright_rgb8([*decode_frames(clips / "talk.mp4")][20])
    assert [face.box for face in find_faces(frame)] == [Box(*row["box"])]
    written = np.asarray(Image.open(tmp_path / "out/talk_000020.png"))
    assert np.array_equal(written, crop(frame, row["box"]))
    left, top, side = row["crop"]
    assert np.array_equal(written, frame[top : top + side, left : left + side])
    empty = rows["talk.mp4", 10]
    assert (empty["faces"], empty["box"], empty["output"], empty["error"]) == (0, None, None, None)
    assert {path.name for path in (tmp_path / "out").iterdir() if path.suffix == ".png"} == {
        "photo_000000.png", "talk_000000.png", "talk_000020.png",
    }  # fmt: skip


def test_faces_of_a_turned_video_are_upright(tmp_path):
    """Stored lying on its side, with a matrix that turns it back."""
    write_faces(tmp_path / "a.mp4", [np.rot90(portrait(), -1)] * 3, rotation_deg=90)
    (found,) = extract(tmp_path / "a.mp4", every=50)
    (upright,) = find_faces(portrait())
    assert overlap(found.chosen.box, upright.box) > 0.7


def test_a_broken_clip_is_a_row_and_the_others_go_on(tmp_path):
    clips = tmp_path / "in"
    clips.mkdir()
    whole = write_faces(clips / "b.mp4", drifting(3)).read_bytes()
    (clips / "a.mp4").write_bytes(whole[:40] + b"\0" * 500)
    (clips / "c.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 100)
    (clips / "d.txt").write_text("no media")
    (clips / "e.mp4").write_bytes(b"")
    rows, _ = run([clips], tmp_path / "out", every=2)
    assert {key: row["status"] for key, row in rows.items()} == {
        ("a.mp4", 0): "failed",
        ("b.mp4", 0): "done",
        ("b.mp4", 2): "done",
        ("c.png", 0): "failed",
        ("d.txt", 0): "skipped",
        ("e.mp4", 0): "failed",
    }
    assert "a.mp4" in rows["a.mp4", 0]["error"]


def test_frames_before_a_cut_are_done_and_those_after_it_are_failed_rows(tmp_path):
    front = write_faces(tmp_path / "front.mp4", drifting(30), options={"g": "5", "bf": "0"}, index_first=True)
    front.write_bytes(front.read_bytes()[: front.stat().st_size * 6 // 10])
    given = {str(number): [BOX] for number in range(30)}
    rows, _ = run([front], tmp_path / "out", boxes_for(tmp_path, front__mp4=given), every=5)
    statuses = [rows["front.mp4", number]["status"] for number in range(0, 30, 5)]
    assert statuses[:2] == ["done", "done"]
    assert statuses[-1] == "failed"
    assert "cut off" in rows["front.mp4", 25]["error"]


def test_an_animation_is_refused(tmp_path):
    frames = [Image.fromarray(np.roll(portrait(), 40 * step, axis=1)) for step in range(2)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    rows, _ = run([tmp_path / "a.gif"], tmp_path / "out")
    assert rows["a.gif", 0]["status"] == "failed"
    assert "animated gif" in rows["a.gif", 0]["error"]


def test_several_faces_are_counted_and_one_is_cut_out(tmp_path):
    picture = scene((900, 500), (20, 20, 300), (450, 40, 420))
    Image.fromarray(picture).save(tmp_path / "two.png")
    largest, _ = run([tmp_path / "two.png"], tmp_path / "largest")
    assert largest["two.png", 0]["faces"] == 2
    assert largest["two.png", 0]["box"][0] > 450
    first, _ = run([tmp_path / "two.png"], tmp_path / "first", FaceSettings(policy="first"))
    assert first["two.png", 0]["box"] == list(find_faces(picture)[0].box)


def test_boxes_of_another_video_and_missing_frames_are_failed_rows(tmp_path):
    write_faces(tmp_path / "a.mp4", [EMPTY] * 5)
    write_faces(tmp_path / "b.mp4", [EMPTY] * 5)
    cutting = boxes_for(tmp_path, a__mp4={"0": [BOX], "2": [], "4": [[900, 900, 950, 950]]})
    rows, _ = run([tmp_path / "a.mp4", tmp_path / "b.mp4"], tmp_path / "out", cutting, every=2)
    assert [rows["a.mp4", number]["status"] for number in (0, 2, 4)] == ["done", "no_face", "failed"]
    assert "of another video" in rows["a.mp4", 4]["error"]
    assert all("does not name it; it has a.mp4" in rows["b.mp4", number]["error"] for number in (0, 2, 4))


def test_the_manifest_of_a_run_cuts_the_same_faces_out_of_another_rendition(tmp_path):
    for folder, crf in (("in", "18"), ("shared", "40")):
        (tmp_path / folder / "talks").mkdir(parents=True)
        write_faces(tmp_path / folder / "talks/a.mp4", drifting(5, without=[2]), options={"crf": crf})
    first, _ = run([tmp_path / "in"], tmp_path / "faces", every=1)
    assert [row["status"] for row in first.values()] == ["done", "done", "no_face", "done", "done"]
    same = FaceSettings(detector=DetectorChoice("boxes", tmp_path / "faces/manifest.jsonl"))
    again, _ = run([tmp_path / "shared"], tmp_path / "again", same, every=2)
    told = ("status", "box", "crop", "confidence")
    assert sorted(again) == [("talks/a.mp4", number) for number in (0, 2, 4)]
    for key, row in again.items():
        assert [row[name] for name in told] == [first[key][name] for name in told]
    one, two = (tmp_path / folder / "talks/a_000004.png" for folder in ("faces", "again"))
    assert one.read_bytes() != two.read_bytes()


def test_the_outputs_of_alike_names_do_not_meet(tmp_path):
    clips = tmp_path / "in"
    clips.mkdir()
    for name in ("a.mp4", "a.mkv"):
        write_faces(clips / name, [EMPTY] * 2)
    Image.fromarray(EMPTY).save(clips / "a_000000.png")
    Image.fromarray(EMPTY).save(clips / "a.png")
    frames = {"0": [BOX], "1": [BOX]}
    cutting = boxes_for(tmp_path, a__mp4=frames, a__mkv=frames, a_000000__png=frames, a__png=frames)
    rows, _ = run([clips], tmp_path / "out", cutting, every=1)
    outputs = [row["output"] for row in rows.values()]
    assert len(set(outputs)) == len(outputs) == 6
    assert {"a.mp4_000001.png", "a.mkv_000001.png", "a_000000_000000.png", "a.png_000000.png"} <= set(outputs)
    assert all((tmp_path / "out" / output).is_file() for output in outputs)


def test_what_is_done_is_kept_frame_by_frame(tmp_path):
    write_faces(tmp_path / "a.mp4", [EMPTY] * 9)
    cutting = boxes_for(tmp_path, a__mp4={str(number): [BOX] if number else [] for number in range(9)})
    out = tmp_path / "out"
    rows, reused = run([tmp_path / "a.mp4"], out, cutting, every=4)
    assert (len(rows), reused) == (3, 0)
    finer, reused = run([tmp_path / "a.mp4"], out, cutting, every=2)
    assert (len(finer), reused) == (5, 3)
    assert finer["a.mp4", 0]["status"] == "no_face"
    (out / "a_000004.png").unlink()
    assert run([tmp_path / "a.mp4"], out, cutting, every=2)[1] == 4
    assert run([tmp_path / "a.mp4"], out, replace(cutting, scale=1.5), every=2)[1] == 0


def test_an_interrupted_video_goes_on_where_it_was(tmp_path):
    write_faces(tmp_path / "a.mp4", [EMPTY] * 9)
    cutting = boxes_for(tmp_path, a__mp4={str(number): [BOX] for number in range(9)})
    found = batch.list_inputs([tmp_path / "a.mp4"], tmp_path / "out")
    work = ExtractFaces(tmp_path / "out", cutting, every=1)
    events = batch.run(face_items(found, work, {"a.mp4": "a"}), work, out=tmp_path / "out")
    assert sum(isinstance(next(events), batch.RowFinished) for _ in range(5)) == 4
    events.close()
    rows, reused = run([tmp_path / "a.mp4"], tmp_path / "out", cutting, every=1)
    assert (len(rows), reused) == (9, 4)
    uninterrupted, _ = run([tmp_path / "a.mp4"], tmp_path / "again", cutting, every=1)
    assert uninterrupted == rows


def test_tracking_is_the_same_when_only_some_frames_are_left_to_do(tmp_path):
    left, right = [10, 10, 59, 59], [150, 10, 229, 89]
    moved = [20, 10, 69, 59]
    write_faces(tmp_path / "a.mp4", [EMPTY] * 5)
    boxes = {"0": [left], "1": [right, moved], "2": [], "3": [right, moved], "4": [right]}
    cutting = replace(boxes_for(tmp_path, a__mp4=boxes), policy="track")
    out = tmp_path / "out"
    rows, _ = run([tmp_path / "a.mp4"], out, cutting, every=1)
    assert [rows["a.mp4", number]["box"] for number in range(5)] == [left, moved, None, moved, right]
    (out / "a_000003.png").unlink()
    again, reused = run([tmp_path / "a.mp4"], out, cutting, every=1)
    assert (again, reused) == (rows, 4)


def test_jpeg_is_written_at_the_quality_that_was_asked_for(tmp_path):
    Image.fromarray(astronaut()).save(tmp_path / "a.png")
    rows, _ = run([tmp_path / "a.png"], tmp_path / "out", format="jpg", quality=83)
    assert rows["a.png", 0]["output"] == "a_000000.jpg"
    expected = io.BytesIO()
    face = Image.fromarray(crop(astronaut(), rows["a.png", 0]["box"]))
    face.save(expected, "JPEG", quality=83)
    assert (tmp_path / "out/a_000000.jpg").read_bytes() == expected.getvalue()
    usual = io.BytesIO()
    face.save(usual, "JPEG", quality=95)
    run([tmp_path / "a.png"], tmp_path / "out", format="jpg")
    assert (tmp_path / "out/a_000000.jpg").read_bytes() == usual.getvalue()
    assert run([tmp_path / "a.png"], tmp_path / "out", format="jpg", quality=95)[1] == 1, "it is the default"


def test_the_picture_is_cut_out_aligned_where_points_are_given(tmp_path):
    points = [[80, 80], [100, 100], [85, 95], [75, 100], [90, 115]]  # eyes on a line of 45 degrees
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps({"boxes": {"a.png": {"0": [{"box": BOX, "points": points}]}}}))
    Image.fromarray(portrait()).save(tmp_path / "a.png")
    cutting = FaceSettings(detector=DetectorChoice("boxes", path), align=True)
    rows, _ = run([tmp_path / "a.png"], tmp_path / "out", cutting)
    assert rows["a.png", 0]["crop"] is None
    aligned = np.asarray(Image.open(tmp_path / "out/a_000000.png")).astype(float)
    plain = crop(portrait(), BOX).astype(float)
    assert aligned.shape == plain.shape
    assert np.abs(aligned - plain).mean() > 10


def test_a_packet_that_gives_no_frame_is_no_fault(tmp_path):
    """Some streams hide frames in packets of their own: the last numbers of such a clip are absent, not failed."""
    path = make_clip(tmp_path / "a.avi", codec="mpeg4", count=6)
    clip = open_source(path, name="a.avi", named=True)
    more = Clip(replace(clip.table, count=8))
    *frames, (sixth, one), (seventh, other) = more.pictures(range(8), threads=1)
    assert [number for number, _ in frames] == [0, 1, 2, 3, 4, 5]
    assert ((sixth, one.kind), (seventh, other.kind)) == ((6, "absent"), (7, "absent"))
