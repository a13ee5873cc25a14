"""Stamping and scanning pictures with the released model."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from plain_networks import write_model
from skimage import data

from repost.core.errors import InvalidKey, InvalidPixels, InvalidWeights, ModelNotFound, PictureTooSmall, UsageError
from repost.metrics import psnr_db
from repost.stamp import ScanResult, estimates_of, find_key, load_model, scan, stamp
from repost.stamp.embed import shift_of
from repost.stamp.model import WEIGHTS
from repost.stamp.scan import mean_estimates
from repost.stamp.weights import RELEASED

PHOTO = data.astronaut()


@pytest.fixture(scope="module")
def stamped() -> np.ndarray:
    return stamp(PHOTO, "a key")


def test_a_stamp_is_found_with_its_key_alone(stamped: np.ndarray) -> None:
    found = scan(stamped, "a key")
    assert found.stamped is True
    assert found.p_value < 1e-9
    assert found.model == load_model().version
    assert scan(stamped, "another key").stamped is not True
    assert scan(PHOTO, "a key").stamped is not True


def test_a_stamp_is_hard_to_see(stamped: np.ndarray) -> None:
    assert psnr_db(PHOTO, stamped) > 39.4
    assert np.abs(stamped.astype(int) - PHOTO).max() <= 8
    moved = stamped.astype(int) - PHOTO
    inside = ((PHOTO > 8) & (PHOTO < 247)).all(2)
    assert np.array_equal(moved[inside][:, 0], moved[inside][:, 1])  # the same to every channel


def test_stamping_is_repeatable(stamped: np.ndarray) -> None:
    assert np.array_equal(stamp(PHOTO, "a key"), stamped)


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_turned_and_mirrored_pictures_are_found(stamped: np.ndarray, turn: int) -> None:
    assert scan(np.ascontiguousarray(np.rot90(stamped, turn)), "a key").stamped
    assert scan(np.ascontiguousarray(np.fliplr(np.rot90(stamped, turn))), "a key").stamped


def test_a_crop_to_seven_tenths_is_found_and_told(stamped: np.ndarray) -> None:
    found = scan(stamped[50:408, 90:448], "a key")
    assert found.stamped
    assert found.view.share_of_side == pytest.approx(0.7, abs=0.03)


def test_a_rotation_is_found_and_told(stamped: np.ndarray) -> None:
    found = scan(np.asarray(Image.fromarray(stamped).rotate(10, Image.Resampling.BICUBIC)), "a key")
    assert found.stamped
    assert abs(found.view.rotation_deg) == pytest.approx(10, abs=1)


@pytest.mark.parametrize("share", [1.0, 0.5, 2.0])
def test_a_resized_picture_is_found(stamped: np.ndarray, share: float) -> None:
    side = round(512 * share)
    assert scan(np.asarray(Image.fromarray(stamped).resize((side, side), Image.Resampling.BICUBIC)), "a key").stamped


def test_grey_pictures_are_stamped_as_they_are() -> None:
    grey = data.camera()
    found = stamp(grey)
    assert found.shape == grey.shape
    assert scan(found).stamped
    assert scan(np.repeat(found[..., None], 3, 2)).stamped


@pytest.mark.parametrize("size", [(160, 160), (480, 160), (900, 300), (161, 333)])
def test_the_smallest_and_the_longest_pictures(size: tuple[int, int]) -> None:
    photo = np.asarray(Image.fromarray(PHOTO).resize(size, Image.Resampling.LANCZOS))
    assert scan(stamp(photo)).stamped


def test_strength_changes_how_much_is_added() -> None:
    weak, strong = (np.abs(stamp(PHOTO, strength=s).astype(int) - PHOTO).mean() for s in (0.5, 2.0))
    assert strong > 2.5 * weak


@pytest.mark.parametrize("strength", [0.0, 0.2, 2.1, -1.0, float("nan"), float("inf")])
def test_strength_out_of_range_is_refused(strength: float) -> None:
    with pytest.raises(UsageError, match=r"expected 0.25 to 2"):
        stamp(PHOTO, strength=strength)


def test_a_given_shift_is_taken(stamped: np.ndarray) -> None:
    assert not np.array_equal(stamp(PHOTO, "a key", shift=(1, 2)), stamped)
    assert scan(stamp(PHOTO, "a key", shift=(1, 2)), "a key").stamped


def test_photos_of_one_key_do_not_share_a_shift() -> None:
    rng = np.random.default_rng(0)
    shifts = {shift_of(rng.random((96, 96), np.float32), "a") for _ in range(100)}
    assert len(shifts) > 90


def test_many_stamped_photos_do_not_give_the_stamp_away() -> None:
    """The mean residual of many photos, added to another at the same size, forges nothing."""
    rng = np.random.default_rng(0)
    mean = np.zeros((192, 192, 3))
    for _ in range(60):
        top, left = rng.integers(0, 512 - 192, 2)
        photo = np.ascontiguousarray(PHOTO[top : top + 192, left : left + 192])
        mean += stamp(photo, "a key", strength=2.0).astype(float) - photo
    mean *= 2.5 / mean.std()  # as strong as a stamp
    cover = np.ascontiguousarray(data.coffee()[100:292, 100:292])
    forged = np.clip(np.rint(cover + mean), 0, 255).astype(np.uint8)
    assert scan(forged, "a key").stamped is not True


def test_one_estimate_serves_many_keys(stamped: np.ndarray) -> None:
    estimates = estimates_of(stamped)
    assert find_key(estimates, "a key").stamped
    assert not find_key(estimates, "another").stamped


@pytest.mark.parametrize("level", [0, 255])
def test_flat_pictures_are_not_stamped(level: int) -> None:
    flat = np.full((300, 400, 3), level, np.uint8)
    assert scan(flat).stamped is False
    stamp(flat)  # whether it holds is for the scan to say


@pytest.mark.parametrize(
    ("pixels", "error"),
    [
        (np.zeros((1, 1, 3), np.uint8), PictureTooSmall),
        (np.zeros((159, 900, 3), np.uint8), PictureTooSmall),
        (np.full((300, 300, 3), np.nan, np.float32), InvalidPixels),
        (np.zeros((300, 300, 4), np.uint8), InvalidPixels),
    ],
)
def test_bad_pictures_are_refused(pixels: np.ndarray, error: type[Exception]) -> None:
    with pytest.raises(error):
        stamp(pixels)


def test_bad_keys_are_refused() -> None:
    with pytest.raises(InvalidKey):
        stamp(PHOTO, "")
    with pytest.raises(InvalidKey):
        scan(PHOTO, "a\nb")


def test_the_p_value_is_ten_to_the_minus_score() -> None:
    found = scan(PHOTO, "a key")
    assert isinstance(found, ScanResult)
    assert found.p_value == pytest.approx(min(1, 10**-found.score))


@pytest.mark.parametrize("name", sorted(RELEASED))
def test_released_models_are_whole_and_small(name: str) -> None:
    assert load_model(name).facts.name == name
    assert all(path.stat().st_size <= 10**6 for path in (WEIGHTS / name).iterdir())


@pytest.mark.parametrize("changed", ["embedder.onnx", "extractor.onnx", "model.json"])
def test_a_changed_byte_is_noticed(changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(WEIGHTS / "rs_aug", tmp_path / "rs_aug")
    path = tmp_path / "rs_aug" / changed
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    monkeypatch.setattr("repost.stamp.model.WEIGHTS", tmp_path)
    with pytest.raises(InvalidWeights, match="changed or damaged"):
        load_model("rs_aug")


def test_a_model_of_ones_own_is_a_folder(tmp_path: Path) -> None:
    shutil.copytree(WEIGHTS / "rs_aug", tmp_path / "mine")
    facts = json.loads((tmp_path / "mine" / "model.json").read_text())
    (tmp_path / "mine" / "model.json").write_text(json.dumps(facts | {"name": "mine", "version": 7}))
    model = load_model(tmp_path / "mine")
    assert model.version == "mine-7"
    assert scan(stamp(PHOTO, model=model), model=model).model == "mine-7"


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b'{"name": 3}'])
def test_facts_that_are_none_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_bytes(content)
    with pytest.raises(InvalidWeights, match="facts of a stamp model"):
        load_model(tmp_path)


def test_an_unknown_model_names_those_there_are() -> None:
    with pytest.raises(ModelNotFound, match=r"shipped are .*rs_aug"):
        load_model("rs_agu")


def test_the_mean_of_frames_shows_what_each_hides() -> None:
    """One weak stamp at one place over changing pictures: together they show it better than the best alone."""
    frames = []
    for number in range(12):
        photo = np.roll(data.astronaut(), 37 * number, axis=(0, 1))
        weak = stamp(photo, "a key", strength=0.25, shift=(3, 4))
        noisy = weak + np.random.default_rng(number).normal(0, 12, weak.shape)
        frames.append(estimates_of(np.clip(np.rint(noisy), 0, 255).astype(np.uint8)))
    alone = max(find_key(frame, "a key").score for frame in frames)
    assert find_key(mean_estimates(frames), "a key").score > alone + 2
    assert not find_key(mean_estimates(frames), "another").stamped


def test_a_model_that_was_calibrated_again_is_loaded_again(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m")
    assert load_model(folder) is load_model(folder)
    told = json.loads((folder / "model.json").read_text()) | {"stamped_score": 4.5}
    (folder / "model.json").write_text(json.dumps(told))
    assert load_model(folder).facts.stamped_score == 4.5


def replaced(folder: Path, nodes: list[object], *, type_: int, rank: int, outputs: int = 1) -> Path:
    """A model whose extractor is another network."""
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    facts = json.loads((write_model(folder) / "model.json").read_text())
    given = helper.make_tensor_value_info("mean", type_, [None] * rank)
    made = [helper.make_tensor_value_info(f"o{number}", type_, None) for number in range(outputs)]
    zero = helper.make_tensor("zero", type_, [1], [0.0])
    graph = helper.make_graph([helper.make_node(*node) for node in nodes], "g", [given], made, [zero])
    data = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
    (folder / "extractor.onnx").write_bytes(data)
    facts["extractor_sha256"] = hashlib.sha256(data).hexdigest()
    (folder / "model.json").write_text(json.dumps(facts))
    return folder


SAME = ("Identity", ["mean"], ["o0"])


@pytest.mark.parametrize(
    ("nodes", "settings"),
    [
        ([SAME], {"type_": 1, "rank": 2}),
        ([SAME], {"type_": 11, "rank": 4}),
        ([SAME, ("Identity", ["mean"], ["o1"])], {"type_": 1, "rank": 4, "outputs": 2}),
        ([("ReduceMean", ["mean"], ["o0"])], {"type_": 1, "rank": 4}),
        ([("Div", ["zero", "zero"], ["q"]), ("Mul", ["mean", "q"], ["o0"])], {"type_": 1, "rank": 4}),
    ],
    ids=["rank", "double", "two outputs", "one number", "NaN"],
)
def test_a_network_that_makes_no_plane_of_planes_is_refused(nodes: list, settings: dict, tmp_path: Path) -> None:
    with pytest.raises(InvalidWeights, match=r"extractor\.onnx"):
        load_model(replaced(tmp_path / "m", nodes, **settings))


@pytest.mark.parametrize("facts", [{"stamped_score": float("nan")}, {"uncertain_score": 9.0}, {"cap_levels": 0}])
def test_thresholds_without_sense_are_refused(facts: dict, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m")
    told = json.loads((folder / "model.json").read_text()) | facts
    (folder / "model.json").write_text(json.dumps(told))
    with pytest.raises(InvalidWeights, match=r"model\.json': [a-z]+_"):
        load_model(folder)
