"""Attacks networks through differentiable JPEGs, and judges the faces after a real one."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from diffjpeg import diffjpeg
from gradients_faces import Faces
from gradients_targets import Target
from peers import has_kornia
from repost.channel.surrogate import jpeg
from repost.channel.surrogate.straight_through import straight_through

Loop: TypeAlias = Callable[[Tensor, Sequence[int]], Tensor]

BOUND, STEP = 0.05, 0.01
"""Of the attack, on [-1, 1], as in DF-RAP."""
SUCCESS = 0.05
"""Mean squared change of what a generator makes, on [-1, 1], from which on an attack counts, as in DF-RAP."""
POOL = (60, 71, 75, 80, 85, 90, 92)
"""Qualities drawn in the loop."""
JUDGED: tuple[int | None, ...] = (None, 92, 71, 50)
"""Qualities of the real codec that judges; None is no codec."""


def loops() -> dict[str, Loop]:
    """What a face in [0, 1] goes through on its way to the network, by name."""
    found: dict[str, Loop] = {"nothing": lambda pixels, _qualities: pixels, "straight-through": _past_the_codec}
    for gradient in ("identity", "cubic", "zero_bin"):
        found[gradient] = partial(jpeg, gradient=gradient)
    if has_kornia():
        from kornia.enhance import jpeg_codec_differentiable

        found["kornia"] = lambda pixels, qualities: jpeg_codec_differentiable(
            pixels, torch.tensor(qualities, dtype=pixels.dtype, device=pixels.device)
        )
    return found | {"DiffJPEG": diffjpeg}


def _past_the_codec(pixels: Tensor, qualities: Sequence[int]) -> Tensor:
    """The real codec's pixels with the gradient of doing nothing; ours has its pixels to the bit, on any device."""
    return straight_through(pixels, jpeg(pixels.detach(), qualities))


@dataclass(frozen=True, slots=True)
class Attacked:
    """What one way of attacking one network did to every face with every seed.

    Attributes:
        target: The network's name.
        loop: What was in the loop.
        steps: Of gradient ascent.
        psnr_db: Of the attacked faces in 8 bits, shape (seeds, faces).
        scores: By quality of the real codec, shape (seeds, faces): mean squared change of what a generator makes of
            the face, or by how much a classifier's probability of the right answer fell; against the face without an
            attack after the same codec.
        successes: The same, whether it counts: change >= 0.05, or the answer is wrong.
    """

    target: str
    loop: str
    steps: int
    psnr_db: NDArray[np.float64]
    scores: dict[int | None, NDArray[np.float64]]
    successes: dict[int | None, NDArray[np.float64]]


class Attack:
    """Attacks one network on the same faces, from the same random starts and with the same draws of qualities."""

    def __init__(self, target: Target, faces: Faces, *, seeds: Sequence[int]) -> None:
        self.target, self.faces, self.seeds = target, faces, seeds
        self.sets = len(seeds)
        self.every = Faces(faces.pixels.repeat(self.sets, 1, 1, 1), faces.labels.repeat(self.sets, 1))
        self.clean = {quality: self._seen(_levels(faces.pixels), quality, faces) for quality in JUDGED}

    def run(self, name: str, loop: Loop, *, steps: int) -> Attacked:
        """Attack with this in the loop, and judge."""
        attacked = _levels(self._ascend(loop, steps))
        mse = (_pixels(attacked) - _pixels(_levels(self.every.pixels))).square().mean((1, 2, 3))
        psnr = 10 * torch.log10(4 / mse.clamp_min(1e-9))
        scores, successes = {}, {}
        for quality in JUDGED:
            score, success = self._judge(self._seen(attacked, quality, self.every), self.clean[quality])
            scores[quality], successes[quality] = (self._by_seed(found) for found in (score, success))
        return Attacked(self.target.name, name, steps, self._by_seed(psnr), scores, successes)

    def _ascend(self, loop: Loop, steps: int) -> Tensor:
        """Projected gradient ascent on sign gradients within the bound."""
        faces = self.every
        generators = [np.random.default_rng(seed) for seed in self.seeds]
        shape = tuple(self.faces.pixels.shape)
        noise = np.concatenate([rng.uniform(-BOUND, BOUND, shape).astype(np.float32) for rng in generators])
        low, high = (faces.pixels - BOUND).clamp_min(-1), (faces.pixels + BOUND).clamp_max(1)
        attacked = (faces.pixels + torch.from_numpy(noise).to(faces.pixels.device)).clamp(low, high)
        with torch.no_grad():
            wanted = self.target.output(faces.pixels, faces.labels)
        for _ in range(steps):
            attacked = attacked.detach().requires_grad_()
            qualities = [int(one) for rng in generators for one in rng.choice(POOL, len(self.faces))]
            seen = loop(((attacked + 1) / 2).clamp(0, 1), qualities) * 2 - 1
            (slope,) = torch.autograd.grad(self._loss(self.target.output(seen, faces.labels), wanted), attacked)
            attacked = (attacked.detach() + STEP * slope.sign()).clamp(low, high)
        return attacked.detach()

    def _loss(self, output: Tensor, wanted: Tensor) -> Tensor:
        if self.target.is_generator:
            return functional.mse_loss(output, wanted, reduction="sum")
        return functional.cross_entropy(output, self.every.sex, reduction="sum")

    @torch.no_grad()
    def _seen(self, levels: Tensor, quality: int | None, faces: Faces) -> Tensor:
        """What the network makes of faces in 8 bits after the real codec."""
        served = levels if quality is None else really_compressed(levels, quality)
        pixels = _pixels(served).to(faces.pixels.device, memory_format=torch.channels_last)
        return self.target.output(pixels, faces.labels).float()

    def _judge(self, output: Tensor, clean: Tensor) -> tuple[Tensor, Tensor]:
        clean = clean.repeat(self.sets, *(1 for _ in clean.shape[1:]))
        if self.target.is_generator:
            change = (output - clean).square().mean((1, 2, 3))
            return change, change >= SUCCESS
        right = self.every.sex.unsqueeze(1)
        before, after = (logits.softmax(1).gather(1, right).squeeze(1) for logits in (clean, output))
        return before - after, output.argmax(1) != right.squeeze(1)

    def _by_seed(self, values: Tensor) -> NDArray[np.float64]:
        return values.view(self.sets, -1).double().cpu().numpy()


def really_compressed(levels: Tensor, quality: int) -> Tensor:
    """What Pillow reads of faces that it wrote as JPEG 4:2:0; levels (n, 3, height, width) uint8."""

    def round_trip(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=quality, subsampling=2)
        return np.asarray(Image.open(file).convert("RGB"))

    pictures = np.ascontiguousarray(levels.permute(0, 2, 3, 1).numpy())
    with ThreadPoolExecutor() as threads:
        return torch.from_numpy(np.stack(list(threads.map(round_trip, pictures)))).permute(0, 3, 1, 2)


def _levels(pixels: Tensor) -> Tensor:
    """Faces in [-1, 1] in 8 bits, on the CPU."""
    return ((pixels + 1) * 127.5).round().clamp(0, 255).byte().cpu()


def _pixels(levels: Tensor) -> Tensor:
    return levels.float() / 127.5 - 1
