"""What changes while a training runs, and how it gets into a checkpoint and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from repost.core.errors import InvalidCheckpoint, InvalidRecipe
from repost.training.averages import Averages
from repost.training.checkpoint import (
    BestFacts,
    Checkpoint,
    CheckpointFacts,
    checkpoint_path,
    describe_recipe,
    describe_settings,
    library_versions,
)
from repost.training.flatten import flatten, unflatten
from repost.training.recipe import Recipe
from repost.training.settings import TrainingSettings


@dataclass(slots=True)
class LossWindow:
    """Losses since the last row of the log."""

    steps: int = 0
    sums: dict[str, float] = field(default_factory=dict[str, float])

    def add(self, losses: Mapping[str, float]) -> None:
        """Count the losses of one step."""
        self.steps += 1
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def take(self) -> dict[str, float]:
        """The means, after which it is empty."""
        means = {name: total / self.steps for name, total in self.sums.items()}
        self.steps, self.sums = 0, {}
        return means


@dataclass(frozen=True, slots=True)
class Best:
    """The best validation so far: its step, its scores, and the shipped networks' tensors by network, on the CPU."""

    step: int
    scores: Mapping[str, float]
    tensors: Mapping[str, Mapping[str, Tensor]]


@dataclass(slots=True)
class TrainingState:
    """A training between two steps.

    Attributes:
        step: How many steps are done.
        networks: By name.
        optimisers: By name.
        averages: Of the shipped networks; None where the settings have none.
        shipped: The names of the shipped networks.
        window: Losses since the last row of the log.
        best: The best validation so far.
    """

    networks: dict[str, nn.Module]
    optimisers: dict[str, Optimizer]
    averages: Averages | None
    shipped: tuple[str, ...]
    step: int = 0
    window: LossWindow = field(default_factory=LossWindow)
    best: Best | None = None

    def judged(self) -> dict[str, nn.Module]:
        """The networks that are validated and shipped: averaged where there are averages."""
        return {**self.networks, **(self.averages.networks if self.averages else {})}

    def shipped_tensors(self) -> dict[str, dict[str, Tensor]]:
        """Copies of the shipped networks' tensors as they are now, on the CPU."""
        judged = self.judged()
        return {
            name: {key: value.detach().cpu().clone() for key, value in judged[name].state_dict().items()}
            for name in self.shipped
        }

    def first_non_finite(self) -> tuple[str, float] | None:
        """A weight that is NaN or infinite, with its value."""
        for name, network in self.networks.items():
            for key, value in network.state_dict().items():
                if value.is_floating_point() and not bool(torch.isfinite(value).all()):
                    return f"the weight {name}/{key}", float(value[~torch.isfinite(value)][0])
        return None


def new_state(recipe: Recipe, settings: TrainingSettings, device: torch.device) -> TrainingState:
    """A training before its first step.

    Args:
        recipe: What is trained.
        settings: `average_decay` is read.
        device: Where the networks go.

    Returns:
        The state; torch's global generator was used for the initial weights.

    Raises:
        InvalidRecipe: There is no network or optimiser, a name is unusable, or a shipped network does not exist.
    """
    networks = {name: network.to(device) for name, network in recipe.networks().items()}
    for name in networks:
        if not name.isidentifier():
            raise InvalidRecipe(recipe.name, got=f"a network named {name!r}", expected="letters, digits and '_'")
    shipped = tuple(networks) if recipe.shipped is None else recipe.shipped
    if not shipped or not set(shipped) <= set(networks):
        raise InvalidRecipe(recipe.name, got=f"shipped={shipped}", expected=f"some of the networks {tuple(networks)}")
    optimisers = dict(recipe.optimisers(networks))
    if not optimisers:
        raise InvalidRecipe(recipe.name, got="no optimiser", expected="one or more by name")
    for name, network in networks.items():
        if not all(isinstance(value, Tensor) for value in network.state_dict().values()):
            raise InvalidRecipe(recipe.name, got=f"extra state in the network '{name}'", expected="tensors only")
    decay = settings.average_decay
    averages = None if decay is None else Averages({name: networks[name] for name in shipped}, decay)
    return TrainingState(networks, optimisers, averages, shipped)


def to_checkpoint(
    state: TrainingState,
    folder: Path,
    *,
    recipe: Recipe,
    settings: TrainingSettings,
    items: int,
    scaler: Mapping[str, Any],
) -> Checkpoint:
    """A checkpoint of a training as it is now. Its tensors are the training's own, to be written before the next step.

    Args:
        state: The training.
        folder: Of the checkpoints.
        recipe: Its recipe.
        settings: Its settings.
        items: How many training items it has.
        scaler: The state of the loss scaling.

    Returns:
        The checkpoint.
    """
    tensors = {f"networks/{name}/{key}": value for name, key, value in _weights(state.networks)}
    if state.averages is not None:
        tensors |= {f"averages/{name}/{key}": value for name, key, value in _weights(state.averages.networks)}
    if state.best is not None:
        for name, weights in state.best.tensors.items():
            tensors |= {f"best/{name}/{key}": value for key, value in weights.items()}
    optimisers = {
        name: flatten(optimiser.state_dict(), f"optimisers/{name}", tensors)
        for name, optimiser in state.optimisers.items()
    }
    facts = CheckpointFacts(
        step=state.step,
        recipe=describe_recipe(recipe),
        settings=describe_settings(settings),
        items=items,
        window_steps=state.window.steps,
        window_sums=dict(state.window.sums),
        best=state.best and BestFacts(step=state.best.step, scores=dict(state.best.scores)),
        optimisers=optimisers,
        scaler=flatten(scaler, "scaler", tensors),
        libraries=library_versions(),
    )
    return Checkpoint(checkpoint_path(folder, state.step), facts, tensors)


def restore(state: TrainingState, checkpoint: Checkpoint) -> dict[str, Any]:
    """Bring a new training to where a checkpoint is.

    Args:
        state: As `new_state` gave it; it is changed.
        checkpoint: Of the same recipe and settings.

    Returns:
        The state of the loss scaling.

    Raises:
        InvalidCheckpoint: Its tensors do not fit the networks or optimisers.
    """
    facts, tensors = checkpoint.facts, checkpoint.tensors
    try:
        for name, network in state.networks.items():
            network.load_state_dict(_under(f"networks/{name}/", tensors))
        for name, network in (state.averages.networks if state.averages else {}).items():
            network.load_state_dict(_under(f"averages/{name}/", tensors))
        for name, optimiser in state.optimisers.items():
            optimiser.load_state_dict(unflatten(facts.optimisers[name], tensors))
        scaler: dict[str, Any] = unflatten(facts.scaler, tensors)
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        raise InvalidCheckpoint(checkpoint.path, reason=f"it does not fit the recipe ({error})") from error
    state.step = facts.step
    state.window = LossWindow(facts.window_steps, dict(facts.window_sums))
    if facts.best is not None:
        best = {name: _under(f"best/{name}/", tensors) for name in state.shipped}
        state.best = Best(facts.best.step, facts.best.scores, best)
    return scaler


def _weights(networks: Mapping[str, nn.Module]) -> list[tuple[str, str, Tensor]]:
    return [(name, key, value) for name, network in networks.items() for key, value in network.state_dict().items()]


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
