"""Nested state as tensors and JSON, so that no pickle is written or read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

from torch import Tensor

Json: TypeAlias = Any


def flatten(value: object, prefix: str, tensors: dict[str, Tensor]) -> Json:
    """Take the tensors out of nested dictionaries, lists and tuples.

    Args:
        value: Such as an optimiser's `state_dict()`. Besides tensors its leaves are numbers, strings, booleans, None.
        prefix: What the names of its tensors begin with.
        tensors: Where the tensors are put.

    Returns:
        The rest as JSON. Containers are {"dict": [[key, value], ...]}, {"list": ...} or {"tuple": ...}, since JSON
        knows neither tuples nor keys that are numbers; a tensor is {"tensor": its name}.

    Raises:
        TypeError: A leaf of another type.
    """
    if isinstance(value, Tensor):
        tensors[prefix] = value
        return {"tensor": prefix}
    if isinstance(value, Mapping):
        entries = cast("Mapping[object, object]", value).items()
        return {"dict": [[_plain(key), flatten(item, f"{prefix}/{key}", tensors)] for key, item in entries]}
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        members = cast("list[object]", value)
        return {kind: [flatten(item, f"{prefix}/{place}", tensors) for place, item in enumerate(members)]}
    return _plain(value)


def unflatten(value: Json, tensors: Mapping[str, Tensor]) -> Any:  # noqa: ANN401 - whatever was flattened
    """Undo `flatten`.

    Args:
        value: What it returned.
        tensors: The tensors by name.

    Returns:
        What it was given.

    Raises:
        KeyError: A tensor is missing.
        TypeError: Not what `flatten` returns.
    """
    if not isinstance(value, dict):
        return _plain(value)
    for kind, content in cast("dict[str, Any]", value).items():
        if kind == "tensor":
            return tensors[content]
        if kind == "dict":
            return {_plain(key): unflatten(item, tensors) for key, item in content}
        if kind in ("list", "tuple"):
            members = [unflatten(item, tensors) for item in content]
            return members if kind == "list" else tuple(members)
    raise TypeError(f"got {list(cast('dict[str, Any]', value))}, expected the key tensor, dict, list or tuple")


def _plain(value: object) -> str | int | float | bool | None:
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"got state of type {type(value).__name__}, expected tensors, numbers, strings, booleans or None")
