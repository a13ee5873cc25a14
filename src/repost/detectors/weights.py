"""Published weights, in whatever form and dialect, as the tensors of a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from repost.core.errors import InputNotFound, InvalidWeights, WrongArchitecture
from repost.detectors.card import NetworkName
from repost.detectors.dialects import from_keras, in_our_names, prefixes_of
from repost.detectors.keras import SIGNATURE, read_layers
from repost.detectors.networks import NETWORKS, build
from repost.training import read_foreign_weights

_LIMIT_BYTES = 1 << 30
"""Twelve times Xception; a checkpoint with an optimiser's state is three times as large as the weights."""

_COUNTED = "num_batches_tracked"  # a count that evaluation does not use; files older than 0.4.1 lack it

_TELLTALES = (
    ("layer4.0.conv1.weight", "a ResNet"), ("_blocks.0._bn1.weight", "an EfficientNet (lukemelas)"),
    ("conv_stem.weight", "an EfficientNet or MobileNet (timm)"), ("cls_token", "a vision transformer"),
    ("class_embedding", "a vision transformer (CLIP)"), ("stages.0.blocks.0.gamma", "a ConvNeXt"),
    ("blocks.0.stack.conv1.conv_dw.weight", "timm's xception41, 65 or 71: not the Xception of detectors"),
    ("digit_caps", "a capsule network"), ("FAD_head", "F3Net"), ("features.28.weight", "a VGG"),
    ("denseblock1.denselayer1", "a DenseNet"),
)  # fmt: skip


def load_weights(network: nn.Module, path: Path, *, name: NetworkName) -> None:
    """Give a network published weights.

    Args:
        network: As `networks.build` makes it.
        path: A Keras .h5 file, a PyTorch state dict or whole module, or safetensors; the content decides.
        name: Which network it is.

    Raises:
        InputNotFound: There is no such file.
        InvalidWeights: It is damaged, hostile, too large, or holds numbers that are not finite.
        WrongArchitecture: It holds weights of another network; the tensors that differ are named. In all cases the
            network is unchanged.
        MissingExtra: It is a Keras file, and h5py is not installed.
    """
    if not path.is_file():
        raise InputNotFound(path)
    with path.open("rb") as stream:
        of_keras = stream.read(8) == SIGNATURE
    if of_keras:
        layers = read_layers(path)
        found, tensors = from_keras(layers, network), {}
        guess = {4: "meso4", 16: "mesoinception4"}.get(len(layers.get("conv2d", ())), "")
    else:
        tensors = read_foreign_weights(path, limit_bytes=_LIMIT_BYTES)
        found, guess = _of_network(path, name, tensors), ""
    found |= {key: torch.tensor(0) for key in network.state_dict() if key.endswith(_COUNTED) and key not in found}
    _check_names(path, name, network, found, guess=guess or _guess(tensors))
    for key, value in found.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise InvalidWeights(path, reason=f"{key} holds NaN or infinity", expected="finite numbers")
    network.load_state_dict(found)


def _of_network(path: Path, name: NetworkName, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    prefixes = prefixes_of(name, tensors)
    if len(prefixes) > 1:
        reason = f"it holds the network {len(prefixes)} times, under {', '.join(map(ascii, prefixes[:3]))}"
        raise InvalidWeights(path, reason=reason, expected="one network; save the one you mean by itself")
    return in_our_names(tensors, prefix=prefixes[0] if prefixes else "")


def _check_names(path: Path, name: NetworkName, network: nn.Module, found: Mapping[str, Tensor], *, guess: str) -> None:
    ours = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    missing, unexpected = [key for key in ours if key not in found], [key for key in found if key not in ours]
    both = [(key, tuple(found[key].shape), shape) for key, shape in ours.items() if key in found]
    misshapen = [entry for entry in both if entry[1] != entry[2]]
    if missing or unexpected or misshapen:
        raise WrongArchitecture(
            path, network=name, missing=missing, unexpected=unexpected, misshapen=misshapen, guess=guess
        )


def _guess(tensors: Mapping[str, Tensor]) -> str:
    """Which network a file probably holds."""
    for name in NETWORKS:
        with torch.device("meta"):
            ours = _shapes(build(name).state_dict())
        classes = ours.pop("last_linear.bias", (2,))
        ours.pop("last_linear.weight", None)
        for prefix in prefixes_of(name, tensors):
            found = _shapes(in_our_names(tensors, prefix=prefix))
            if all(found.get(key) == shape for key, shape in ours.items()):
                (count,) = found.get("last_linear.bias", classes)
                return name if count == 2 else f"{name} for {count:,} classes, not for real and fake"
    return next((words for part, words in _TELLTALES if any(part in key for key in tensors)), "")


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {key: tuple(value.shape) for key, value in tensors.items() if not key.endswith(_COUNTED)}
