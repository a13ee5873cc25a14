"""Two small recipes that learn something whose answer is known."""

import os
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from repost.training import Networks, Recipe, StepContext, Turn

WEIGHTS = (1.5, -2.0, 0.5)
BIAS = 0.7


class Points:
    """y = w x + b with noise; an item's numbers depend on the index and the epoch alone."""

    def __init__(self, count: int, seed: int, broken: int | None = None) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.x = torch.randn(count, 3, generator=generator)
        self.y = self.x @ torch.tensor(WEIGHTS) + BIAS + 0.1 * torch.randn(count, generator=generator)
        if broken is not None:
            self.y[broken] = torch.inf
        self.loaded: list[int] = []

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        self.loaded.append(index)
        return self.x[index], self.y[index]


class ShiftingPoints(Points):
    """Points whose targets move a little with the epoch."""

    epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        x, y = super().__getitem__(index)
        return x, y + 0.01 * self.epoch


def least_squares(points: Points) -> tuple[Tensor, float]:
    """The closed form: weights with the bias last, and the mean squared error that nothing linear beats."""
    ones = torch.cat([points.x, torch.ones(len(points), 1)], dim=1)
    solution = torch.linalg.lstsq(ones, points.y[:, None]).solution[:, 0]
    return solution, float((ones @ solution - points.y).square().mean())


@dataclass
class Regression(Recipe):
    """A plain supervised recipe. With `noise` and `dropout` every step draws at random, in both ways there are."""

    name: str = "regression"
    learning_rate: float = 0.05
    noise: float = 0.0
    dropout: float = 0.0
    normalised: bool = False
    optimiser: str = "adam"
    train: Points = field(default_factory=lambda: Points(64, 1))
    validation: Points | None = field(default_factory=lambda: Points(40, 2))
    pause_s: float = 0.0
    signal_at: int | None = None
    seen: list[Any] = field(default_factory=list)
    selects_by: str | None = "mse"
    higher_is_better: bool = False

    def facts(self) -> Mapping[str, str | int | float | bool | None]:
        return {"learning_rate": self.learning_rate, "noise": self.noise, "dropout": self.dropout}

    def networks(self) -> dict[str, nn.Module]:
        parts = [nn.Linear(3, 8), nn.BatchNorm1d(8)] if self.normalised else [nn.Linear(3, 1)]
        parts += [nn.Dropout(self.dropout), *([nn.Linear(8, 1)] if self.normalised else [])]
        return {"line": nn.Sequential(*parts)}

    def optimisers(self, networks: Networks) -> dict[str, Optimizer]:
        weights = networks["line"].parameters()
        if self.optimiser == "sgd":
            return {"line": torch.optim.SGD(weights, self.learning_rate, momentum=0.9)}
        return {"line": torch.optim.Adam(weights, self.learning_rate)}

    def step(self, networks: Networks, batch: Any, context: StepContext) -> Iterator[Turn]:
        x, y = batch
        x = x + self.noise * torch.randn(x.shape, generator=context.generator, device=x.device)
        if self.noise:
            x = x + 0.1 * self.noise * context.rng.random()
        self.seen.append((context.step, x.clone()))
        time.sleep(self.pause_s)
        if context.step == self.signal_at:
            os.kill(os.getpid(), signal.SIGTERM if self.optimiser == "sgd" else signal.SIGINT)
        yield Turn("line", {"mse": (networks["line"](x)[:, 0] - y).square().mean()})

    def train_data(self) -> Points:
        return self.train

    def validation_data(self) -> Points | None:
        return self.validation

    def validate(self, networks: Networks, batches: Iterable[Any], context: StepContext) -> Mapping[str, float]:
        errors = torch.cat([networks["line"](x)[:, 0] - y for x, y in batches])
        return {"mse": float(errors.square().mean()), "draw": context.rng.random()}


MEAN, SPREAD = 3.0, 0.5


class Samples:
    """Draws from the distribution the generator is to learn."""

    def __init__(self, count: int) -> None:
        self.values = MEAN + SPREAD * torch.randn(count, 1, generator=torch.Generator().manual_seed(5))

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: int) -> Tensor:
        return self.values[index]


class Gan(Recipe):
    """A discriminator and a generator in turns (least squares, Mao et al. 2017), with a loss of two parts."""

    name = "tiny-gan"
    shipped = ("generator",)

    def __init__(self) -> None:
        self.order: list[tuple[str, float]] = []

    def facts(self) -> Mapping[str, str | int | float | bool | None]:
        return {"shrink": 1e-3}

    def networks(self) -> dict[str, nn.Module]:
        return {
            "generator": nn.Linear(1, 1),
            "discriminator": nn.Sequential(nn.Linear(1, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1)),
        }

    def optimisers(self, networks: Networks) -> dict[str, Optimizer]:
        return {
            "discriminator": torch.optim.Adam(networks["discriminator"].parameters(), 5e-3, betas=(0.5, 0.9)),
            "generator": torch.optim.Adam(networks["generator"].parameters(), 5e-3, betas=(0.5, 0.9)),
        }

    def step(self, networks: Networks, batch: Any, context: StepContext) -> Iterator[Turn]:
        generator, discriminator = networks["generator"], networks["discriminator"]
        fake = generator(torch.randn(batch.shape, generator=context.generator, device=batch.device))
        judged = discriminator(fake.detach())
        yield Turn(
            "discriminator",
            {"real": (discriminator(batch) - 1).square().mean(), "fake": judged.square().mean()},
        )
        again = discriminator(fake)  # by the discriminator as it is now
        self.order.append(("moved", float((again - judged).detach().abs().max())))
        shrink = 1e-3 * sum(weight.square().sum() for weight in generator.parameters())
        yield Turn("generator", {"adversarial": (again - 1).square().mean(), "shrink": shrink})

    def train_data(self) -> Samples:
        return Samples(512)
