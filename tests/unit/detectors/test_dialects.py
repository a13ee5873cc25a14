"""Checkpoints of other programs: written in their dialect from a network, and read back equal."""

import re
from collections import OrderedDict

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from repost.core.errors import InputNotFound, InvalidWeights, WrongArchitecture
from repost.detectors.networks import NETWORKS, build
from repost.detectors.networks.xception import Xception
from repost.detectors.weights import load_weights

SHARED_MESO4 = {
    "conv1.weight": (8, 3, 3, 3), "conv2.weight": (8, 8, 5, 5), "conv3.weight": (16, 8, 5, 5),
    "conv4.weight": (16, 16, 5, 5), "fc1.weight": (16, 1024), "fc1.bias": (16,), "fc2.weight": (2, 16),
    "fc2.bias": (2,), **{f"bn{n}.{key}": (width,) for n, width in ((1, 8), (2, 16))
       for key in ("weight", "bias", "running_mean", "running_var")},
    "bn1.num_batches_tracked": (), "bn2.num_batches_tracked": (),
}  # fmt: skip
"""Names and shapes of HongguLiu/MesoNet-Pytorch, output/Mesonet/best.pkl."""

_BRANCHES = (("conv1", 1, 1, 1), ("conv2_1", 4, 1, 1), ("conv2_2", 4, 4, 3), ("conv3_1", 4, 1, 1), ("conv3_2", 4, 4, 3),
             ("conv4_1", 2, 1, 1), ("conv4_2", 2, 2, 3))  # fmt: skip
SHARED_MESOINCEPTION4 = {
    **{f"Incption{n}_{name}.weight": (first if name == "conv1" else outputs,
                                      given if side == 1 else inputs, side, side)
       for n, given, first in ((1, 3, 1), (2, 11, 2)) for name, outputs, inputs, side in _BRANCHES},
    **{f"{name}.{key}": (width,) for name, width in (("Incption1_bn", 11), ("Incption2_bn", 12), ("bn1", 16))
       for key in ("weight", "bias", "running_mean", "running_var")},
    **{f"{name}.num_batches_tracked": () for name in ("Incption1_bn", "Incption2_bn", "bn1")},
    "conv1.weight": (16, 12, 5, 5), "conv2.weight": (16, 16, 5, 5), "fc1.weight": (16, 1024), "fc1.bias": (16,),
    "fc2.weight": (2, 16), "fc2.bias": (2,),
}  # fmt: skip
"""Names, misspelt as published, and shapes of MesoInception4 in the same repository's code."""


def filled(network: nn.Module) -> nn.Module:
    """With statistics that differ from those of a fresh network."""
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                value.normal_(0, 0.05).add_(1 if name.endswith(("running_var", ".weight")) and value.ndim == 1 else 0)
    return network


@pytest.fixture(scope="module")
def xception() -> Xception:
    torch.manual_seed(0)
    return filled(Xception())


class TransferModel(nn.Module):
    """As FaceForensics++ saves its networks: whole, around the network."""

    def __init__(self, model):
        super().__init__()
        self.model, self.modelchoice = model, "xception"


def _ours(state):
    return state


def _timm(state):
    return {name.replace("last_linear", "fc"): value for name, value in state.items()}


def _cadene(state):
    """The oldest file: matrices across channels, and no counts."""
    return {
        name: value[:, :, 0, 0] if "pointwise" in name else value
        for name, value in _timm(state).items()
        if "num_batches" not in name
    }


def _ffpp(state):
    return {f"model.{name}": value for name, value in state.items()}


def _deepfakebench(state):
    extra = {f"backbone.adjust_channel.{key}": torch.ones(512) for key in ("0.bias", "1.weight", "1.running_var")}
    extra["backbone.adjust_channel.0.weight"] = torch.ones(512, 2048, 1, 1)
    return {f"backbone.{name}": value for name, value in state.items()} | extra


def _parallel(state):
    """A training's checkpoint, of several GPUs and behind dropout."""
    net = {f"module.{name.replace('last_linear', 'last_linear.1')}": value for name, value in state.items()}
    return {"epoch": 3, "state_dict": net, "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}, "lr": 0.1}}


DIALECTS = {function.__name__[1:]: function for function in (_ours, _timm, _cadene, _ffpp, _deepfakebench, _parallel)}


def assert_equal(found: nn.Module, expected: nn.Module) -> None:
    ours = expected.state_dict()
    assert list(found.state_dict()) == list(ours)
    assert all(torch.equal(value, ours[name]) for name, value in found.state_dict().items())


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_of_xception_comes_back_equal(tmp_path, xception, dialect):
    path = tmp_path / "net.pth"
    torch.save(DIALECTS[dialect](xception.state_dict()), path)
    found = Xception()
    load_weights(found, path, name="xception")
    assert_equal(found, xception)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_whole_module_of_faceforensics_comes_back_equal(tmp_path, xception, zipped):
    path = tmp_path / "full_c23.p"
    torch.save(TransferModel(xception), path, _use_new_zipfile_serialization=zipped)
    found = Xception()
    load_weights(found, path, name="xception")
    assert_equal(found, xception)


def test_safetensors_come_back_equal(tmp_path, xception):
    save_file(xception.state_dict(), tmp_path / "net.safetensors")
    found = Xception()
    load_weights(found, tmp_path / "net.safetensors", name="xception")
    assert_equal(found, xception)


def test_xception_has_the_published_number_of_tensors_and_parameters(xception):
    assert len(xception.state_dict()) == 276
    assert sum(parameter.numel() for parameter in xception.parameters()) == 20_811_050


def test_fusing_changes_no_score_and_keeps_the_gradient(xception):
    network = Xception()
    network.load_state_dict(xception.state_dict())
    network.double().eval()
    faces = torch.rand(1, 3, 96, 96, dtype=torch.float64).requires_grad_()
    expected = network(faces)
    (slope,) = torch.autograd.grad(expected[0, 1], faces)
    network.fuse()
    found = network(faces)
    (fused_slope,) = torch.autograd.grad(found[0, 1], faces)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(fused_slope, slope, rtol=1e-7, atol=1e-12)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in network.modules())


@pytest.mark.parametrize(
    ("name", "published"), [("meso4-shared-bn", SHARED_MESO4), ("mesoinception4-shared-bn", SHARED_MESOINCEPTION4)]
)
@pytest.mark.parametrize("prefix", ["", "backbone.", "module."])
def test_the_shared_normalisation_nets_load_exactly_the_published_names(tmp_path, name, published, prefix):
    state = {
        f"{prefix}{key}": torch.rand(shape) if "num_batches" not in key else torch.tensor(9)
        for key, shape in published.items()
    }
    torch.save(OrderedDict(state), tmp_path / "best.pkl", _use_new_zipfile_serialization=False)
    network = build(name)
    assert len(network.state_dict()) == len(published)
    load_weights(network, tmp_path / "best.pkl", name=name)
    kept = dict(zip(published, state.values(), strict=True))
    for key, value in network.state_dict().items():
        assert torch.equal(value, kept[key.replace("inception1.", "Incption1_").replace("inception2.", "Incption2_")])


def _plain_shared_meso4(state, faces):
    """The published forward pass, written out."""
    F = nn.functional  # noqa: N806

    def norm(x, n):
        return F.batch_norm(x, *(state[f"bn{n}.{key}"] for key in ("running_mean", "running_var", "weight", "bias")))

    for number, of, padding, pool in ((1, 1, 1, 2), (2, 1, 2, 2), (3, 2, 2, 2), (4, 2, 2, 4)):
        faces = F.max_pool2d(norm(F.relu(F.conv2d(faces, state[f"conv{number}.weight"], padding=padding)), of), pool)
    hidden = F.leaky_relu(F.linear(faces.reshape(len(faces), -1), state["fc1.weight"], state["fc1.bias"]), 0.1)
    return F.linear(hidden, state["fc2.weight"], state["fc2.bias"])


def _plain_shared_mesoinception4(state, faces):
    F = nn.functional  # noqa: N806

    def norm(x, name):
        return F.batch_norm(x, *(state[f"{name}.{key}"] for key in ("running_mean", "running_var", "weight", "bias")))

    def conv(x, name, reach=0):
        return F.conv2d(x, state[f"{name}.weight"], padding=reach, dilation=max(reach, 1))

    for n in (1, 2):
        parts = [conv(faces, f"Incption{n}_conv1")]
        for branch in (2, 3, 4):
            entered = conv(faces, f"Incption{n}_conv{branch}_1")
            parts.append(conv(entered, f"Incption{n}_conv{branch}_2", branch - 1))
        faces = F.max_pool2d(norm(torch.cat(parts, 1), f"Incption{n}_bn"), 2)
    for n, pool in ((1, 2), (2, 4)):
        faces = F.max_pool2d(norm(F.relu(F.conv2d(faces, state[f"conv{n}.weight"], padding=2)), "bn1"), pool)
    hidden = F.leaky_relu(F.linear(faces.reshape(len(faces), -1), state["fc1.weight"], state["fc1.bias"]), 0.1)
    return F.linear(hidden, state["fc2.weight"], state["fc2.bias"])


@pytest.mark.parametrize(
    ("name", "published", "plain"),
    [
        ("meso4-shared-bn", SHARED_MESO4, _plain_shared_meso4),
        ("mesoinception4-shared-bn", SHARED_MESOINCEPTION4, _plain_shared_mesoinception4),
    ],
)
@pytest.mark.parametrize("lowest", [0.2, -1.0], ids=["positive factors", "negative factors"])
def test_the_shared_normalisation_nets_compute_what_is_published(tmp_path, name, published, plain, lowest):
    draw = torch.Generator().manual_seed(1)
    state = {
        key: torch.rand(shape, generator=draw) * 1.5 + lowest if len(shape) == 1 and key.endswith(".weight")
        else torch.rand(shape, generator=draw) + 0.5 if key.endswith("running_var")
        else torch.randn(shape, generator=draw) * 0.2 for key, shape in published.items()
    }  # fmt: skip
    torch.save(state, tmp_path / "net.pth")
    network = build(name)
    load_weights(network, tmp_path / "net.pth", name=name)
    faces = torch.rand(2, 3, 256, 256, generator=draw) * 2 - 1
    with torch.inference_mode():
        torch.testing.assert_close(network.eval()(faces), plain(state, faces), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("other", sorted(NETWORKS))
@pytest.mark.parametrize("name", ["xception", "meso4-shared-bn"])
def test_weights_of_another_network_are_refused_and_named(tmp_path, name, other):
    if name == other:
        pytest.skip("the same network")
    torch.save(build(other).state_dict(), tmp_path / "net.pth")
    network = build(name)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    with pytest.raises(WrongArchitecture, match=f"it looks like {other};") as caught:
        load_weights(network, tmp_path / "net.pth", name=name)
    assert caught.value.guess == other
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("keys", "guess"),
    [
        (["conv1.weight", "layer4.0.conv1.weight", "fc.weight"], "a ResNet"),
        (["blocks.0.stack.conv1.conv_dw.weight"], "timm's xception41"),
        (["net.something.else"], "nothing known here"),
    ],
)
def test_well_known_networks_are_told_by_name(tmp_path, keys, guess):
    torch.save({key: torch.ones(1) for key in [*keys, *(f"more.{n}" for n in range(9))]}, tmp_path / "net.pth")
    with pytest.raises(WrongArchitecture, match=f"it looks like {guess}") as caught:
        load_weights(Xception(), tmp_path / "net.pth", name="xception")
    assert re.search(r"it lacks \S+, \S+, \S+ and \d+ more; it holds unknown", str(caught.value))
    assert len(caught.value.missing) + len(caught.value.unexpected) > 200, "all of them, as attributes"


def test_a_classifier_of_a_thousand_classes_is_told(tmp_path):
    with torch.device("meta"):
        state = {name: value.shape for name, value in Xception(1000).state_dict().items()}
    one = torch.zeros(())
    torch.save({name: one.expand(shape) for name, shape in state.items()}, tmp_path / "net.pth")
    said = r"last_linear\.weight \(1000, 2048\) instead of \(2, 2048\).*xception for 1,000 classes"
    with pytest.raises(WrongArchitecture, match=said):
        load_weights(Xception(), tmp_path / "net.pth", name="xception")


def test_a_network_with_more_than_the_network_is_refused(tmp_path):
    """A detector built around Xception is another detector."""
    state = {f"backbone.{name}": value for name, value in build("meso4-shared-bn").state_dict().items()}
    torch.save(state | {"mask_head.weight": torch.ones(3)}, tmp_path / "net.pth")
    with pytest.raises(WrongArchitecture, match=r"unknown mask_head\.weight"):
        load_weights(build("meso4-shared-bn"), tmp_path / "net.pth", name="meso4-shared-bn")


def test_a_network_that_is_there_twice_is_refused(tmp_path):
    state = build("meso4-shared-bn").state_dict()
    torch.save({"net": state, "ema": state}, tmp_path / "net.pth")
    with pytest.raises(InvalidWeights, match=r"holds the network 2 times, under 'net\.', 'ema\.'"):
        load_weights(build("meso4-shared-bn"), tmp_path / "net.pth", name="meso4-shared-bn")


def test_what_is_not_there_is_said_so(tmp_path):
    with pytest.raises(InputNotFound):
        load_weights(build("meso4"), tmp_path / "none.h5", name="meso4")
    with pytest.raises(InputNotFound):
        load_weights(build("meso4"), tmp_path, name="meso4")


@pytest.mark.parametrize("second", ["fc1.weight", "bn1.bias"])
@pytest.mark.parametrize("first", [True, False])
def test_a_second_tensor_of_one_name_is_refused_wherever_it_stands(tmp_path, second, first):
    """Whichever came last would else be taken, and nobody would know."""
    state = {f"model.{key}": value for key, value in build("meso4").state_dict().items()}
    stray = {second: torch.ones_like(state[f"model.{second}"])}
    torch.save(stray | state if first else state | stray, tmp_path / "net.pth")
    with pytest.raises((WrongArchitecture, InvalidWeights), match=f"{second} again|holds the network 2 times"):
        load_weights(build("meso4"), tmp_path / "net.pth", name="meso4")


def test_a_head_under_both_of_its_names_is_refused(tmp_path, xception):
    state = dict(xception.state_dict())
    torch.save(state | {"fc.bias": torch.zeros(2)}, tmp_path / "net.pth")
    with pytest.raises(WrongArchitecture, match=r"last_linear.bias again"):
        load_weights(build("xception"), tmp_path / "net.pth", name="xception")
