"""Every registered detector finds a face that dlib itself finds; the fast path finds what dlib finds on the whole."""

import json
from pathlib import Path

import numpy as np
import pytest

from face_pictures import FACE, astronaut, portrait, scene
from repost.core.errors import FinderNotFound, InputNotFound, InvalidPixels, InvalidWeights, UsageError
from repost.faces import DETECTORS, Box, DetectorChoice, FaceSettings, find_faces, load_detector, overlap
from repost.faces.registry import check_points

pytest.importorskip("dlib")
NO_FACE = np.random.default_rng(2).integers(90, 120, (240, 320, 3), np.uint8)


@pytest.fixture
def boxes(tmp_path):
    path = tmp_path / "boxes.json"
    points = [[200, 100], [240, 100], [220, 120], [205, 135], [235, 135]]
    path.write_text(json.dumps({"boxes": {"": {"0": [{"box": FACE, "confidence": 0.5, "points": points}]}}}))
    return path


FINDS = {
    "dlib": lambda files: {},
    "dlib-full": lambda files: {},
    "mtcnn": lambda files: {},
    "yunet": lambda files: {"file": files["yunet"]},
    "boxes": lambda files: {"file": files["boxes"]},
}
GIVE_POINTS = {"mtcnn", "yunet", "boxes"}


def test_every_detector_is_in_the_contract():
    assert set(FINDS) == set(DETECTORS)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.shared) if name == "yunet" else name for name in FINDS]
)
def test_contract_the_face_is_found(name, boxes, request):
    files = {"boxes": boxes}
    if name == "yunet":
        files["yunet"] = request.getfixturevalue("shared_data") / "weights/yunet/yunet_n_dynamic.onnx"
    settings = FINDS[name](files)
    found = find_faces(astronaut(), name, **settings)
    assert len(found) == 1
    assert overlap(found[0].box, Box(*FACE)) > 0.5
    assert found[0].confidence > 0
    detector = load_detector(DetectorChoice(name, **settings))
    assert detector.gives_points == (found[0].points is not None) == (name in GIVE_POINTS)
    assert name in detector.identity()
    if found[0].points is not None:
        (left_eye, right_eye, nose, mouth_left, mouth_right) = found[0].points
        assert left_eye[0] < nose[0] < right_eye[0]
        assert mouth_left[0] < mouth_right[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(mouth_left[1], mouth_right[1])
    if name != "boxes":
        assert find_faces(NO_FACE, name, **settings) == []


@pytest.mark.parametrize("head_px", [900, 260, 96])
def test_the_fast_path_finds_a_face_of_any_size_that_dlib_finds_in_1080p(head_px):
    """Faces of 450 px down to 48 px: the first copy shows the largest, the last one the smallest."""
    picture = scene((1920, 1080), (520, 90, head_px))
    (theirs,), (ours,) = find_faces(picture, "dlib-full"), find_faces(picture, "dlib")
    assert overlap(theirs.box, ours.box) >= 0.7


@pytest.mark.parametrize("place", [(-40, 70, 330), (1000, 460, 320), (470, -20, 330)])
def test_a_face_at_the_border_is_found_as_dlib_finds_it(place):
    picture = scene((1280, 720), place)
    theirs, ours = find_faces(picture, "dlib-full"), find_faces(picture, "dlib")
    assert len(ours) >= len(theirs)
    assert all(max(overlap(one.box, other.box) for other in ours) >= 0.7 for one in theirs)


def test_several_faces_are_all_given_the_surest_first():
    found = find_faces(scene((1280, 720), (60, 60, 460), (660, 130, 370)), "dlib")
    assert len(found) == 2
    assert found[0].confidence >= found[1].confidence


def test_convention_copies_are_levels_of_the_pyramid_of_dlib():
    detector = load_detector(DetectorChoice("dlib"))
    for long_side_px in (200, 640, 1280, 1920, 3840, 12000):
        factors = detector.factors(long_side_px)
        assert factors == sorted(factors)
        assert long_side_px * factors[-1] <= 3840
        assert len(factors) == 1 or long_side_px * factors[0] <= 760
        levels = np.log(np.array(factors) / 2) / np.log(5 / 6)
        assert np.allclose(levels, levels.round())
    assert detector.factors(200) == [2.0]
    assert len(detector.factors(1920)) == 3
    assert load_detector(DetectorChoice("dlib", upsample=0)).factors(1920)[-1] == 1.0


def test_upsampling_is_what_finds_small_faces():
    picture = scene((640, 480), (200, 100, 100))
    assert len(find_faces(picture, "dlib-full")) == 1
    assert find_faces(picture, "dlib-full", upsample=0) == []
    assert find_faces(picture, "dlib", upsample=0) == []


def test_a_tiny_face_and_a_tiny_picture_are_no_fault():
    assert find_faces(scene((640, 480), (300, 300, 24)), "dlib") == []
    for name in ("dlib", "dlib-full", "mtcnn"):
        assert find_faces(np.full((1, 1, 3), 9, np.uint8), name) == []
        assert find_faces(np.full((3, 500, 3), 9, np.uint8), name) == []


def test_names_that_are_no_detector_are_told_the_nearest():
    with pytest.raises(FinderNotFound, match="did you mean 'mtcnn'"):
        find_faces(portrait(), "mtcn")
    with pytest.raises(InvalidPixels):
        find_faces(portrait()[..., 0])


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (DetectorChoice("yunet"), "needs its file"),
        (DetectorChoice("boxes"), "needs its file"),
        (DetectorChoice("dlib", Path("a.onnx")), "takes none"),
        (DetectorChoice("mtcnn", upsample=1), "only dlib"),
        (DetectorChoice("dlib", upsample=4), "expected 0 to 3"),
        (DetectorChoice("dlib", upsample=-1), "expected 0 to 3"),
    ],
)
def test_settings_of_another_detector_are_refused(choice, said):
    with pytest.raises(UsageError, match=said):
        load_detector(choice)


def test_a_file_that_is_no_network_is_refused(tmp_path):
    path = tmp_path / "face.onnx"
    path.write_bytes(b"not a network" * 40)
    with pytest.raises(InvalidWeights, match="expected the ONNX of YuNet") as caught:
        load_detector(DetectorChoice("yunet", path))
    assert "OpenCV(" not in str(caught.value)
    with pytest.raises(InputNotFound):
        load_detector(DetectorChoice("yunet", tmp_path / "none.onnx"))


def test_aligning_needs_a_detector_that_gives_points():
    with pytest.raises(UsageError, match="those that do are mtcnn, yunet"):
        check_points(load_detector(DetectorChoice("dlib")), "dlib")
    FaceSettings(detector=DetectorChoice("mtcnn"), align=True).load()


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"policy": "biggest"}, "largest, first, track"), ({"scale": 0.0}, "scale"), ({"least_px": -1}, "px")],
)
def test_settings_out_of_range_are_refused(settings, said):
    with pytest.raises(UsageError, match=said):
        FaceSettings(**settings).load()
