"""Weights of other programs, tensors only: nothing in the file is ever executed."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from repost.core.errors import InputNotFound, InvalidWeights
from repost.training.tensors import DamagedTensors, read_tensors

_EXPECTED = "a PyTorch or safetensors file of tensors by name"
DEFAULT_LIMIT_BYTES = 2 << 30
"""Ten times the largest network of this field (StyleGAN's and ResNeXt's checkpoints are below 400 MB)."""
_PICKLE_LIMIT_BYTES = 32 << 20  # names and shapes alone; those of ten thousand tensors are 2 MB
_LEAF_LIMIT = 100_000
_DEPTH_LIMIT = 4


def read_foreign_weights(
    path: Path, *, key: str | None = None, limit_bytes: int = DEFAULT_LIMIT_BYTES
) -> dict[str, Tensor]:
    """Read the tensors of a state dict that another program saved.

    Args:
        path: A file of `torch.save`, or safetensors; the content decides, not its name.
        key: Of a dictionary that holds several things, the one to read, such as "state_dict" or "model".
        limit_bytes: The most memory that file and tensors may take, each.

    Returns:
        Tensors on the CPU by name; names of nested dictionaries are joined by ".". Numbers, strings and None among
        them are left out.

    Raises:
        InputNotFound: It is not there.
        InvalidWeights: It holds something other than plain data (code, for one), is damaged, or is too large.
    """
    if not path.is_file():
        raise InputNotFound(path)
    size_bytes = path.stat().st_size
    if size_bytes > limit_bytes:
        raise _refused(path, f"got {size_bytes:,} bytes", expected=f"at most {limit_bytes:,}")
    with path.open("rb") as stream:
        start = stream.read(9)
    if start[8:] == b"{":  # safetensors: the header's length in 8 bytes, then its JSON
        try:
            return read_tensors(path).tensors
        except DamagedTensors as error:
            raise _refused(path, str(error)) from error
    if start.startswith(b"PK"):  # as torch itself tells
        _check_archive(path, limit_bytes)
    content = _load(path)
    if key is not None:
        if not isinstance(content, Mapping) or key not in content:
            names = list(cast("Mapping[str, Any]", content))[:10] if isinstance(content, Mapping) else "no dictionary"
            raise _refused(path, f"got {names}", expected=f"a dictionary with '{key}'")
        content = cast("Mapping[str, Any]", content)[key]
    return _tensors_of(path, content, limit_bytes)


def _check_archive(path: Path, limit_bytes: int) -> None:
    """Refuse a zip that unpacks to far more than its size; `torch.save` never compresses."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise _refused(path, f"it is no sound zip file ({error})") from error
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED:
            raise _refused(
                path, f"got compressed {member.filename}", expected="uncompressed files, as torch.save writes"
            )
        if member.filename.endswith("data.pkl") and member.file_size > _PICKLE_LIMIT_BYTES:
            raise _refused(path, f"got a pickle of {member.file_size:,} bytes", expected=f"{_PICKLE_LIMIT_BYTES:,}")
    if sum(member.file_size for member in members) > limit_bytes:
        raise _refused(path, "it unpacks to more than the limit", expected=f"at most {limit_bytes:,} bytes")


def _load(path: Path) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of storage classes that old files name
            return cast("object", torch.load(path, map_location="cpu", weights_only=True))
    except MemoryError:
        raise
    except Exception as error:  # hostile bytes can make the reader raise anything
        # Torch's own words advise to read the file without protection: they stay in the cause.
        raise _refused(path, "it is not only tensors, or is damaged") from error


def _tensors_of(path: Path, content: object, limit_bytes: int) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    taken_bytes = 0
    for name, value in _leaves(path, content):
        if not isinstance(value, Tensor):
            continue
        if value.layout != torch.strided or value.is_quantized or value.device.type != "cpu":
            raise _refused(path, f"got {name} as a {value.layout} tensor on {value.device}", expected="dense tensors")
        # By shape: strides of 0 make a tensor of any size out of one number.
        if name in tensors:
            raise _refused(path, f"got two tensors named {name}")
        taken_bytes += value.numel() * value.element_size()
        if taken_bytes > limit_bytes:
            raise _refused(path, "its tensors take more than the limit", expected=f"at most {limit_bytes:,} bytes")
        tensors[name] = value.detach().contiguous()
    if not tensors:
        raise _refused(path, f"got a {type(content).__name__} without tensors")
    return tensors


def _leaves(path: Path, content: object) -> Iterator[tuple[str, object]]:
    """Names and leaves, with limits: a dictionary that holds another twice, many times over, has no end."""
    waiting: list[tuple[str, object, int]] = [("", content, 0)]
    seen = 0
    while waiting:
        name, value, depth = waiting.pop()
        seen += 1
        if seen > _LEAF_LIMIT or depth > _DEPTH_LIMIT:
            raise _refused(path, "it nests too deeply or holds too many things")
        if isinstance(value, Mapping):
            for key, member in reversed(list(cast("Mapping[object, object]", value).items())):
                waiting.append((f"{name}.{key}" if name else str(key), member, depth + 1))
                if len(waiting) > _LEAF_LIMIT:
                    raise _refused(path, "it holds too many things")
        else:
            yield name, value


def _refused(path: Path, reason: str, *, expected: str = _EXPECTED) -> InvalidWeights:
    return InvalidWeights(path, reason=reason, expected=expected)
