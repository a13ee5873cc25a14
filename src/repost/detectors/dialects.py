"""Names: what the programs that publish weights call the tensors that are ours by another name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from repost.detectors.card import NetworkName

_ANCHORS: dict[NetworkName, str] = {
    "xception": "block12.skip.weight", "meso4-shared-bn": "fc1.weight", "mesoinception4-shared-bn": "fc1.weight",
    "meso4": "fc1.weight", "mesoinception4": "fc1.weight",
}  # fmt: skip
"""A tensor that every file of the network has; what stands before it stands before all."""

_RENAMED = (
    (re.compile(r"^Incption(\d)_(conv\w+|bn)\."), r"inception\1.\2."),  # as it is spelt in the rewrite of MesoNet
    (re.compile(r"^fc\."), "last_linear."),  # Cadene's file and timm
    (re.compile(r"^last_linear\.1\."), "last_linear."),  # behind dropout
)
_UNUSED = re.compile(r"adjust_channel\.")  # DeepfakeBench's Xception carries it and uses it in other detectors
_BESIDE = re.compile(r"(optimi[sz]er|optim|(lr_)?scheduler|scaler|loss\w*)(_state_dict|_dict)?\.")

_KERAS_VARIABLES = {
    "kernel": "weight", "bias": "bias", "gamma": "weight", "beta": "bias", "moving_mean": "running_mean",
    "moving_variance": "running_var",
}  # fmt: skip
_KERAS_KINDS: tuple[tuple[str, type[nn.Module]], ...] = (
    ("conv2d", nn.Conv2d), ("batch_normalization", nn.BatchNorm2d), ("dense", nn.Linear),
)  # fmt: skip


def prefixes_of(name: NetworkName, tensors: Mapping[str, Tensor]) -> list[str]:
    """What stands before the names of a network in a file: "model." of FaceForensics++, "backbone." of DeepfakeBench.

    Args:
        name: The network.
        tensors: Of the file.

    Returns:
        Each that is there; two where the file holds the network twice.
    """
    anchor = _ANCHORS[name]
    return [key.removesuffix(anchor) for key in tensors if key == anchor or key.endswith(f".{anchor}")]


def in_our_names(tensors: Mapping[str, Tensor], *, prefix: str) -> dict[str, Tensor]:
    """Take a network out of a file.

    Args:
        tensors: Of the file.
        prefix: What stands before its names.

    Returns:
        By the names of our network, as far as they are known. An optimiser's tensors are left out; any others that do
        not belong to the network are there by the name they have, and a second of one name as "NAME again".
    """
    ours: dict[str, Tensor] = {}
    for key, value in tensors.items():
        name = key
        if key.startswith(prefix):
            name = key.removeprefix(prefix)
            for pattern, replacement in _RENAMED:
                name = pattern.sub(replacement, name)
        if _UNUSED.match(name) if key.startswith(prefix) else _BESIDE.match(key):
            continue
        # Files older than 0.4 hold convolutions across channels as matrices.
        matrix = name.endswith("pointwise.weight") and value.ndim == 2
        ours[f"{name} again" if name in ours else name] = value[:, :, None, None] if matrix else value
    return ours


def from_keras(
    layers: Mapping[str, Sequence[Mapping[str, NDArray[np.float32]]]], network: nn.Module
) -> dict[str, Tensor]:
    """Name the layers of a Keras file as a network's.

    Args:
        layers: As `keras.read_layers` gives them.
        network: Whose layers were made in the same order, kind by kind.

    Returns:
        By the network's names, in PyTorch's axes; layers that it has no more of keep their kind and number.
    """
    ours: dict[str, Tensor] = {}
    rest = {kind: list(found) for kind, found in layers.items()}
    for kind, module in _KERAS_KINDS:
        names = _names_of(network, module)
        for layer in rest.pop(kind, []):
            name = names.pop(0) if names else f"{kind}_{len(ours)}"
            for variable, values in layer.items():
                ours[f"{name}.{_KERAS_VARIABLES.get(variable, variable)}"] = _in_torch_axes(values)
    for kind, found in rest.items():
        for place, layer in enumerate(found):
            ours |= {f"{kind}_{place}.{variable}": _in_torch_axes(values) for variable, values in layer.items()}
    return ours


def _names_of(network: nn.Module, kind: type[nn.Module]) -> list[str]:
    modules = cast("Iterator[tuple[str, nn.Module]]", network.named_modules())
    return [name for name, module in modules if isinstance(module, kind)]


def _in_torch_axes(values: NDArray[np.float32]) -> Tensor:
    """(rows, columns, inputs, outputs) to (outputs, inputs, rows, columns); (inputs, outputs) to (outputs, inputs)."""
    axes = (3, 2, 0, 1) if values.ndim == 4 else tuple(reversed(range(values.ndim)))
    return torch.as_tensor(np.ascontiguousarray(values.transpose(axes)))
