"""The two layouts of `torch.save`: a zip archive, and before version 1.6 several pickles and then the numbers."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import torch
from torch import Tensor

from repost.training.pickled import BadPickle, Kept, Made, Name, interpret

_MAGIC = 0x1950A86A20F9469CFC6C
"""With which the older layout begins (torch.serialization.MAGIC_NUMBER)."""
PICKLE_LIMIT_BYTES = 32 << 20
"""Names and shapes alone; those of ten thousand tensors are 2 MB."""

_BY_STORAGE = {
    "FloatStorage": torch.float32, "DoubleStorage": torch.float64, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32,
    "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8, "BoolStorage": torch.bool,
}  # fmt: skip
_BY_NAME = {str(dtype).removeprefix("torch."): dtype for dtype in _BY_STORAGE.values()}
_WRAPPED = {  # by what a tensor is wrapped in: which of its arguments is the tensor
    "torch._utils._rebuild_parameter": 0, "torch._utils._rebuild_parameter_with_state": 0,
    "torch.nn.parameter.Parameter": 0, "torch.autograd.variable.Variable": 0,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SavedTensor:
    """A tensor of a file, before its numbers are read.

    Attributes:
        key: Its storage.
        dtype: Of its numbers.
        offset: The first of them within the storage.
        size: Its shape.
        stride: By how many numbers one goes on along each axis.
    """

    key: str
    dtype: torch.dtype
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def size_bytes(self) -> int:
        """Of the dense tensor: strides of 0 make a tensor of any size out of one number."""
        count = self.dtype.itemsize
        for side in self.size:
            count *= side
        return count


class TorchFile(Protocol):
    """An open file."""

    content: object
    """What was saved; tensors are `Made` or `Kept`."""

    def read(self, tensor: SavedTensor) -> Tensor:
        """A dense copy of a tensor of it. Raises `BadPickle` where it lies outside of the file."""
        ...


@contextmanager
def open_torch_file(path: Path, *, limit_bytes: int) -> Generator[TorchFile]:
    """Open a file of `torch.save` of either layout, or a bare pickle.

    Args:
        path: The file.
        limit_bytes: The most that a zip archive may unpack to; its members can share their bytes.

    Yields:
        Its content, and its tensors on demand.

    Raises:
        BadPickle: It is damaged or is not only tensors.
    """
    with path.open("rb") as stream:
        if stream.read(2) == b"PK":  # as torch itself tells
            with _open_zip(stream) as archive:
                yield _ZipFile(archive, limit_bytes)
        else:
            stream.seek(0)
            yield _OldFile(stream, path.stat().st_size)


def as_saved_tensor(value: object) -> SavedTensor | None:
    """The tensor that a value of such a file would be.

    Args:
        value: A leaf of its content.

    Returns:
        The tensor; None of anything else.

    Raises:
        BadPickle: It is a tensor of a kind that is not read, or its description contradicts itself.
    """
    for _ in range(8):
        if not isinstance(value, Made):
            return None
        by = str(value.by)
        if by in _WRAPPED:
            value = value.arguments[0] if value.arguments else None
        elif by == "torch._tensor._rebuild_from_type_v2":
            value = _unwrapped(value.arguments)
        elif by.startswith("torch._utils._rebuild_tensor"):
            return _saved_tensor(value.arguments)
        else:
            return None
    raise BadPickle("it wraps a tensor too often")


def _unwrapped(arguments: tuple[object, ...]) -> Made:
    """Of a tensor of a class of its own (function, class, arguments, state), the tensor."""
    if len(arguments) < 3 or not isinstance(arguments[0], Name) or not isinstance(arguments[2], tuple):
        raise BadPickle("it describes a tensor wrongly")
    return Made(arguments[0], cast("tuple[object, ...]", arguments[2]))


def _saved_tensor(arguments: tuple[object, ...]) -> SavedTensor:
    if len(arguments) < 4:
        raise BadPickle("it describes a tensor wrongly")
    storage, offset, size, stride = arguments[:4]
    named = next((one for one in arguments[4:] if isinstance(one, Name) and one.module == "torch"), None)
    key, dtype, start = _storage_of(storage, named)
    sizes, strides = _whole_numbers(size), _whole_numbers(stride)
    if not isinstance(offset, int) or offset < 0 or len(sizes) != len(strides):
        raise BadPickle("it describes a tensor wrongly")
    return SavedTensor(key, dtype, start + offset, sizes, strides)


def _storage_of(storage: object, named: Name | None) -> tuple[str, torch.dtype, int]:
    """Of a reference to a storage: its key, the type of its numbers, and the first of them that is meant."""
    parts = storage.identity if isinstance(storage, Kept) else ()
    if len(parts) < 5 or parts[0] != "storage" or not isinstance(parts[1], Name):
        raise BadPickle("it describes a storage wrongly")
    key = _key_of(parts[2])
    dtype = _BY_NAME.get(named.name) if named is not None else _BY_STORAGE.get(parts[1].name)
    if dtype is None:
        raise BadPickle(f"it holds numbers of the kind {ascii(named.name if named else parts[1].name)[:40]}")
    view = cast("tuple[object, ...]", parts[5]) if len(parts) > 5 and isinstance(parts[5], tuple) else ("", 0)
    if len(view) < 2 or not isinstance(view[1], int) or view[1] < 0:  # in old files, a part of another storage
        raise BadPickle("it describes a storage wrongly")
    return key, dtype, view[1]


def _key_of(value: object) -> str:
    """What a storage is called; a tuple nested in itself sixty times would have words without end."""
    if not isinstance(value, str | int):
        raise BadPickle("it describes a storage wrongly")
    return str(value)


def _whole_numbers(value: object) -> tuple[int, ...]:
    if isinstance(value, Made) and str(value.by) == "torch.Size" and value.arguments:
        value = value.arguments[0]
    numbers = list(cast("tuple[object, ...]", value)) if isinstance(value, tuple | list) else [None]
    whole = [number for number in numbers if isinstance(number, int) and 0 <= number < 1 << 62]
    if len(whole) != len(numbers) or len(whole) > 64:
        raise BadPickle("it describes a tensor wrongly")
    return tuple(whole)


def _dense(tensor: SavedTensor, data: bytearray) -> Tensor:
    """Cut a tensor out of its storage."""
    count = len(data) // tensor.dtype.itemsize
    last = tensor.offset + sum((side - 1) * step for side, step in zip(tensor.size, tensor.stride, strict=True))
    if 0 in tensor.size:
        return torch.empty(tensor.size, dtype=tensor.dtype)
    if last >= count:
        raise BadPickle(f"it describes a tensor of {tensor.size} in a storage of {count:,} numbers")
    numbers = torch.frombuffer(data, dtype=tensor.dtype, count=count)
    return numbers.as_strided(tensor.size, tensor.stride, tensor.offset).clone(memory_format=torch.contiguous_format)


@contextmanager
def _open_zip(stream: BinaryIO) -> Generator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(stream) as archive:
            yield archive
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        raise BadPickle(f"it is no sound zip file ({error})") from error


class _ZipFile:
    """The layout since 1.6: `NAME/data.pkl` and one member for each storage, never compressed."""

    def __init__(self, archive: zipfile.ZipFile, limit_bytes: int) -> None:
        self._archive = archive
        if sum(member.file_size for member in archive.infolist()) > limit_bytes:
            raise BadPickle(f"it unpacks to more than {limit_bytes:,} bytes")
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED:
                raise BadPickle(f"it holds {member.filename!a}, compressed, as torch.save never writes")
        roots = [name.removesuffix("data.pkl") for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(roots) != 1:
            raise BadPickle(f"it is a zip file with {len(roots)} times data.pkl, not once")
        self._root = roots[0]
        if f"{self._root}byteorder" in archive.namelist() and self._member("byteorder", 16) != b"little":
            raise BadPickle("its numbers are written with the highest byte first")
        info = archive.getinfo(f"{self._root}data.pkl")
        if info.file_size > PICKLE_LIMIT_BYTES:
            raise BadPickle(f"it holds a pickle of {info.file_size:,} bytes")
        self.content = interpret(io.BytesIO(archive.read(info))).content
        self._storages: dict[str, bytearray] = {}

    def read(self, tensor: SavedTensor) -> Tensor:
        if tensor.key not in self._storages:  # one storage may hold thousands of tensors
            self._storages[tensor.key] = bytearray(self._member(f"data/{tensor.key}", None))
        return _dense(tensor, self._storages[tensor.key])

    def _member(self, name: str, limit_bytes: int | None) -> bytes:
        try:
            info = self._archive.getinfo(self._root + name)
        except KeyError as error:
            raise BadPickle(f"it lacks the storage {ascii(name)[:40]}") from error
        if limit_bytes is not None and info.file_size > limit_bytes:
            raise BadPickle(f"its {name} has {info.file_size:,} bytes")
        return self._archive.read(info)


class _OldFile:
    """The layout before 1.6: three pickles of facts, the content, the order of the storages, the storages."""

    def __init__(self, stream: BinaryIO, size_bytes: int) -> None:
        limited = cast("BinaryIO", _Limited(stream, PICKLE_LIMIT_BYTES))
        self._stream, self._size_bytes = stream, size_bytes
        self._storages: dict[str, bytearray] = {}
        self._places: dict[str, tuple[int, int]] = {}
        self.content = interpret(limited).content
        if self.content != _MAGIC:  # a bare pickle: it has no storages
            return
        interpret(limited)
        facts = interpret(limited).content
        if isinstance(facts, dict) and cast("dict[str, object]", facts).get("little_endian") is False:
            raise BadPickle("its numbers are written with the highest byte first")
        saved, keys = interpret(limited), interpret(limited).content
        if not isinstance(keys, list):
            raise BadPickle("it lists no storages")
        self.content = saved.content
        self._find(cast("list[object]", keys), saved.kept)

    def _find(self, keys: list[object], kept: tuple[Kept, ...]) -> None:
        """Where each storage begins and ends: it says itself how many numbers it has, the content of which kind."""
        widths = {key: dtype.itemsize for key, dtype, _ in (_storage_of(one, None) for one in kept)}
        begin = self._stream.tell()
        for key in map(_key_of, keys):
            self._stream.seek(begin)
            head = self._stream.read(8)
            if len(head) < 8 or key not in widths:
                raise BadPickle("it ends before its storages do")
            (count,) = struct.unpack("<q", head)
            end = begin + 8 + count * widths[key]
            if count < 0 or end > self._size_bytes:
                raise BadPickle(f"it has a storage of {count:,} numbers, more than the file holds")
            self._places[key] = begin + 8, end
            begin = end

    def read(self, tensor: SavedTensor) -> Tensor:
        if tensor.key not in self._places:
            raise BadPickle(f"it lacks the storage {ascii(tensor.key)[:40]}")
        if tensor.key not in self._storages:
            begin, end = self._places[tensor.key]
            self._stream.seek(begin)
            self._storages[tensor.key] = bytearray(self._stream.read(end - begin))
        return _dense(tensor, self._storages[tensor.key])


class _Limited:
    """A stream of which only so much can be read."""

    def __init__(self, stream: BinaryIO, limit_bytes: int) -> None:
        self._stream, self._left = stream, limit_bytes

    def read(self, count: int = -1) -> bytes:
        return self._spend(self._stream.read(self._left + 1 if count < 0 else min(count, self._left + 1)))

    def readline(self) -> bytes:
        return self._spend(self._stream.readline(self._left + 1))

    def tell(self) -> int:
        return self._stream.tell()

    def _spend(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            raise BadPickle(f"it holds a pickle of more than {PICKLE_LIMIT_BYTES:,} bytes")
        return data
