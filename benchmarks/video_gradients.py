"""What the gradient of the video channel is worth: descent on a loss that is measured after the real channel.

    python benchmarks/video_gradients.py [--networks N]

A loss is the output of a small convolutional network of random weights on the served frames. Each of three clips (16
frames of 128x96 that pan over a photograph of scikit-image) is moved by five steps of the gradient's sign, at most
8/255 a sample, so that the loss falls. Prints the mean fall for each gradient, beside that of random signs (the mean of
three) and of descent that does not know the channel, and in how many of all cases zero_bin does best of all.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

import numpy as np
import skimage.data
import torch
from torch import Tensor

from environment import print_environment
from repost.channel.surrogate import SurrogateVideoChannel
from repost.platforms import Profile
from tables import print_table

FRAMES, WIDTH, HEIGHT = 16, 128, 96
STEPS, LIMIT, STEP = 5, 8 / 255, 8 / 255 / 3
KINDS = ("random", "no channel", "identity", "cubic", "zero_bin")

H264 = {"op": "encode", "codec": "h264", "preset": "veryfast"}
RESIZE = {"op": "resize", "fit": "short_side", "px": 64, "kernel": "bicubic", "multiple_of": 2}
RULES = {
    "crf 28": [H264 | {"rate": {"mode": "crf", "crf": 28}}],
    "crf 35": [H264 | {"rate": {"mode": "crf", "crf": 35}}],
    "2/3 size, 15 fps, crf 28": [
        RESIZE,
        {"op": "frame_rate", "fps": 15},
        H264 | {"rate": {"mode": "crf", "crf": 28}},
    ],
    "1.8 bit per pixel and second": [H264 | {"rate": {"mode": "abr", "bits_per_pixel_s": 1.8}}],
}

Loss = Callable[[Tensor], Tensor]


def profile_of(steps: list[dict[str, object]]) -> Profile:
    """A profile of one rule."""
    return Profile.model_validate(
        {
            "platform": "bench",
            "observed": "2026",
            "summary": "for a benchmark",
            "evidence": [{"kind": "inferred", "source": "this benchmark"}],
            "rules": [{"media": "video", "name": "every", "steps": steps}],
        }
    )


def clips() -> list[Tensor]:
    """Pans over three photographs, 2 px a frame, at half their size."""
    found: list[Tensor] = []
    for photograph in (skimage.data.astronaut(), skimage.data.coffee(), skimage.data.chelsea()):
        half = photograph[::2, ::2]
        frames = [half[20 : 20 + HEIGHT, 2 * index : 2 * index + WIDTH] for index in range(FRAMES)]
        found.append(torch.tensor(np.stack(frames)).permute(0, 3, 1, 2).float() / 255)
    return found


def network(seed: int) -> Loss:
    """Two convolutions of random weights, their means weighted at random."""
    generator = torch.Generator().manual_seed(seed)
    first, second = (torch.randn(shape, generator=generator) / 6 for shape in ((8, 3, 3, 3), (8, 8, 3, 3)))
    last = torch.randn(8, generator=generator)
    layer = torch.nn.functional.conv2d
    return lambda clip: layer(layer(clip - 0.5, first, stride=2).relu(), second, stride=2).relu().mean((0, 2, 3)) @ last


def fall(clip: Tensor, loss: Loss, profile: Profile, kind: str) -> float:
    """By how much the loss after the real channel falls."""
    share = SurrogateVideoChannel(profile, gradient=kind if kind in KINDS[2:] else "identity", seed=0)  # type: ignore[arg-type]
    with torch.no_grad():
        before = float(loss(share(clip)))
        if kind == "random":
            signs = [torch.randn(clip.shape).sign() for _ in range(3)]
            return before - float(np.mean([float(loss(share((clip + LIMIT * one).clamp(0, 1)))) for one in signs]))
    moved = clip.clone()
    for _ in range(STEPS):
        moved.requires_grad_()
        (gradient,) = torch.autograd.grad(loss(moved if kind == "no channel" else share(moved)), moved)
        moved = (moved.detach() - STEP * gradient.sign()).clamp(clip - LIMIT, clip + LIMIT).clamp(0, 1)
    with torch.no_grad():
        return before - float(loss(share(moved)))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=5)
    networks = parser.parse_args().networks
    torch.manual_seed(0)
    torch.set_num_threads(1)
    rows: list[list[str]] = []
    for name, steps in RULES.items():
        measure = partial(fall, profile=profile_of(steps))
        falls = np.array([
            [measure(clip, network(seed), kind=kind) for kind in KINDS] for clip in clips() for seed in range(networks)
        ])  # fmt: skip
        best = int((falls.argmax(1) == len(KINDS) - 1).sum())
        rows.append([name, *(f"{mean:.4f}" for mean in falls.mean(0)), f"{best}/{len(falls)}"])
    print_table(["rule", *KINDS, "zero_bin best"], rows)
    print_environment()


if __name__ == "__main__":
    main()
