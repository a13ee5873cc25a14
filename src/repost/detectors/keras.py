"""Keras' older weight files (.h5): the numbers in them and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repost.core.errors import InvalidWeights
from repost.core.extras import require

SIGNATURE = b"\x89HDF\r\n\x1a\n"
"""With which a file of HDF5 begins."""

_LIMIT_BYTES = 64 << 20
"""Hundreds of times the largest network that is read from such files."""
_MOST_OBJECTS, _DEEPEST = 2000, 6
_LAYER = re.compile(r"(?P<kind>[a-z0-9_]*?[a-z0-9])(_(?P<number>\d{1,6}))?")
_EXPECTED = "weights as Keras 2 saves them"


def read_layers(path: Path) -> dict[str, list[dict[str, NDArray[np.float32]]]]:
    """Read the layers of a network.

    Args:
        path: A file of `save_weights` or `save`; the optimiser's numbers are left out.

    Returns:
        By kind of layer ("conv2d", "batch_normalization", "dense"), in the order the layers were made in, the numbers
        of each by their name, such as "kernel". float32, in Keras' axes: rows, columns, inputs, outputs.

    Raises:
        InvalidWeights: It is damaged, too large, or holds something besides plain tables of numbers. Links to other
            files, external or virtual storage and filters are refused before anything is read.
        MissingExtra: h5py is not installed.
    """
    h5py: Any = require("h5py", extra="detectors")
    if path.stat().st_size > _LIMIT_BYTES:
        raise _refused(path, f"it has {path.stat().st_size:,} bytes", expected=f"at most {_LIMIT_BYTES:,}")
    found: dict[tuple[str, int], dict[str, NDArray[np.float32]]] = {}
    try:
        with h5py.File(path, "r") as file:
            left_bytes = _LIMIT_BYTES
            for names, table in _tables(path, h5py, file):
                kind, number = _kind_of(names[-2]) if len(names) > 1 else ("", 0)
                left_bytes -= _checked_bytes(path, names, table)
                if left_bytes < 0:
                    raise _refused(path, "its tables take more than the limit", expected=f"{_LIMIT_BYTES:,} bytes")
                layer = found.setdefault((kind, number), {})
                variable = names[-1].partition(":")[0]
                if variable in layer:
                    raise _refused(path, f"it holds {ascii('/'.join(names))[:80]} twice")
                layer[variable] = np.asarray(table[()], np.float32)
    except (InvalidWeights, MemoryError):
        raise
    except Exception as error:  # damaged bytes make HDF5 raise anything
        raise _refused(path, f"HDF5 cannot read it ({type(error).__name__})") from error
    layers: dict[str, list[dict[str, NDArray[np.float32]]]] = {}
    for (kind, _), layer in sorted(found.items()):
        layers.setdefault(kind, []).append(layer)
    return layers


def _tables(path: Path, h5py: Any, file: Any) -> Iterator[tuple[list[str], Any]]:  # noqa: ANN401 - h5py has no types
    """Every data set with the names on its way, through hard links alone; a group may hold itself."""
    waiting: list[tuple[list[str], Any]] = [([], file)]
    seen = 0
    while waiting:
        names, item = waiting.pop()
        seen += 1
        if seen > _MOST_OBJECTS or len(names) > _DEEPEST:
            raise _refused(path, "it nests too deeply or holds too many things")
        if isinstance(item, h5py.Dataset):
            yield names, item
        elif isinstance(item, h5py.Group) and names != ["optimizer_weights"]:
            for name in item:
                if not isinstance(item.get(name, getlink=True), h5py.HardLink):
                    raise _refused(path, f"{ascii(name)[:40]} is a link, to another file perhaps")
                waiting.append(([*names, name], item[name]))


def _checked_bytes(path: Path, names: list[str], table: Any) -> int:  # noqa: ANN401
    """How much a data set takes when it is read; refuses what needs more than reading its own bytes."""
    name = ascii("/".join(names))[:80]
    if table.dtype.kind != "f" or table.dtype.itemsize > 8 or table.shape is None or table.ndim > 4:
        raise _refused(path, f"{name} is no table of numbers")
    if table.external or table.is_virtual or table.id.get_create_plist().get_nfilters():
        raise _refused(path, f"{name} is stored elsewhere or filtered")
    size_bytes = table.size * table.dtype.itemsize
    if table.id.get_storage_size() < size_bytes:  # what is not stored is filled in, at any size
        raise _refused(path, f"{name} is not stored whole")
    return max(size_bytes, table.size * 4)


def _kind_of(layer: str) -> tuple[str, int]:
    """Kind and number of a layer's name: ("conv2d", 5) of "conv2d_5", ("conv2d", 0) of "conv2d"."""
    found = _LAYER.fullmatch(layer)
    return (found["kind"], int(found["number"] or 0)) if found else (layer, 0)


def _refused(path: Path, reason: str, *, expected: str = _EXPECTED) -> InvalidWeights:
    return InvalidWeights(path, reason=reason, expected=expected)
