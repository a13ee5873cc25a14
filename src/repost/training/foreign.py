"""Weights of other programs, tensors only: nothing in the file is ever executed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from torch import Tensor

from repost.core.errors import InputNotFound, InvalidWeights
from repost.training.pickled import BadPickle, Made
from repost.training.tensors import DamagedTensors, read_tensors
from repost.training.torch_files import TorchFile, as_saved_tensor, open_torch_file

_EXPECTED = "a PyTorch or safetensors file of tensors by name"
DEFAULT_LIMIT_BYTES = 2 << 30
"""Ten times the largest network of this field (StyleGAN's and ResNeXt's checkpoints are below 400 MB)."""
_LEAF_LIMIT = 100_000
_DEPTH_LIMIT = 32
_LONGEST_NAME = 1000
_OF_MODULES = ("_parameters", "_buffers", "_modules")


def read_foreign_weights(
    path: Path, *, key: str | None = None, limit_bytes: int = DEFAULT_LIMIT_BYTES
) -> dict[str, Tensor]:
    """Read the tensors of a state dict, or of a whole module, that another program saved.

    No pickle is executed: it is interpreted without making anything that it names (`pickled`).

    Args:
        path: A file of `torch.save` in either layout, or safetensors; the content decides, not its name.
        key: Of a dictionary that holds several things, the one to read, such as "state_dict" or "model".
        limit_bytes: The most memory that file and tensors may take, each.

    Returns:
        Tensors on the CPU by name; names of nested dictionaries are joined by ".", those of a module are its state
        dict's. Whatever is no tensor is left out.

    Raises:
        InputNotFound: It is not there.
        InvalidWeights: It would call something, holds no tensors, is damaged, or is too large.
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
    try:
        with open_torch_file(path, limit_bytes=limit_bytes) as file:
            return _tensors_of(path, _part(path, file.content, key), file, limit_bytes)
    except BadPickle as error:
        raise _refused(path, str(error)) from error
    except (InvalidWeights, MemoryError):
        raise
    except Exception as error:  # hostile bytes can make a reader of zip files raise anything
        raise _refused(path, f"it is damaged ({type(error).__name__})") from error


def _part(path: Path, content: object, key: str | None) -> object:
    if key is None:
        return content
    if not isinstance(content, Mapping) or key not in content:
        names = list(cast("Mapping[str, Any]", content))[:10] if isinstance(content, Mapping) else "no dictionary"
        raise _refused(path, f"got {names}", expected=f"a dictionary with '{key}'")
    return cast("Mapping[str, Any]", content)[key]


def _tensors_of(path: Path, content: object, file: TorchFile, limit_bytes: int) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    taken_bytes = 0
    for name, value in _leaves(path, content):
        saved = as_saved_tensor(value)
        if saved is None:
            continue
        if name in tensors:
            raise _refused(path, f"got two tensors named {name}")
        taken_bytes += saved.size_bytes
        if taken_bytes > limit_bytes:
            raise _refused(path, "its tensors take more than the limit", expected=f"at most {limit_bytes:,} bytes")
        tensors[name] = file.read(saved)
    if not tensors:
        raise _refused(path, "it holds no tensors by name")
    return tensors


def _leaves(path: Path, content: object) -> Iterator[tuple[str, object]]:
    """Names and leaves, with limits: a dictionary that holds another twice, many times over, has no end."""
    waiting: list[tuple[str, object, int]] = [("", content, 0)]
    seen = 0
    while waiting:
        name, value, depth = waiting.pop()
        seen += 1
        if seen > _LEAF_LIMIT or depth > _DEPTH_LIMIT or len(name) > _LONGEST_NAME:
            raise _refused(path, "it nests too deeply or holds too many things")
        members = _members(value)
        if members is None:
            yield name, value
            continue
        for key, member in reversed(members):
            waiting.append((f"{name}.{key}" if name else str(key), member, depth + 1))
        if len(waiting) > _LEAF_LIMIT:
            raise _refused(path, "it holds too many things")


def _members(value: object) -> list[tuple[object, object]] | None:
    """What a dictionary or a module holds, by name; None of anything else."""
    attributes = value.state if isinstance(value, Made) else None
    if isinstance(attributes, dict):
        state = cast("dict[str, object]", attributes)
        parts = [state[part] for part in _OF_MODULES if isinstance(state.get(part), dict)]
        return [entry for part in parts for entry in cast("dict[object, object]", part).items()] if parts else None
    return list(cast("dict[object, object]", value).items()) if isinstance(value, dict) else None


def _refused(path: Path, reason: str, *, expected: str = _EXPECTED) -> InvalidWeights:
    return InvalidWeights(path, reason=reason, expected=expected)
