"""The authors' networks against a forward pass by numpy alone."""

import h5py
import numpy as np
import pytest
import torch
from skimage import data
from skimage.transform import resize

from keras_oracle import p_real, random_layers, read_h5, write_h5
from repost.core.errors import InvalidWeights, WrongArchitecture
from repost.detectors import load
from repost.detectors.networks import build
from repost.detectors.networks.meso import halve

NETWORKS = pytest.mark.parametrize("network", ["meso4", "mesoinception4"])


def crops() -> np.ndarray:
    """Four crops, (4, 256, 256, 3) in [0, 1]: a face, its mirror, a cat and noise."""
    astronaut, cat = data.astronaut(), data.chelsea()
    face, noise = astronaut[0:200, 120:320], np.random.default_rng(0).uniform(size=(256, 256, 3))
    made = [face, face[:, ::-1], cat[20:280, 100:360]]
    return np.stack([*(resize(one, (256, 256), anti_aliasing=True) for one in made), noise]).astype(np.float32)


def as_faces(pixels: np.ndarray) -> torch.Tensor:
    return torch.as_tensor(pixels.transpose(0, 3, 1, 2).copy())


@NETWORKS
@pytest.mark.parametrize("negative", [False, True], ids=["positive factors", "negative factors"])
def test_scores_equal_numpy(tmp_path, network, negative):
    layers = random_layers(network, 3, negative=negative)
    scorer = load(network, write_h5(tmp_path / "w.h5", layers))
    expected = np.array([p_real(layers, crop) for crop in crops()])
    assert np.ptp(expected) > 0.005, "the pictures are told apart"
    with torch.inference_mode():
        found = torch.sigmoid(-scorer(as_faces(crops()))).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.shared
@pytest.mark.parametrize("file", ["Meso4_DF", "Meso4_F2F", "MesoInception_DF", "MesoInception_F2F"])
def test_published_weights_equal_numpy(shared_data, file):
    path = shared_data / "weights" / "mesonet" / f"{file}.h5"
    scorer = load("mesoinception4" if "Incep" in file else "meso4", path)
    faces = crops()
    with torch.inference_mode():
        found = torch.sigmoid(-scorer(as_faces(faces))).numpy()
    np.testing.assert_allclose(found, [p_real(read_h5(path), face) for face in faces], atol=1e-4)


@pytest.mark.shared
@pytest.mark.parametrize("file", ["Meso4_DF", "MesoInception_DF", "Meso4_F2F", "MesoInception_F2F"])
def test_published_weights_equal_numpy_on_faces_of_videos(shared_data, file):
    import av

    path = shared_data / "weights" / "mesonet" / f"{file}.h5"
    clips = sorted((shared_data / "videos" / "icpr2020dfdc").rglob("*.mp4"))[:2]
    faces = []
    for clip in clips:
        with av.open(str(clip)) as container:
            frame = next(container.decode(video=0)).to_ndarray(format="rgb24")
        height, width = frame.shape[:2]
        faces.append(frame[height // 6 : height // 6 + 256, width // 2 - 128 : width // 2 + 128])
    pixels = np.stack(faces).astype(np.float32) / 255
    scorer = load("mesoinception4" if "Incep" in file else "meso4", path)
    expected = [p_real(read_h5(path), face) for face in pixels]
    np.testing.assert_allclose(1 / (1 + np.exp(scorer.score_pixels(faces))), expected, atol=1e-4)


@NETWORKS
def test_convention_the_sigmoid_speaks_of_real(tmp_path, network):
    """Index 0 is fake, so that the logit of "fake" is the opposite of the network's."""
    layers = random_layers(network, 1)
    layers["dense_2"]["bias:0"] += 5  # the sigmoid is near 1: real
    scorer = load(network, write_h5(tmp_path / "w.h5", layers))
    assert (scorer.score_pixels([np.zeros((256, 256, 3), np.uint8)]) < -2).all()


@NETWORKS
def test_layers_are_ordered_by_number_wherever_they_begin_and_lie(tmp_path, network):
    layers = random_layers(network, 2)
    faces = as_faces(crops()[:1])
    scores = [
        load(network, write_h5(tmp_path / name, dict(reversed(layers.items())), first=first, inside=inside))(faces)
        for name, first, inside in (("a.h5", 1, ""), ("b.h5", 5, ""), ("c.h5", 95, "model_weights"))
    ]
    assert torch.equal(scores[0], scores[1])
    assert torch.equal(scores[0], scores[2])


@NETWORKS
def test_gradients_are_the_slope(tmp_path, network):
    path = write_h5(tmp_path / "w.h5", random_layers(network, 4))
    faces = torch.rand(2, 3, 256, 256, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    scorer = load(network, path)  # on noise, as where pixels are equal a maximum has no slope
    scorer.module.double()
    (gradient,) = torch.autograd.grad(scorer(faces).sum(), faces)
    direction = torch.as_tensor(np.random.default_rng(5).normal(size=faces.shape))
    step = 1e-7
    with torch.inference_mode():
        slope = (scorer(faces + step * direction) - scorer(faces - step * direction)).sum() / (2 * step)
    assert float((gradient * direction).sum()) == pytest.approx(float(slope), rel=1e-4)
    assert not any(parameter.requires_grad for parameter in scorer.module.parameters())


@pytest.mark.parametrize("name", ["meso4", "mesoinception4", "meso4-shared-bn", "mesoinception4-shared-bn"])
def test_training_and_evaluation_are_both_as_pytorch_has_them(name):
    """In training the statistics of the batch are used; evaluated, negative factors take the plain way."""
    torch.manual_seed(0)
    network = build(name)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    network.train()(torch.rand(3, 3, 256, 256)).sum().backward()
    after = network.state_dict()
    assert all(not torch.equal(before[key], after[key]) for key in after if key.endswith("running_mean"))
    assert all(parameter.grad is not None for parameter in network.parameters())
    network.eval()
    faces = torch.rand(2, 3, 256, 256)
    with torch.inference_mode():
        fast = network(faces)
        plain = network.double()(faces.double())
    torch.testing.assert_close(fast.double(), plain, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("grad", [False, True])
def test_halve_is_maximum_pooling(grad):
    features = torch.rand(2, 5, 8, 12).requires_grad_(grad)
    assert torch.equal(halve(features), torch.nn.functional.max_pool2d(features, 2))


def test_the_other_network_is_named(tmp_path):
    path = write_h5(tmp_path / "w.h5", random_layers("mesoinception4", 0))
    with pytest.raises(WrongArchitecture, match="it looks like mesoinception4") as caught:
        load("meso4", path)
    assert caught.value.guess == "mesoinception4"
    with pytest.raises(WrongArchitecture, match=r"unknown inception1\.conv1\.bias.*instead of \(2, 16\)"):
        load("mesoinception4-shared-bn", path)
    layers = random_layers("meso4", 0)
    del layers["conv2d_4"]
    with pytest.raises(WrongArchitecture, match=r"it lacks conv4\.weight, conv4\.bias; it looks like nothing known"):
        load("meso4", write_h5(tmp_path / "less.h5", layers))


def _external(file):
    file.create_dataset("x/conv2d_1/kernel:0", (4,), "f4", external=[("/etc/passwd", 0, 16)])


def _virtual(file):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
    file.create_virtual_dataset("x/conv2d_1/kernel:0", layout)


def _itself(file):
    file["x/y"] = file["/"]


HOSTILE = {
    "external storage": (_external, "stored elsewhere"),
    "a virtual table": (_virtual, "stored elsewhere"),
    "a link out": (lambda file: file.__setitem__("x", h5py.ExternalLink("/etc/passwd", "x")), "is a link"),
    "a soft link": (lambda file: file.__setitem__("x", h5py.SoftLink("/y")), "is a link"),
    "a group in itself": (_itself, "nests too deeply"),
    "a bomb of gzip": (
        lambda file: file.create_dataset("c/c/k:0", data=np.zeros(10**6, "f4"), compression="gzip"), "filtered",
    ),
    "a table that is not there": (
        lambda file: file.create_dataset("c/c/k:0", (1 << 40,), "f4", chunks=(1024,)), "not stored whole",
    ),
    "text": (lambda file: file.create_dataset("c/c/k:0", data=[b"x"]), "no table of numbers"),
    "objects": (
        lambda file: file.create_dataset("c/c/k:0", data=["x"], dtype=h5py.string_dtype()), "no table of numbers",
    ),
    "too many": (lambda file: [file.create_group(str(number)) for number in range(2100)], "too many"),
    "one thing twice": (
        lambda file: [file.create_dataset(f"{a}/c_1/k:0", data=np.ones(1, "f4")) for a in "ab"], "twice",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_of_hdf5_are_refused(tmp_path, case):
    write, said = HOSTILE[case]
    with h5py.File(tmp_path / "w.h5", "w") as file:
        write(file)
    with pytest.raises(InvalidWeights, match=said):
        load("meso4", tmp_path / "w.h5")


def test_damaged_files_of_hdf5_give_no_other_error(tmp_path):
    path = write_h5(tmp_path / "w.h5", random_layers("meso4", 0))
    whole, draw, refused = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(60):
        damaged = bytearray(whole[: draw.integers(8, len(whole))] if draw.random() < 0.3 else whole)
        for place in draw.integers(8, min(len(damaged), 6000), 20):
            damaged[place] = draw.integers(256)
        path.write_bytes(damaged)
        try:
            load("meso4", path)
        except InvalidWeights:
            refused += 1
    assert 0 < refused < 60, "all refused or all read: the damage tests nothing"


def test_numbers_that_are_not_finite_are_refused(tmp_path):
    layers = random_layers("meso4", 0)
    layers["conv2d_2"]["kernel:0"][0, 0, 0, 0] = np.nan
    with pytest.raises(InvalidWeights, match=r"conv2\.weight holds NaN"):
        load("meso4", write_h5(tmp_path / "w.h5", layers))
