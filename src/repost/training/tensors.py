"""Files of tensors: safetensors with one JSON text and a checksum."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from repost.core.files import write_atomic

# One key: safetensors writes several in an order that changes from process to process.
_KEY = "repost"
_DIGEST = "tensors_sha256"


class DamagedTensors(ValueError):
    """The file is no safetensors, is truncated, or its tensors are not those that were written."""


@dataclass(frozen=True, slots=True)
class TensorFile:
    """What such a file holds.

    Attributes:
        tensors: On the CPU, by name.
        facts: The JSON beside them; empty in a file of another program.
    """

    tensors: dict[str, Tensor]
    facts: dict[str, Any]


def tensors_digest(tensors: Mapping[str, Tensor]) -> str:
    """The SHA-256 of names, types, shapes and values, whatever the order.

    Args:
        tensors: By name, on any device.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name}\x1f{tensor.dtype}\x1f{tuple(tensor.shape)}\x1f".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def write_tensors(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, object]) -> None:
    """Write tensors and JSON, whole or not at all; the same arguments give the same bytes.

    Args:
        path: The file; its folder exists.
        tensors: By name, on any device. Tensors that share memory are written once each.
        facts: What to write beside them.

    Raises:
        OSError: It cannot be written; what was there is untouched.
    """
    from safetensors.torch import save

    # A copy of each: safetensors refuses tensors that share memory, such as tied weights.
    own = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    text = json.dumps({**facts, _DIGEST: tensors_digest(own)})
    write_atomic(path, save(own, {_KEY: text}), fsync=True)


def read_tensors(path: Path) -> TensorFile:
    """Read such a file, or safetensors of another program.

    Args:
        path: The file.

    Returns:
        Its tensors, in memory of their own, and its facts.

    Raises:
        DamagedTensors: It cannot be read, or its checksum does not hold.
        OSError: It is not there or cannot be opened.
    """
    from safetensors import SafetensorError, safe_open

    path.open("rb").close()  # safetensors' own error names no file
    try:
        with cast("Any", safe_open)(path, framework="pt") as file:  # it has no types
            text: dict[str, str] = file.metadata() or {}
            names: list[str] = list(file.keys())
            tensors: dict[str, Tensor] = {name: file.get_tensor(name).clone() for name in names}
        facts = json.loads(text.get(_KEY, "{}"))
    except (SafetensorError, ValueError, RuntimeError) as error:
        raise DamagedTensors(f"it is not whole ({error})") from error
    if not isinstance(facts, dict):
        raise DamagedTensors("its description is no JSON object")
    facts = cast("dict[str, Any]", facts)
    written = facts.pop(_DIGEST, None)
    if written is not None and written != tensors_digest(tensors):
        raise DamagedTensors("its tensors do not have the checksum they were written with")
    return TensorFile(tensors, facts)
