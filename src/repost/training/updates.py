"""One turn of a recipe: losses to gradients to new weights."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from repost.core.errors import InvalidRecipe, NonFiniteLoss
from repost.training.device import average, average_gradients
from repost.training.recipe import Turn
from repost.training.settings import TrainingSettings, learning_rate_factor

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Updates:
    """Carries out turns.

    Args:
        fabric: Launched.
        settings: `clip_norm` and the schedule are read.
        recipe: The recipe's name, for errors.
        optimisers: By name, with the state they go on from.
        base_rates: The learning rates that the schedule multiplies, by optimiser, one for each group.
    """

    def __init__(
        self,
        fabric: Fabric,
        settings: TrainingSettings,
        *,
        recipe: str,
        optimisers: Mapping[str, Optimizer],
        base_rates: Mapping[str, list[float]],
    ) -> None:
        self._fabric, self._settings, self._recipe = fabric, settings, recipe
        self._plain, self._rates = optimisers, base_rates
        self._wrapped = {name: cast("Optimizer", fabric.setup_optimizers(o)) for name, o in optimisers.items()}
        # Fabric asks for a network when it clips, and uses it only with strategies that are not used here.
        self._any_network = nn.Module()

    def start(self, step: int) -> dict[str, float]:
        """Set the learning rates of a step.

        Args:
            step: From 0.

        Returns:
            The rate of the first group of each optimiser.
        """
        factor = learning_rate_factor(self._settings, step)
        for name, optimiser in self._plain.items():
            for group, rate in zip(optimiser.param_groups, self._rates[name], strict=True):
                group["lr"] = rate * factor
        return {name: rates[0] * factor for name, rates in self._rates.items()}

    def take(self, turn: Turn, *, step: int, items: Callable[[], list[str]]) -> dict[str, float]:
        """Update one optimiser's networks.

        Args:
            turn: What the recipe yielded.
            step: From 1, for errors.
            items: Gives the names of the batch's items, for errors.

        Returns:
            The losses by component, such as "generator/l1", and their sum where there are several; means over devices.

        Raises:
            InvalidRecipe: The turn names no optimiser, or has no losses that depend on its networks.
            NonFiniteLoss: A loss is NaN or infinite; nothing was updated.
        """
        total = self._total(turn)
        parts = torch.stack([loss.detach().float() for loss in turn.losses.values()])
        values = [float(value) for value in average(self._fabric, parts).cpu()]
        losses = {f"{turn.optimiser}/{name}": value for name, value in zip(turn.losses, values, strict=True)}
        for name, value in losses.items():
            if not math.isfinite(value):
                raise NonFiniteLoss(step, component=name, value=str(value), items=items())
        optimiser = self._wrapped[turn.optimiser]
        optimiser.zero_grad()
        self._fabric.backward(total)
        average_gradients(self._fabric, self._plain[turn.optimiser])
        if self._settings.clip_norm is not None:
            # "16-mixed" overflows on purpose now and then, and leaves such a step out.
            self._fabric.clip_gradients(
                self._any_network, optimiser, max_norm=self._settings.clip_norm, error_if_nonfinite=False
            )
        optimiser.step()
        return losses if len(losses) == 1 else {**losses, f"{turn.optimiser}/total": math.fsum(values)}

    def _total(self, turn: Turn) -> Tensor:
        if turn.optimiser not in self._plain:
            expected = f"one of {list(self._plain)}"
            raise InvalidRecipe(self._recipe, got=f"a turn of the optimiser '{turn.optimiser}'", expected=expected)
        for name, loss in turn.losses.items():
            if loss.numel() != 1 or loss.ndim != 0:
                got = f"the loss {turn.optimiser}/{name} of shape {tuple(loss.shape)}"
                raise InvalidRecipe(self._recipe, got=got, expected="a scalar")
        total = functools.reduce(operator.add, turn.losses.values()) if turn.losses else None
        if total is None or not total.requires_grad:
            got = f"losses of {turn.optimiser} that depend on no weight"
            raise InvalidRecipe(self._recipe, got=got, expected="at least one that does")
        return total
