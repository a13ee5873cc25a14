"""Trains the networks that are attacked: each in a given time, on faces that are never attacked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from gradients_faces import Faces
from gradients_networks import Classifier, Critic, StarGenerator, Swapper, UNetEditor

_RATE = 2e-4
_BETAS = (0.5, 0.999)
_RECONSTRUCTION = 10.0
"""Weight of the L1 distance of StarGAN's cycle (Choi et al., 2018)."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How long one network is trained.

    Attributes:
        seconds: Wall time.
        steps: Counted instead, where given, which repeats a run.
        batch: Faces in a step.
        seed: Of weights, batches and augmentation.
    """

    seconds: float
    steps: int | None
    batch: int
    seed: int

    def progress(self) -> Iterator[float]:
        """What share of the budget is used, before every step."""
        start, step, used = time.perf_counter(), 0, 0.0
        while used < 1:
            yield used
            step += 1
            used = step / self.steps if self.steps else (time.perf_counter() - start) / self.seconds


@dataclass(frozen=True, slots=True)
class Target:
    """A trained network.

    Attributes:
        name: For tables.
        network: Takes no gradient of its weights any more.
        output: What it makes of faces with these labels: edited faces, or logits of their sex.
        is_generator: Whether it makes faces.
        steps: It was trained for.
        seconds: It was trained for.
    """

    name: str
    network: nn.Module
    output: Callable[[Tensor, Tensor], Tensor]
    is_generator: bool
    steps: int
    seconds: float

    @property
    def parameters(self) -> int:
        """How many weights."""
        return sum(weight.numel() for weight in self.network.parameters())


def train_target(name: str, faces: Faces, budget: Budget) -> Target:
    """Train one of `TARGETS`."""
    torch.manual_seed(budget.seed)
    start = time.perf_counter()
    network, output, steps = TARGETS[name](faces, budget)
    if faces.pixels.is_cuda:
        torch.cuda.synchronize()
    network.eval().requires_grad_(requires_grad=False)
    return Target(name, network, output, name != "classifier", steps, time.perf_counter() - start)


Trained = tuple[nn.Module, Callable[[Tensor, Tensor], Tensor], int]


def _star(faces: Faces, budget: Budget) -> Trained:
    return _editor(StarGenerator(), faces, budget, cycle=True)


def _unet(faces: Faces, budget: Budget) -> Trained:
    return _editor(UNetEditor(), faces, budget, cycle=False)


def _editor(generator: nn.Module, faces: Faces, budget: Budget, *, cycle: bool) -> Trained:
    """A GAN of attributes: the way back reconstructs the face (StarGAN), or its own labels do (AttGAN)."""
    generator, critic = (_placed(network, faces) for network in (generator, Critic()))
    optimisers = [torch.optim.Adam(network.parameters(), _RATE, _BETAS) for network in (generator, critic)]
    step = 0
    for step, used in enumerate(budget.progress(), 1):  # noqa: B007 - the last number is how many there were
        for optimiser in optimisers:
            _set_rate(optimiser, _RATE * min(1, 2 - 2 * used))
        batch = _mirrored(_drawn(faces, budget.batch))
        wanted = batch.labels[torch.randperm(budget.batch, device=batch.labels.device)]
        wanted = torch.where(torch.rand_like(wanted) < 0.3, 1 - wanted, wanted)
        fake = generator(batch.pixels, wanted)

        looks, labels = critic(batch.pixels)
        looks_fake, _ = critic(fake.detach())
        told = functional.binary_cross_entropy_with_logits(labels, batch.labels)
        _descend(optimisers[1], functional.relu(1 - looks).mean() + functional.relu(1 + looks_fake).mean() + told)

        critic.requires_grad_(requires_grad=False)
        looks_fake, labels = critic(fake)
        told = functional.binary_cross_entropy_with_logits(labels, wanted)
        again = generator(fake if cycle else batch.pixels, batch.labels)
        _descend(optimisers[0], told - looks_fake.mean() + _RECONSTRUCTION * functional.l1_loss(again, batch.pixels))
        critic.requires_grad_(requires_grad=True)

    def other_sex(pixels: Tensor, labels: Tensor) -> Tensor:
        return generator(pixels, torch.stack((1 - labels[:, 0], labels[:, 1]), 1))

    return generator, other_sex, step


def _swapper(faces: Faces, budget: Budget) -> Trained:
    """Each decoder draws the faces of one sex from what the encoder keeps of a warped copy."""
    swapper = _placed(Swapper(), faces)
    optimiser = torch.optim.Adam(swapper.parameters(), _RATE, _BETAS)
    step = 0
    for step, used in enumerate(budget.progress(), 1):  # noqa: B007
        _set_rate(optimiser, _RATE * min(1, 2 - 2 * used))
        batch = _mirrored(_drawn(faces, budget.batch))
        again = swapper(_warped(batch.pixels), batch.labels[:, 0])
        _descend(optimiser, functional.l1_loss(again, batch.pixels))
    return swapper, lambda pixels, labels: swapper(pixels, 1 - labels[:, 0]), step


def _classifier(faces: Faces, budget: Budget) -> Trained:
    network = _placed(Classifier(), faces)
    optimiser = torch.optim.AdamW(network.parameters(), 1e-3, weight_decay=0.02)
    step = 0
    for step, used in enumerate(budget.progress(), 1):  # noqa: B007
        _set_rate(optimiser, 2e-3 * (1 - used))
        batch = _mirrored(_drawn(faces, budget.batch))
        light = 1 + 0.3 * (torch.rand(len(batch), 1, 1, 1, device=faces.pixels.device) - 0.5)
        logits = network(_warped(batch.pixels) * light)
        _descend(optimiser, functional.cross_entropy(logits, batch.sex, label_smoothing=0.05))
    return network, lambda pixels, _labels: network(pixels), step


TARGETS: dict[str, Callable[[Faces, Budget], Trained]] = {
    "classifier": _classifier,
    "StarGAN": _star,
    "U-Net editor": _unet,
    "face swap": _swapper,
}
"""The classifier first: it judges what the others make."""


def _placed(network: nn.Module, faces: Faces) -> nn.Module:
    return network.to(device=faces.pixels.device, memory_format=torch.channels_last)


def _drawn(faces: Faces, count: int) -> Faces:
    return faces[torch.randint(len(faces), (count,), device=faces.pixels.device)]


def _mirrored(faces: Faces) -> Faces:
    turned = torch.rand(len(faces), 1, 1, 1, device=faces.pixels.device) < 0.5
    return Faces(torch.where(turned, faces.pixels.flip(3), faces.pixels), faces.labels)


def _warped(pixels: Tensor) -> Tensor:
    """Moved, scaled and bent a little, each in its own way."""
    count, device = len(pixels), pixels.device
    moved = torch.eye(2, 3, device=device) + 0.06 * torch.randn(count, 2, 3, device=device)
    bent = 0.03 * torch.randn(count, 2, 5, 5, device=device)
    bent = functional.interpolate(bent, size=pixels.shape[2:], mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    grid = functional.affine_grid(moved, list(pixels.shape), align_corners=False) + bent
    return functional.grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)


def _set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate


def _descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
