"""The detectors' networks as one would write them in PyTorch, with the weights of ours: what ours are timed against."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from repost.detectors.networks.meso import Inception, Meso4, Meso4SharedNorm, MesoInception4, MesoInception4SharedNorm


class _PlainInception(nn.Module):
    def __init__(self, ours: Inception, activation: type[nn.Module]) -> None:
        super().__init__()

        def way(*convs: nn.Module) -> nn.Sequential:
            return nn.Sequential(*(layer for conv in convs for layer in (conv, activation())))

        self.branches = nn.ModuleList(
            [
                way(ours.conv1),
                way(ours.conv2_1, ours.conv2_2),
                way(ours.conv3_1, ours.conv3_2),
                way(ours.conv4_1, ours.conv4_2),
            ]
        )
        self.after = nn.Sequential(ours.bn, nn.MaxPool2d(2))

    def forward(self, features: Tensor) -> Tensor:
        return self.after(torch.cat([branch(features) for branch in self.branches], 1))


class _KerasFlatten(nn.Module):
    def forward(self, features: Tensor) -> Tensor:
        return features.permute(0, 2, 3, 1).flatten(1)


def plain(network: nn.Module) -> nn.Module:
    """The same network, layer by layer.

    Args:
        network: Of `repost.detectors.networks`, before it is fused.

    Returns:
        A network that shares its weights.
    """
    head = [network.fc1, nn.LeakyReLU(0.1), network.fc2] if hasattr(network, "fc1") else []

    def stage(number: int, norm: int, pool: int = 2) -> list[nn.Module]:
        return [getattr(network, f"conv{number}"), nn.ReLU(), getattr(network, f"bn{norm}"), nn.MaxPool2d(pool)]

    match network:
        case Meso4():
            body = [*stage(1, 1), *stage(2, 2), *stage(3, 3), *stage(4, 4, 4), _KerasFlatten()]
        case Meso4SharedNorm():
            body = [*stage(1, 1), *stage(2, 1), *stage(3, 2), *stage(4, 2, 4), nn.Flatten()]
        case MesoInception4():
            blocks = [_PlainInception(block, nn.ReLU) for block in (network.inception1, network.inception2)]
            body = [*blocks, *stage(3, 3), *stage(4, 4, 4), _KerasFlatten()]
        case MesoInception4SharedNorm():
            blocks = [_PlainInception(block, nn.Identity) for block in (network.inception1, network.inception2)]
            body = [*blocks, *stage(1, 1), *stage(2, 1, 4), nn.Flatten()]
        case _:  # Xception is plain until it is fused
            return network.eval()
    return nn.Sequential(*body, *head).eval()
