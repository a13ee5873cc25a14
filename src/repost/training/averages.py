"""Exponential moving averages of weights."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import nn


class Averages:
    """Averaged copies of networks.

    The first averages would mostly be the initial weights, so that the decay is at most (1 + n) / (10 + n) after n
    updates, as in TensorFlow's `ExponentialMovingAverage` with `num_updates`. Counters and buffers, such as those of
    batch normalisation, are copied.

    Args:
        networks: What is averaged.
        decay: Above 0 and below 1.

    Attributes:
        networks: The averaged copies; they take no gradients.
    """

    def __init__(self, networks: Mapping[str, nn.Module], decay: float) -> None:
        self.decay = decay
        self.networks = {name: copy.deepcopy(network).requires_grad_(False) for name, network in networks.items()}

    @torch.no_grad()
    def update(self, networks: Mapping[str, nn.Module], updates: int) -> None:
        """Move the averages towards the networks.

        Args:
            networks: The same as before, trained further.
            updates: How many updates were before this one.
        """
        decay = min(self.decay, (1 + updates) / (10 + updates))
        for name, average in self.networks.items():
            weights, buffers = dict(networks[name].named_parameters()), dict(networks[name].named_buffers())
            for key, weight in average.named_parameters():
                weight.lerp_(weights[key], 1 - decay)
            for key, buffer in average.named_buffers():
                buffer.copy_(buffers[key])
