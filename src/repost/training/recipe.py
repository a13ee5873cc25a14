"""What a network's author supplies; the loop does the rest."""

from __future__ import annotations

import hashlib
import json
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

Networks: TypeAlias = Mapping[str, nn.Module]


class Items(Protocol):
    """Data by index, from 0. An item depends on the index and the epoch alone, never on what was loaded before it."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...  # noqa: ANN401 - whatever the recipe's step takes


@runtime_checkable
class ByEpoch(Protocol):
    """Data whose items differ from epoch to epoch."""

    def set_epoch(self, epoch: int) -> None:
        """Give the items of another epoch from now on; each worker process tells its own copy.

        Args:
            epoch: From 0.
        """
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """One update of one optimiser.

    Attributes:
        optimiser: Its name, as `Recipe.optimisers` has it.
        losses: Scalars by component, such as {"l1": ..., "adversarial": ...}, with their weights already in them:
            their sum is what is minimised.
    """

    optimiser: str
    losses: Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class StepContext:
    """Where a step is, and the only sources of chance it should draw from.

    Both generators, and torch's own (dropout), depend on the seed and the step alone, so that a resumed training draws
    what an uninterrupted one does.

    Attributes:
        step: How many steps were before, from 0.
        steps: How many there are in all.
        device: Where the networks and the batch are.
        generator: Draws on that device.
        rng: Draws in Python.
    """

    step: int
    steps: int
    device: torch.device
    generator: torch.Generator
    rng: random.Random


class Recipe(ABC):
    """One kind of network: its architecture, data, losses and optimisers.

    Attributes:
        name: Such as "comgan".
        version: Raised whenever a change of the code would make old checkpoints wrong.
        selects_by: The score of `validate` that chooses the weights to ship; None without validation data.
        higher_is_better: Whether more of it is better.
        shipped: The networks whose weights are shipped (and averaged, where the settings say so); None ships all.
    """

    name: str
    version: int = 1
    selects_by: str | None = None
    higher_is_better: bool = True
    shipped: tuple[str, ...] | None = None

    @abstractmethod
    def facts(self) -> Mapping[str, str | int | float | bool | None]:
        """Everything besides the code and the settings that decides the result.

        Returns:
            Widths, weights of losses, learning rates, a fingerprint of the data. They are compared on resuming, and
            written into the shipped weights.
        """

    @abstractmethod
    def networks(self) -> dict[str, nn.Module]:
        """New networks on the CPU, their initial weights drawn from torch's global generator, which is seeded.

        Returns:
            Networks by name (letters, digits and "_"). Whether a part is in training mode is left as given here.
        """

    @abstractmethod
    def optimisers(self, networks: Networks) -> dict[str, Optimizer]:
        """New optimisers over the networks' parameters.

        Args:
            networks: As `networks` made them, on their device.

        Returns:
            Optimisers by name, with the learning rates that the schedule multiplies.
        """

    @abstractmethod
    def step(self, networks: Networks, batch: Any, context: StepContext) -> Iterator[Turn]:  # noqa: ANN401
        """Learn from one batch: a generator that yields its turns.

        At each yield the loop empties the gradients of that optimiser, differentiates the sum of the losses, clips and
        updates. What follows the yield sees the updated network: a discriminator and a generator take turns so.

        Args:
            networks: By name.
            batch: Collated items, on the device.
            context: Where the training is, and generators to draw from.

        Yields:
            At least one turn; the same turns with the same components in every step.
        """

    @abstractmethod
    def train_data(self) -> Items:
        """The items to learn from.

        Returns:
            At least one batch of them.
        """

    def validation_data(self) -> Items | None:
        """The items that select the weights; never those of the test set, which the loop does not know.

        Returns:
            Items, or None: the last weights are then shipped.
        """
        return None

    def validate(self, networks: Networks, batches: Iterable[Any], context: StepContext) -> Mapping[str, float]:
        """Score the networks, which are in evaluation mode, without gradients.

        Args:
            networks: By name; those that are shipped with averaged weights where the settings say so.
            batches: All validation items in order, on the device. The last batch may be smaller.
            context: The generators give the same draws at every validation.

        Returns:
            Scores by name, `selects_by` among them.
        """
        raise NotImplementedError(f"recipe {self.name} has validation data and no `validate`")

    def collate(self) -> Callable[[list[Any]], Any] | None:
        """How items become a batch.

        Returns:
            A function of a list of items, that workers can pickle; None for torch's own.
        """
        return None

    def item_name(self, index: int) -> str:
        """What errors call a training item.

        Args:
            index: Its place in the training data.

        Returns:
            Such as its file.
        """
        return f"item {index}"

    def digest(self) -> str:
        """What the recipe is, in 64 hexadecimal digits: of its name, version and facts."""
        whole = {"name": self.name, "version": self.version, "facts": dict(self.facts())}
        return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()

    def label(self) -> str:
        """The recipe in words for errors: name, version and the start of the digest."""
        return f"{self.name} v{self.version} ({self.digest()[:12]})"
