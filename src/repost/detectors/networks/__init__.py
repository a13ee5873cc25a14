"""The architectures; only `nn.Module`s, without weights, losses or image sizes."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from repost.detectors.card import NetworkName

NETWORKS: dict[NetworkName, str] = {
    "meso4": "repost.detectors.networks.meso:Meso4",
    "mesoinception4": "repost.detectors.networks.meso:MesoInception4",
    "meso4-shared-bn": "repost.detectors.networks.meso:Meso4SharedNorm",
    "mesoinception4-shared-bn": "repost.detectors.networks.meso:MesoInception4SharedNorm",
    "xception": "repost.detectors.networks.xception:Xception",
}


def build(name: NetworkName) -> nn.Module:
    """A network with fresh weights.

    Args:
        name: One of `NETWORKS`.

    Returns:
        The network, in training mode. It takes float32 (n, 3, side, side), normalised as its weights ask, and gives
        (n, 1) of a sigmoid's network, (n, 2) of the others.
    """
    module, _, kind = NETWORKS[name].partition(":")
    return getattr(import_module(module), kind)()
