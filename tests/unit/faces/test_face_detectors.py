"""Every registered detector finds a face that dlib itself finds; the fast path finds what dlib finds on the whole."""

import json
from pathlib import Path

import numpy as np
import pytest

from face_pictures import FACE, astronaut, portrait, scene
from repost.core.errors import FinderNotFound, InputNotFound, InvalidPixels, InvalidWeights, UsageError
from repost.faces import (
    DETECTORS,
    Box,
    DetectorChoice,
    Face,
    FaceSettings,
    dlib_hog,
    find_faces,
    load_detector,
    overlap,
)
from repost.faces.mtcnn import Mtcnn
from repost.faces.planes import resized
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


@pytest.mark.parametrize("head_px", [900, 330, 260, 150, 96, 78])
@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (3840, 2160)])
def test_the_fast_path_finds_a_face_of_any_size_that_dlib_finds_in_1080p(size, head_px):
    """Faces of 450 px down to 39 px: the whole copy shows the largest, MTCNN where the others are."""
    larger = max(size) // 1920
    picture = scene(size, (520 * larger, 90 * larger, head_px * larger))
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


def _names_places(monkeypatch, *places):
    """Let MTCNN name places (left, top, right and bottom), given in pixels of 1080p, and note the copies it sees."""
    seen = []

    def find(network, pixels):
        seen.append(pixels.shape)
        return [Face(Box(*(edge // 2 for edge in place)), 0.9) for place in places]

    monkeypatch.setattr(Mtcnn, "find", find)
    return seen


def test_a_place_is_no_face_and_a_face_at_two_places_is_one(monkeypatch):
    face = Box(529, 239, 591, 301)
    seen = _names_places(monkeypatch, face, (520, 220, 606, 306), (1500, 800, 1600, 900), (1900, 1060, 1918, 1078))
    (found,) = find_faces(scene((1920, 1080), (500, 200, 120)), "dlib")
    assert overlap(found.box, face) >= 0.7
    assert find_faces(np.full((1080, 1920, 3), 110, np.uint8), "dlib") == []
    assert seen == [(540, 960, 3)] * 2


@pytest.mark.parametrize(
    "place",
    [(0, 300, 0, 400), (700, 0, 900, 0), (1919, 1079, 1919, 1079), (2400, 200, 2500, 300), (-400, -400, -300, -300)],
)
def test_a_place_without_a_side_or_outside_of_the_picture_is_no_face(place, monkeypatch):
    _names_places(monkeypatch, place)
    assert find_faces(np.full((1080, 1920, 3), 110, np.uint8), "dlib") == []


@pytest.mark.parametrize("upsample", [0, 1])
def test_dlib_is_given_planes_that_lie_in_one_piece(upsample, monkeypatch):
    """Of others dlib 20's binding makes a copy, frees it, and reads on."""
    dlib, given = dlib_hog._frontal_detector(), []

    class Spy:
        def run(self, plane, doublings):
            given.append(plane.flags.c_contiguous)
            return dlib.run(np.ascontiguousarray(plane), doublings)

    monkeypatch.setattr(dlib_hog, "_frontal_detector", Spy)
    load_detector.cache_clear()
    picture = scene((1920, 1080), (500, 200, 180))
    assert len(find_faces(picture, "dlib", upsample=upsample)) == 1
    assert len(given) >= 3
    assert all(given)
    load_detector.cache_clear()


def test_nothing_is_sought_closer_where_a_face_was_seen_or_the_copy_was_as_large_as_it_gets(monkeypatch):
    seen = _names_places(monkeypatch)
    assert len(find_faces(scene((1920, 1080), (520, 90, 900)), "dlib")) == 1
    assert find_faces(NO_FACE, "dlib") == []
    assert seen == []


@pytest.mark.parametrize("upsample", [1, 2])
def test_convention_copies_are_levels_of_the_pyramid_of_dlib_or_half_way(upsample, monkeypatch):
    factors = []

    def note(pixels, factor):
        factors.append(factor)
        return resized(pixels, factor)

    seen = _names_places(monkeypatch, (500, 200, 620, 320))
    monkeypatch.setattr(dlib_hog, "resized", note)
    for picture in (scene((1920, 1080), (500, 200, 120)), scene((1920, 1080), (520, 90, 900))):
        find_faces(picture, "dlib", upsample=upsample)
    assert len(seen) == 1
    factors.remove(0.5)  # of the copy for MTCNN
    assert factors[0] * 1920 <= 760
    assert max(factors) <= 2**upsample
    levels = 2 * np.log(np.array(factors) / 2**upsample) / np.log(5 / 6)
    assert len(levels) >= 4
    assert np.allclose(levels, levels.round())


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
