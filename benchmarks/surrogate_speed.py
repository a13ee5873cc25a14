"""How fast each differentiable JPEG is."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from spread import bootstrap
from tables import print_table

Codec: TypeAlias = Callable[[Tensor, Sequence[int]], Tensor]
Seconds: TypeAlias = dict[str, list[float]]
SHAPE = (16, 3, 256, 256)
QUALITY = 75
ASKED = {"kornia": 5.0, "DiffJPEG": 1.4}
"""Ratios of CPU time that were asked of ours on the CPU."""


def report_speed(codecs: Mapping[str, Codec], device: torch.device, *, seed: int, quick: bool) -> dict[str, Any]:
    """Time forward and backward in interleaved rounds, and print."""
    generator = torch.Generator().manual_seed(seed)
    pixels = _smooth(generator).to(device).requires_grad_()
    weights = torch.rand(SHAPE, generator=generator).to(device)
    rounds, warm = (3, 1) if quick else (200 if device.type == "cuda" else 25, 3)
    wall: Seconds = {name: [] for name in codecs}
    cpu: Seconds = {name: [] for name in codecs}
    names = list(codecs)
    for number in range(warm + rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            seconds = (_on_gpu if device.type == "cuda" else _on_cpu)(codecs[name], pixels, weights)
            if number >= warm:
                wall[name].append(seconds[0])
                cpu[name].append(seconds[1])
    on = torch.cuda.get_device_name() if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    what = "x".join(map(str, SHAPE))
    print(f"\nforward + backward of {what}, quality {QUALITY}, 4:2:0, on {on}; n = {rounds} rounds")
    rows = [[name, *_cells(wall, name), *_cells(cpu, name)] for name in names]
    clock = "GPU ms" if device.type == "cuda" else "wall ms"
    ratio = ("ours is faster by", "95 % interval")
    print_table(("medians", clock, *ratio, "CPU ms", *ratio), rows)
    if device.type == "cpu":
        _print_asked(cpu)
    return {"rounds": rounds, "device": on, "wall_s": wall, "cpu_s": cpu}


def _cells(seconds: Seconds, name: str) -> list[str]:
    median = f"{np.median(seconds[name]) * 1e3:.2f}"
    if name == "ours":
        return [median, "", ""]
    ratio, (low, high) = _ratio(seconds, name)
    return [median, f"{ratio:.2f}", f"{low:.2f}-{high:.2f}"]


def _ratio(seconds: Seconds, name: str) -> tuple[float, tuple[float, float]]:
    """Median over rounds of the time of another over ours in the same round."""
    ratios = np.array(seconds[name]) / np.array(seconds["ours"])
    return float(np.median(ratios)), bootstrap(len(ratios), lambda drawn: np.median(ratios[drawn], axis=1))


def _print_asked(cpu: Seconds) -> None:
    for name in cpu:
        for peer, asked in ASKED.items():
            if name.startswith(peer):
                ratio, (low, high) = _ratio(cpu, name)
                verdict = "met" if ratio >= asked else "MISSED"
                found = f"{ratio:.2f} ({low:.2f}-{high:.2f})"
                print(f"CPU time of {name} over ours: {found}; asked >= {asked:g}: {verdict}")


def _on_cpu(codec: Codec, pixels: Tensor, weights: Tensor) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    _step(codec, pixels, weights)
    return time.perf_counter() - wall, time.process_time() - cpu


def _on_gpu(codec: Codec, pixels: Tensor, weights: Tensor) -> tuple[float, float]:
    """From the first kernel's queueing to the last one's end, and this process's CPU time until then."""
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    cpu = time.process_time()
    begin.record()
    _step(codec, pixels, weights)
    end.record()
    torch.cuda.synchronize()
    return begin.elapsed_time(end) / 1e3, time.process_time() - cpu


def _step(codec: Codec, pixels: Tensor, weights: Tensor) -> None:
    out = codec(pixels, [QUALITY] * len(pixels))
    torch.autograd.grad(out, pixels, weights)


def _smooth(generator: torch.Generator) -> Tensor:
    """Pictures with most of their energy in low frequencies, as photographs have."""
    coarse = torch.rand((SHAPE[0], 3, 16, 16), generator=generator)
    large = torch.nn.functional.interpolate(coarse, size=SHAPE[2:], mode="bicubic")
    return (large + 0.03 * torch.randn(SHAPE, generator=generator)).clamp(0, 1)
