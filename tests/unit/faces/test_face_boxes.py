"""Files of boxes: what is taken, and what is told of what is not."""

import json

import numpy as np
import pytest

from repost.core.errors import BoxesNotFound, InputNotFound, InvalidBox, InvalidBoxes
from repost.faces import Box, Face
from repost.faces.boxes import GivenBoxes

PICTURE = np.zeros((100, 200, 3), np.uint8)


@pytest.fixture
def write(tmp_path):
    def call(content) -> GivenBoxes:
        path = tmp_path / "boxes.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return GivenBoxes(path)

    return call


def test_boxes_are_looked_up_by_source_and_frame(write):
    given = write(
        {
            "schema_version": 1,
            "boxes": {"a/x.mp4": {"0": [[1, 2, 30, 40]], "50": [], "100": [[5, 5, 9, 9], [0, 0, 99, 99]]}},
        }
    )
    assert [face.box for face in given.find(PICTURE, source="a/x.mp4", frame=0)] == [Box(1, 2, 30, 40)]
    assert given.find(PICTURE, source="a/x.mp4", frame=50) == []
    assert [face.box.left for face in given.find(PICTURE, source="a/x.mp4", frame=100)] == [5, 0]
    assert not given.gives_points


def test_another_video_is_told_with_the_nearest_name(write):
    given = write({"boxes": {"clip_1.mp4": {"0": []}}})
    with pytest.raises(BoxesNotFound, match=r"clip_2.mp4: .* does not name it; it has clip_1.mp4"):
        given.find(PICTURE, source="clip_2.mp4")
    with pytest.raises(BoxesNotFound, match="no entry for frame 7; an empty list"):
        given.find(PICTURE, source="clip_1.mp4", frame=7)


def test_boxes_of_another_size_are_told(write):
    given = write({"boxes": {"x": {"0": [[900, 500, 1000, 600]]}}})
    with pytest.raises(InvalidBox, match="of another video, or of another size"):
        given.find(PICTURE, source="x")


def lines(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


ROW = {"source": "a.mp4", "frame": 0, "status": "done", "box": [1, 2, 30, 40], "confidence": 0.5, "detector": "dlib"}


def test_a_manifest_of_an_earlier_run_is_a_file_of_boxes(write):
    nothing = ROW | {"box": None, "confidence": None}
    empty, failed = nothing | {"frame": 50, "status": "no_face"}, nothing | {"frame": 100, "status": "failed"}
    given = write(lines(ROW, empty, failed, ROW | {"source": "odd\udcff.png"}))
    assert given.find(PICTURE, source="a.mp4", frame=0) == [Face(Box(1, 2, 30, 40), 0.5)]
    assert given.find(PICTURE, source="a.mp4", frame=50) == []
    assert len(given.find(PICTURE, source="odd\udcff.png")) == 1
    with pytest.raises(BoxesNotFound, match="no entry for frame 100"):
        given.find(PICTURE, source="a.mp4", frame=100)
    assert not given.gives_points


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((200, 100), Box(1, 2, 30, 40)),
        ((400, 200), Box(0, 1, 15, 19)),  # edges at 1/2 and 15 1/2 across, 1 and 20 1/2 down; halves go to even
        ((100, 50), Box(2, 4, 61, 81)),
        ((201, 100), Box(1, 2, 30, 40)),  # such as encoders make
    ],
)
def test_convention_boxes_of_another_size_are_scaled(write, size, box):
    given = write(lines(ROW | {"size_px": size}))
    assert [face.box for face in given.find(PICTURE, source="a.mp4")] == [box]


def test_points_are_scaled_with_their_box(write):
    points = [[2, 4], [6, 4], [4, 8], [3, 10], [5, 10]]
    given = write({"boxes": {"x": {"0": [{"box": [0, 2, 9, 11], "points": points, "size_px": [100, 50]}]}}})
    (face,) = given.find(PICTURE, source="x")
    assert face == Face(Box(0, 4, 19, 23), 1.0, tuple((2 * x, 2 * y) for x, y in points))


def test_boxes_of_a_picture_of_another_shape_are_told(write):
    given = write(lines(ROW | {"size_px": [100, 200]}))
    with pytest.raises(InvalidBox) as caught:
        given.find(PICTURE, source="a.mp4")
    assert str(caught.value) == (
        "got the face box [1, 2, 30, 40] of a picture of 100x200, expected one of a picture of the shape of 200x100; "
        "was one of them cropped or turned, or are the boxes of another video?"
    )


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (lines(ROW, {"source": "a.jpg", "platform": "facebook", "status": "done"}), "line 2: frame"),
        (lines(ROW | {"box": None}), "line 1: box"),
        (lines(ROW | {"box": [9, 2, 3, 4]}), "line 1: "),
        (lines(ROW | {"confidence": float("nan")}), "line 1: confidence"),
        (lines(ROW | {"size_px": [0, 9]}), "line 1: size_px.0"),
        (lines(ROW | {"source": 7}), "line 1: source"),
        (lines(ROW | {"status": "planned"}), "line 1: status"),
        (lines(ROW, ROW), "line 2"),
        (lines(ROW, [1]), "line 2: "),
        (lines(ROW) + "[" * 100_000, "line 2"),
        (lines(ROW)[:-9], "(file)"),
        (lines(ROW, ROW | {"frame": 1})[:-9], "line 2"),
        (lines({"file": "a.mp4", "frame": 0}, {"file": "a.mp4", "frame": 1}), "(file)"),
    ],
)
def test_what_is_no_such_manifest_is_told_with_its_line(write, content, place):
    with pytest.raises(InvalidBoxes) as caught:
        write(content)
    assert [found or "(file)" for found, _ in caught.value.problems] == [place]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("{", "(file)"),
        ("[" * 100_000, "(file)"),
        ("[]", "(file)"),
        ({}, "boxes"),
        ({"boxes": {"x": {"0": [[1, 2, 3]]}}}, "boxes.x.0.0.box"),
        ({"boxes": {"x": {"0": [[1, 2, 3, "4px"]]}}}, "boxes.x.0.0.box.3"),
        ({"boxes": {"x": {"0": [[9, 2, 3, 4]]}}}, "boxes.x.0.0"),
        ({"boxes": {"x": {"first": []}}}, "boxes.x.first"),
        ({"boxes": {"x": {"-1": []}}}, "boxes.x.-1"),
        ({"boxes": {"x": {"0": [{"box": [1, 2, 3, 4], "points": [[1, 2]]}]}}}, "boxes.x.0.0.points"),
        ({"boxes": {"x": {"0": [{"box": [1, 2, 3, 4], "score": 1}]}}}, "boxes.x.0.0.score"),
        ({"boxes": {"x": {"0": [[1, 2, 3, 10**9]]}}}, "boxes.x.0.0.box.3"),
        ({"boxes": {}, "schema_version": 2}, "schema_version"),
    ],
)
def test_malformed_files_name_the_place(write, content, place):
    with pytest.raises(InvalidBoxes) as caught:
        write(content)
    assert any(place in (found or "(file)") for found, _ in caught.value.problems)
    assert "docs/faces.md" in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputNotFound):
        GivenBoxes(tmp_path / "none.json")
