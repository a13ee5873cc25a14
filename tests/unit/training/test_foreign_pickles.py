"""Pickles of other programs: what is read of them, and that no attempt to run something leaves a mark."""

import argparse
import importlib
import io
import os
import pickle
import pickletools
import struct
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from repost.core.errors import InvalidWeights
from repost.training import read_foreign_weights
from repost.training.pickled import BadPickle, Made, interpret

LAYOUTS = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])


SOURCE = '''
import torch
from torch import nn


class TransferModel(nn.Module):
    """Parameters, buffers, children, and attributes that no state dict holds."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4))
        self.head = nn.Linear(4, 2)
        self.head.weight.data = torch.arange(8.0).reshape(4, 2).t()  # strided
        self.register_buffer("mean", torch.arange(3, dtype=torch.float16))
        self.words = {"a": [1, 2.5, None, ("x", b"y")], "set": {1, 2}}
'''


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Another program's folder, whose classes can be imported from it and from nowhere else."""
    (tmp_path / "program" / "network").mkdir(parents=True)
    (tmp_path / "program" / "network" / "__init__.py").touch()
    (tmp_path / "program" / "network" / "models.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path / "program")
    yield importlib.import_module("network.models")
    for name in ("network", "network.models"):
        sys.modules.pop(name, None)


@LAYOUTS
def test_a_whole_module_gives_its_state_dict_and_its_class_is_never_looked_up(tmp_path, zipped, program):
    path, made = tmp_path / "all_c23.p", program.TransferModel()
    torch.save(made, path, _use_new_zipfile_serialization=zipped)
    for name in ("network", "network.models"):
        del sys.modules[name]
    found, expected = read_foreign_weights(path), made.state_dict()
    assert list(found) == list(expected)
    assert all(torch.equal(found[name], value) and found[name].dtype == value.dtype for name, value in expected.items())
    assert "network" not in sys.modules, "nothing was imported"
    assert (b"class TransferModel" in path.read_bytes()) is not zipped, "old files carry its source"


@LAYOUTS
def test_shared_and_cut_storages_and_every_kind_of_number_come_back(tmp_path, zipped):
    base = torch.arange(24.0)
    tensors = {"all": base, "part": base[6:18].reshape(3, 4).t(), "none": torch.zeros(0, 3), "one": torch.tensor(7)}
    kinds = ("float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")
    tensors |= {kind: torch.arange(5).to(getattr(torch, kind)) for kind in kinds}
    torch.save(tensors, tmp_path / "net.pth", _use_new_zipfile_serialization=zipped)
    found = read_foreign_weights(tmp_path / "net.pth")
    assert all(torch.equal(found[name], tensors[name]) and found[name].is_contiguous() for name in tensors)


def test_numbers_and_settings_beside_the_tensors_do_no_harm(tmp_path):
    import numpy as np

    content = {
        "net": {"w": torch.ones(2)}, "args": argparse.Namespace(lr=0.1, folder=Path("x")), "best": np.float64(0.5),
        "history": np.arange(3), "kinds": {frozenset({1})}, "device": torch.device("cpu"), "shape": torch.Size([1, 2]),
    }  # fmt: skip
    torch.save(content, tmp_path / "net.pth")
    assert list(read_foreign_weights(tmp_path / "net.pth")) == ["net.w"]


def _reduces(function, *arguments):
    return type("Hostile", (), {"__reduce__": lambda self: (function, arguments)})()


def _opcodes(code: bytes) -> bytes:
    pickletools.dis(code, io.StringIO())  # it is a sound pickle
    return code


ATTACKS = {
    "os.system": lambda mark: pickle.dumps(_reduces(os.system, f"touch {mark}"), 2),
    "os.system by stack": lambda mark: pickle.dumps(_reduces(os.system, f"touch {mark}"), 4),
    "exec": lambda mark: pickle.dumps(_reduces(exec, f"open({str(mark)!r}, 'w')")),
    "eval through map": lambda mark: pickle.dumps([_reduces(map, eval, [f"open({str(mark)!r}, 'w')"])]),
    "open": lambda mark: pickle.dumps(_reduces(open, str(mark), "w")),
    "python 2": lambda mark: _opcodes(b"c__builtin__\nopen\n(S'%s'\nS'w'\ntR." % str(mark).encode()),
    "instance": lambda mark: _opcodes(b"(S'%s'\nS'w'\ni__builtin__\nopen\n." % str(mark).encode()),
    "object": lambda mark: _opcodes(b"(cio\nFileIO\nS'%s'\nS'w'\no." % str(mark).encode()),
    "new object": lambda mark: _opcodes(b"\x80\x02cio\nFileIO\n(S'%s'\nS'w'\nt\x81." % str(mark).encode()),
    "getattr of a harmless name": lambda mark: _opcodes(
        b"\x80\x02cbuiltins\ngetattr\n(cos\nsystem\nS'__call__'\ntR(S'touch %s'\ntR." % str(mark).encode()
    ),
    "call of what was made": lambda mark: _opcodes(b"\x80\x02ctorch\nnn\n)\x81(S'%s'\ntR." % str(mark).encode()),
    "a dotted name": lambda mark: _opcodes(
        b"\x80\x04\x8c\x05torch\x8c\x09os.system\x93(\x8c%c%stR." % (len(f"touch {mark}"), f"touch {mark}".encode())
    ),
    "numpy's runstring": lambda mark: _opcodes(
        b"cnumpy.testing._private.utils\nrunstring\n(S'open(%r, \"w\")'\n}tR." % str(mark)[:0].encode()
    ),
    "the hub": lambda mark: _opcodes(b"ctorch.hub\nload\n(S'%s'\nS'x'\ntR." % str(mark).encode()),
    "state of a module": lambda mark: _opcodes(
        b"\x80\x02cnetwork.models\nNet\n)\x81}X\x01\x00\x00\x00acos\nsystem\n(X%s%stRsb."
        % (struct.pack("<I", len(f"touch {mark}")), f"touch {mark}".encode())
    ),
    "an extension": lambda mark: b"\x80\x02\x82\x01.",
    "a reference by name": lambda mark: b"Pos.system\n.",
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("layout", ["bare", "zip", "legacy"])
def test_no_attempt_to_run_something_leaves_a_mark(tmp_path, attack, layout):
    path, mark = tmp_path / "net.pth", tmp_path / "mark"
    code = ATTACKS[attack](mark)
    if layout == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("net/data.pkl", code)
    else:
        torch.save({"weight": torch.ones(2)}, path, _use_new_zipfile_serialization=False)
        whole = path.read_bytes()
        begin = sum(len(pickle.dumps(part, 2)) for part in _head_of(whole))
        path.write_bytes(code if layout == "bare" else whole[:begin] + code)
    with pytest.raises(InvalidWeights, match=r"not only tensors|pickle instruction|no tensors"):
        read_foreign_weights(path)
    assert not mark.exists()


def _head_of(whole: bytes) -> list[object]:
    stream = io.BytesIO(whole)
    return [pickle.load(stream) for _ in range(3)]


@pytest.mark.filterwarnings("ignore")  # of files that the attacks leave open
@pytest.mark.parametrize("attack", ["os.system", "os.system by stack", "exec", "open", "instance", "object"])
def test_these_attempts_would_have_left_one(tmp_path, attack):
    """The attacks are real: `pickle` carries them out."""
    code = ATTACKS[attack](tmp_path / "mark").replace(b"__builtin__", b"builtins")
    pickle.loads(code)
    assert (tmp_path / "mark").exists()


class Loud:
    """Something that runs when its state is set."""

    def __setstate__(self, state):
        raise AssertionError("executed")

    def __reduce__(self):
        return Loud, (), {"a": 1}


@pytest.mark.parametrize("protocol", range(6))
def test_objects_are_records_whatever_the_protocol(protocol):
    found = interpret(io.BytesIO(pickle.dumps({"x": argparse.Namespace(a=1)}, protocol))).content["x"]
    assert isinstance(found, Made)
    assert (str(found.by), found.state) == ("argparse.Namespace", {"a": 1})
    with pytest.raises(AssertionError, match="executed"):
        pickle.loads(pickle.dumps(Loud(), protocol))
    with pytest.raises(BadPickle, match="would call"):
        interpret(io.BytesIO(pickle.dumps(Loud(), protocol)))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("a memo place of four billion", b"\x80\x02Nr\xff\xff\xff\xff."),
        ("a string of 8 EB", b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f."),
        ("lists in lists, twice each", b"\x80\x02]" + b"(2222tq\x00" * 3 + b"]" + b"(h\x00h\x00h\x00t" * 200 + b"."),
        ("no end of marks", b"(" * 100_000),
        ("two million steps and more", b"\x80\x02" + b"N0" * 1_100_000 + b"N."),
        ("a list that holds itself", b"\x80\x02]q\x00h\x00a."),
        ("a dictionary that holds itself", b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s."),
    ],
)  # fmt: skip
def test_a_pickle_that_would_take_the_machine_down_is_refused(tmp_path, name, code):
    (tmp_path / "net.pth").write_bytes(code)
    with pytest.raises(InvalidWeights):
        read_foreign_weights(tmp_path / "net.pth")


@LAYOUTS
@pytest.mark.parametrize(
    ("at", "becomes"), [(1, 0xF0), (3, 0x63), (8, 0x63)], ids=["its offset", "its size", "its stride"]
)
def test_a_tensor_outside_of_its_storage_is_refused(tmp_path, zipped, at, becomes):
    path = tmp_path / "net.pth"
    torch.save({"w": torch.arange(50.0)[37:47].reshape(2, 5)}, path, _use_new_zipfile_serialization=zipped)
    whole = bytearray(path.read_bytes())
    begin = whole.index(b"K%K\x02K\x05\x86")  # offset 37, size (2, 5), then the stride (5, 1)
    begin_of_stride = whole.index(b"K\x05K\x01\x86", begin)
    whole[begin + at if at < 8 else begin_of_stride + 1] = becomes
    path.write_bytes(_sealed(bytes(whole), path) if zipped else whole)
    with pytest.raises(InvalidWeights, match="describes a tensor of"):
        read_foreign_weights(path)


def _sealed(changed: bytes, path: Path) -> bytes:
    """The archive again, with the checksums of what it now holds."""
    path.write_bytes(changed)
    out = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(out, "w") as target:
        for info in source.infolist():
            begin = info.header_offset
            name_bytes, extra_bytes = struct.unpack("<HH", changed[begin + 26 : begin + 30])
            begin += 30 + name_bytes + extra_bytes
            target.writestr(info.filename, changed[begin : begin + info.file_size])
    return out.getvalue()


def test_a_storage_larger_than_the_file_is_refused(tmp_path):
    path = tmp_path / "net.pth"
    torch.save({"w": torch.arange(50.0)}, path, _use_new_zipfile_serialization=False)
    whole = path.read_bytes()
    assert whole.count(struct.pack("<q", 50)) == 1
    path.write_bytes(whole.replace(struct.pack("<q", 50), struct.pack("<q", 1 << 50)))
    with pytest.raises(InvalidWeights, match="more than the file holds"):
        read_foreign_weights(path)
    path.write_bytes(whole[:-4])
    with pytest.raises(InvalidWeights, match="more than the file holds"):
        read_foreign_weights(path)
    torch.save({"w": torch.arange(50.0)}, path)
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(tmp_path / "less.pth", "w") as less:
        for name in source.namelist():
            less.writestr(name, source.read(name)[: 40 if "/data/" in name else None])
    with pytest.raises(InvalidWeights, match="a storage of 10 numbers"):
        read_foreign_weights(tmp_path / "less.pth")


def test_members_that_share_their_bytes_count_each(tmp_path):
    """A thousand storages can be the same bytes of the file."""
    base = torch.zeros(250_000)
    path = tmp_path / "net.pth"
    torch.save({str(index): base + index for index in range(4)}, path)
    with pytest.raises(InvalidWeights, match="unpacks to more than"):
        read_foreign_weights(_with_one_storage_for_all(path), limit_bytes=2_000_000)


def _with_one_storage_for_all(path: Path) -> Path:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if "/data/" in name]
        first, *others = (archive.getinfo(name) for name in names)
        out = path.with_name("shared.pth")
        with zipfile.ZipFile(out, "w") as target:
            for name in archive.namelist():
                if name not in names[1:]:
                    target.writestr(name, archive.read(name))
            for other in others:
                twin = zipfile.ZipInfo(other.filename)
                kept = target.getinfo(first.filename)
                for fact in ("header_offset", "file_size", "compress_size", "CRC"):
                    setattr(twin, fact, getattr(kept, fact))
                target.filelist.append(twin)
                target.NameToInfo[twin.filename] = twin
    assert out.stat().st_size < 1_100_000
    return out


def test_one_storage_under_a_thousand_names_is_read_once(tmp_path):
    base = torch.zeros(250_000)
    torch.save({str(index): base[index : index + 1] for index in range(1000)}, tmp_path / "net.pth")
    assert len(read_foreign_weights(tmp_path / "net.pth")) == 1000


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning")
@pytest.mark.parametrize("kind", ["sparse", "quantised", "complex"])
def test_tensors_of_other_kinds_are_refused_by_name(tmp_path, kind):
    tensor = {
        "sparse": torch.eye(3).to_sparse(), "complex": torch.ones(3, dtype=torch.complex64),
        "quantised": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.quint8) if kind == "quantised" else None,
    }[kind]  # fmt: skip
    torch.save({"w": tensor}, tmp_path / "net.pth")
    with pytest.raises(InvalidWeights, match=r"_get_layout|_rebuild_qtensor|ComplexFloatStorage"):
        read_foreign_weights(tmp_path / "net.pth")


def test_names_in_an_error_cannot_paint_the_terminal(tmp_path):
    (tmp_path / "net.pth").write_bytes(b"cevil\x1b[31m\nrun\n(tR.")
    with pytest.raises(InvalidWeights, match="would call evil") as caught:
        read_foreign_weights(tmp_path / "net.pth")
    assert "\x1b" not in str(caught.value)


def test_a_storage_called_by_a_nest_of_tuples_is_refused_at_once(tmp_path):
    """In words a tuple of itself, of itself, ... sixty times over would have no end."""
    key = b"X\x01\x00\x00\x00k" + b"2\x86" * 60
    storage = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\n" + key + b"X\x03\x00\x00\x00cpuK\x01tQ"
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00K\x01\x85K\x01\x85\x89}tR"
    with zipfile.ZipFile(tmp_path / "nest.pt", "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}X\x01\x00\x00\x00a" + tensor + b"s.")
    with pytest.raises(InvalidWeights, match="describes a storage wrongly"):
        read_foreign_weights(tmp_path / "nest.pt")
