"""Weights and checkpoints on the disk: whole, proven, and never executed."""

import json
import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from repost.core.errors import InputNotFound, InvalidCheckpoint, InvalidWeights, OutputUnwritable
from repost.training import WeightsCard, read_foreign_weights, read_weights, write_weights
from repost.training.checkpoint import read_checkpoint
from repost.training.flatten import flatten, unflatten
from repost.training.tensors import read_tensors, tensors_digest, write_tensors

CARD = WeightsCard(
    recipe="tiny", version=2, digest="ab" * 32, network="net", step=7, scores={"psnr_db": float("inf")},
    facts={"width": 8, "platform": "wechat"}, settings={"steps": 7},
)  # fmt: skip
TENSORS = {
    "a.weight": torch.arange(6.0).reshape(2, 3), "count": torch.tensor(5), "half": torch.ones(3, dtype=torch.bfloat16),
    "empty": torch.zeros(0, 4),
}  # fmt: skip


class Bomb:
    """What a hostile file does when it is unpickled carelessly."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return os.system, (f"touch {self.target}",)


def test_weights_come_back_with_their_card_and_are_plain_safetensors(tmp_path):
    path = tmp_path / "net.safetensors"
    digest = write_weights(path, TENSORS, CARD)
    weights = read_weights(path, recipe="tiny", sha256=digest)
    assert (weights.card, weights.sha256) == (CARD, digest)
    assert set(weights.tensors) == set(TENSORS)
    for name, tensor in load_file(path).items():
        assert torch.equal(tensor, TENSORS[name])
        assert torch.equal(weights.tensors[name], tensor)
    again = tmp_path / "again.safetensors"
    assert write_weights(again, dict(reversed(TENSORS.items())), CARD) == digest
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_tied_weights_are_written_once_each(tmp_path):
    tied = torch.arange(4.0)
    write_tensors(tmp_path / "tied", {"in": tied, "out": tied.view(2, 2).t()}, {})
    read = read_tensors(tmp_path / "tied").tensors
    assert torch.equal(read["in"], tied)
    assert torch.equal(read["out"], tied.view(2, 2).t())


def test_the_digest_sees_names_types_shapes_and_values_and_not_the_order():
    base = tensors_digest(TENSORS)
    assert tensors_digest(dict(reversed(TENSORS.items()))) == base
    for name, other in (
        ("a.weight", torch.arange(6.0).reshape(3, 2)),
        ("a.weight", torch.arange(6.0).reshape(2, 3) + 1e-6),
        ("count", torch.tensor(5, dtype=torch.int32)),
    ):
        assert tensors_digest({**TENSORS, name: other}) != base


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda data: data[:-5], "not whole"),
        (lambda data: data[:4], "not whole"),
        (lambda data: b"", "not whole"),
        (lambda data: b"\xff" * 64, "not whole"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "checksum"),
    ],
)
def test_damaged_files_are_refused(tmp_path, harm, message):
    path = tmp_path / "net.safetensors"
    write_weights(path, TENSORS, CARD)
    path.write_bytes(harm(path.read_bytes()))
    with pytest.raises(InvalidWeights, match=message) as caught:
        read_weights(path)
    assert caught.value.path == str(path)
    with pytest.raises(InvalidCheckpoint, match=message):
        read_checkpoint(path)


def test_weights_of_another_kind_are_refused(tmp_path):
    path = tmp_path / "net.safetensors"
    write_weights(path, TENSORS, CARD)
    with pytest.raises(InvalidWeights, match="recipe tiny; expected weights of the recipe comgan"):
        read_weights(path, recipe="comgan")
    with pytest.raises(InvalidWeights, match="SHA-256"):
        read_weights(path, sha256="0" * 64)
    with pytest.raises(InputNotFound):
        read_weights(tmp_path / "none")
    with pytest.raises(InvalidCheckpoint, match="field"):
        read_checkpoint(path)
    save_file({"a": torch.ones(1)}, path)
    with pytest.raises(InvalidWeights, match="no card"):
        read_weights(path)
    with pytest.raises(OutputUnwritable):
        write_weights(tmp_path / "no" / "folder", TENSORS, CARD)


def test_a_network_takes_only_weights_that_fit(tmp_path):
    path = tmp_path / "net.safetensors"
    network = torch.nn.Linear(2, 2)
    before = network.weight.detach().clone()
    for tensors, message in (
        ({"weight": torch.ones(2, 2)}, "got nothing as the tensor bias"),
        ({"weight": torch.ones(2, 3), "bias": torch.ones(2)}, r"got \(2, 3\) as the tensor weight; expected \(2, 2\)"),
        ({"weight": torch.ones(2, 2), "bias": torch.ones(2), "x": torch.ones(1)}, "tensor x; expected no such tensor"),
    ):
        write_weights(path, tensors, CARD)
        with pytest.raises(InvalidWeights, match=message):
            read_weights(path).load_into(network)
    assert torch.equal(network.weight, before)


def test_nested_state_survives_json():
    tensors: dict[str, torch.Tensor] = {}
    state = {
        "state": {0: {"step": torch.tensor(3.0), "m": torch.ones(2)}, 1: {}},
        "param_groups": [{"lr": 0.1, "betas": (0.9, 0.999), "params": [0, 1], "foreach": None, "maximize": False}],
    }
    text = json.dumps(flatten(state, "optimisers/a", tensors))
    assert set(tensors) == {"optimisers/a/state/0/step", "optimisers/a/state/0/m"}
    back = unflatten(json.loads(text), tensors)
    assert back["param_groups"] == state["param_groups"]
    assert back["state"][1] == {}
    assert torch.equal(back["state"][0]["m"], torch.ones(2))
    with pytest.raises(TypeError, match="got state of type set"):
        flatten({"a": {1}}, "x", {})
    with pytest.raises(TypeError, match="expected the key"):
        unflatten({"code": "x"}, {})


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop, torch.optim.LBFGS])
def test_every_optimiser_goes_on_as_it_would_have(kind):
    def closure(weight, optimiser):
        def evaluate():
            optimiser.zero_grad()
            loss = (weight - torch.tensor([1.0, -2.0])).pow(4).sum()
            loss.backward()
            return loss

        return evaluate

    def steps(weight, optimiser, count):
        for _ in range(count):
            optimiser.step(closure(weight, optimiser))

    straight = torch.zeros(2, requires_grad=True)
    optimiser = kind([straight], lr=0.1)
    steps(straight, optimiser, 3)
    tensors: dict[str, torch.Tensor] = {}
    text = json.dumps(flatten(optimiser.state_dict(), "o", tensors))
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    other = straight.detach().clone().requires_grad_()
    resumed = kind([other], lr=0.5)
    resumed.load_state_dict(unflatten(json.loads(text), tensors))
    steps(straight, optimiser, 3)
    steps(other, resumed, 3)
    assert torch.equal(straight, other)


# --- files of other programs


@pytest.mark.parametrize("zipped", [True, False])
def test_a_published_state_dict_is_read(tmp_path, zipped):
    path = tmp_path / "net.pth"
    state = OrderedDict({"conv.weight": torch.nn.Parameter(torch.ones(2, 2)), "conv.bias": torch.zeros(2)})
    torch.save({"epoch": 3, "model": state, "name": "x"}, path, _use_new_zipfile_serialization=zipped)
    assert list(read_foreign_weights(path, key="model")) == ["conv.weight", "conv.bias"]
    whole = read_foreign_weights(path)
    assert list(whole) == ["model.conv.weight", "model.conv.bias"]
    assert torch.equal(whole["model.conv.weight"], torch.ones(2, 2))
    assert not whole["model.conv.weight"].requires_grad
    with pytest.raises(
        InvalidWeights, match=r"got \['epoch', 'model', 'name'\]; expected a dictionary with 'state_dict'"
    ):
        read_foreign_weights(path, key="state_dict")


def test_safetensors_of_another_program_are_read_whatever_the_name(tmp_path):
    path = tmp_path / "net.pth"
    save_file({"a": torch.arange(3)}, path)
    assert torch.equal(read_foreign_weights(path)["a"], torch.arange(3))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InvalidWeights, match="not whole"):
        read_foreign_weights(path)


@pytest.mark.parametrize("how", ["zip", "legacy", "bare"])
def test_a_hostile_pickle_is_refused_and_never_executed(tmp_path, how):
    path, target = tmp_path / "net.pth", tmp_path / "executed"
    content = {"weight": torch.ones(2), "bomb": Bomb(target)}
    if how == "bare":
        path.write_bytes(pickle.dumps({"bomb": Bomb(target)}))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=how == "zip")
    with pytest.raises(InvalidWeights, match="not only tensors") as caught:
        read_foreign_weights(path)
    assert not target.exists()
    assert caught.value.path == str(path)
    # The bomb is real: read without care it goes off.
    if how == "bare":
        pickle.loads(path.read_bytes())
    else:
        torch.load(path, weights_only=False)
    assert target.exists()


def test_a_tensor_larger_than_its_memory_is_refused(tmp_path):
    """One number and strides of 0 make a tensor of 4 TB; making it dense would take the machine down."""
    torch.save({"weight": torch.ones(1).expand(1 << 40)}, tmp_path / "net.pth")
    assert (tmp_path / "net.pth").stat().st_size < 10_000
    with pytest.raises(InvalidWeights, match="take more than the limit"):
        read_foreign_weights(tmp_path / "net.pth")


def test_a_zip_bomb_is_refused(tmp_path):
    plain, bomb = tmp_path / "plain.pth", tmp_path / "bomb.pth"
    torch.save({"weight": torch.zeros(1 << 18)}, plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in source.namelist():
            packed.writestr(name, source.read(name))
    assert bomb.stat().st_size < 20_000
    with pytest.raises(InvalidWeights, match="compressed"):
        read_foreign_weights(bomb)
    with pytest.raises(InvalidWeights, match=r"expected at most 100,000"):
        read_foreign_weights(plain, limit_bytes=100_000)


def test_dictionaries_that_hold_each_other_are_refused(tmp_path):
    level: dict[str, object] = {"weight": torch.ones(1)}
    for _ in range(4):
        level = {str(index): level for index in range(100)}
    torch.save(level, tmp_path / "net.pth")
    with pytest.raises(InvalidWeights, match="too many things"):
        read_foreign_weights(tmp_path / "net.pth")
    torch.save({"a": {"b": torch.ones(1)}, "a.b": torch.ones(1)}, tmp_path / "net.pth")
    with pytest.raises(InvalidWeights, match=r"two tensors named a\.b"):
        read_foreign_weights(tmp_path / "net.pth")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 not a zip", b"no pickle", b"\x80\x04.", b"\x00" * 4096])
def test_bytes_that_are_no_weights_are_refused(tmp_path, data):
    (tmp_path / "net.pth").write_bytes(data)
    with pytest.raises(InvalidWeights):
        read_foreign_weights(tmp_path / "net.pth")


@pytest.mark.slow
def test_a_thousand_damaged_files_give_no_other_error(tmp_path):
    path = tmp_path / "net.pth"
    torch.save({"weight": torch.ones(20), "name": "x"}, path)
    whole = path.read_bytes()
    draw, refused = torch.Generator().manual_seed(0), 0
    for _ in range(1000):
        place, value = (int(torch.randint(top, (1,), generator=draw)) for top in (len(whole), 256))
        path.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
        try:
            read_foreign_weights(path)
        except InvalidWeights:
            refused += 1
    assert 0 < refused < 1000, "all refused or all read: the damage tests nothing"
