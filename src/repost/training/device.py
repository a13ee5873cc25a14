"""Where a training runs: Fabric chooses the device, the precision and the processes."""

from __future__ import annotations

import atexit
import logging
import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from repost.core.errors import UsageError
from repost.core.extras import require
from repost.training.settings import TrainingSettings

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def chosen_device(asked: str) -> str:
    """The device that was asked for, where this machine has it.

    Args:
        asked: "auto", which takes a GPU where there is one; "cpu"; "cuda"; or "cuda:1" for the second GPU.

    Returns:
        In PyTorch's words.

    Raises:
        UsageError: There is no such device, or none on this machine.
    """
    gpus = _gpu_count()
    if asked == "auto":
        return "cuda" if gpus else "cpu"
    gpu = re.fullmatch(r"cuda(?::(0|[1-9][0-9]?))?", asked)
    if asked == "cpu" or (gpu and int(gpu[1] or 0) < gpus):
        return asked
    expected = f"auto, cpu, cuda, or a GPU from cuda:0 to cuda:{gpus - 1}" if gpus else "auto or cpu"
    here = "" if gpus else "; PyTorch finds no GPU on this machine, or was built without"
    raise UsageError(f"got the device '{asked}', expected {expected}{here}")


def _gpu_count() -> int:
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def open_fabric(settings: TrainingSettings) -> Fabric:
    """Start Fabric, with its other processes where the settings ask for several devices.

    Args:
        settings: `accelerator`, `devices` and `precision` are read.

    Returns:
        Fabric, launched. Fabric's "ddp" starts the other processes by running the same program again.

    Raises:
        UsageError: This machine has no such device, or not so many, or the precision needs a GPU.
        MissingExtra: lightning-fabric is not installed.
    """
    gpus = _gpu_count()
    kind = chosen_device("auto") if settings.accelerator == "auto" else settings.accelerator
    if kind == "cuda" and settings.devices > gpus:
        asked = f"accelerator={settings.accelerator!r}, devices={settings.devices}"
        raise UsageError(f"got {asked}, expected at most the {gpus} GPUs of this machine")
    if kind == "cpu" and settings.precision == "16-mixed":
        raise UsageError("got precision='16-mixed' on a CPU, expected '32' or 'bf16-mixed', or a GPU")
    require("lightning_fabric", extra="torch")
    from lightning_fabric import Fabric

    # Fabric tells its choice of precision and its processes on stderr, where the progress line is.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    precision = "32-true" if settings.precision == "32" else settings.precision
    strategy = "ddp" if settings.devices > 1 else "auto"
    fabric = Fabric(accelerator=kind, devices=settings.devices, precision=precision, strategy=strategy)
    fabric.launch()
    if settings.devices > 1:
        atexit.register(_end_processes)
    return fabric


def _end_processes() -> None:
    """Leave the group of processes in order. Fabric does so for GPUs alone; others' threads are torn down running."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


@contextmanager
def own_randomness(device: torch.device) -> Generator[None, None, None]:
    """Let torch's global generators be seeded inside the block, and be as before after it.

    Args:
        device: Whose generator is kept besides the CPU's.
    """
    gpu = device if device.type == "cuda" else None
    before = torch.get_rng_state(), torch.cuda.get_rng_state(gpu) if gpu else None
    try:
        yield
    finally:
        torch.set_rng_state(before[0])
        if gpu and before[1] is not None:
            torch.cuda.set_rng_state(before[1], gpu)


def average_gradients(fabric: Fabric, optimiser: torch.optim.Optimizer) -> None:
    """Give all devices the mean of their gradients.

    In one piece and after differentiating: torch's own wrapper counts one backward pass per forward pass, which a
    discriminator that sees two batches, or a generator whose picture is detached, does not keep to.

    Args:
        fabric: Launched; with one device nothing is done.
        optimiser: Whose parameters' gradients are averaged.
    """
    if fabric.world_size == 1:
        return
    gradients = [p.grad for group in optimiser.param_groups for p in group["params"] if p.grad is not None]
    if not gradients:
        return
    mean = average(fabric, torch.cat([gradient.reshape(-1) for gradient in gradients]))
    start = 0
    for gradient in gradients:
        gradient.copy_(mean[start : start + gradient.numel()].view_as(gradient))
        start += gradient.numel()


def average(fabric: Fabric, tensor: Tensor) -> Tensor:
    """The mean of a tensor over the devices.

    Args:
        fabric: Launched.
        tensor: Of the same shape on each.

    Returns:
        The mean; the tensor itself where there is one device.
    """
    if fabric.world_size == 1:
        return tensor
    return cast("Tensor", cast("Any", fabric).all_reduce(tensor, reduce_op="mean"))
