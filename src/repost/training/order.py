"""Which items make up which batch: a function of the seed and the step alone."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Generator, Iterator
from types import FrameType
from typing import Any, cast

import torch
from torch.utils.data import DataLoader, Sampler

from repost.core.seeding import SEED_BITS, derive_random
from repost.training.recipe import ByEpoch, Items
from repost.training.settings import TrainingSettings

_GRACE_S = 30
"""How long a worker outlives SIGTERM: longer than a step, so that the step is finished."""


class Order:
    """Every epoch is a new shuffle of all items, cut into batches; what does not fill a batch is left out of it.

    Args:
        count: How many items there are, at least `batch_size`.
        batch_size: Of all devices together.
        seed: The training's.
    """

    def __init__(self, count: int, *, batch_size: int, seed: int) -> None:
        self.count, self.batch_size, self.seed = count, batch_size, seed
        self.batches_per_epoch = count // batch_size

    def epoch(self, epoch: int) -> list[list[int]]:
        """The batches of an epoch.

        Args:
            epoch: From 0.

        Returns:
            Lists of indices.
        """
        generator = torch.Generator().manual_seed(derive_random(self.seed, "order", str(epoch)).getrandbits(SEED_BITS))
        shuffled = cast("list[int]", torch.randperm(self.count, generator=generator).numpy().tolist())
        size = self.batch_size
        return [shuffled[start : start + size] for start in range(0, self.batches_per_epoch * size, size)]


class _EpochBatches(Sampler[list[tuple[int, int]]]):
    """One device's share of the batches of an epoch, from a place on. It is told which before every pass."""

    def __init__(self, rank: int, devices: int) -> None:
        self.epoch = 0
        self.batches: list[list[int]] = []
        self._rank, self._devices = rank, devices

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for batch in self.batches:
            yield [(self.epoch, index) for index in batch[self._rank :: self._devices]]

    def __len__(self) -> int:
        return len(self.batches)


class _EpochItems:
    """Items by epoch and index: each worker tells its own copy of the data the epoch."""

    def __init__(self, data: Items) -> None:
        self._data = data
        self._epoch: int | None = None

    def __getitem__(self, place: tuple[int, int]) -> Any:  # noqa: ANN401 - the recipe's
        epoch, index = place
        if epoch != self._epoch and isinstance(self._data, ByEpoch):
            self._data.set_epoch(epoch)
        self._epoch = epoch
        return self._data[index]


def batches_from(
    data: Items,
    settings: TrainingSettings,
    *,
    step: int,
    collate: Callable[[list[Any]], Any] | None,
    place: tuple[int, int] = (0, 1),
    pin_memory: bool = False,
) -> Generator[tuple[list[int], Any], None, None]:
    """The batches of a training from a step on, epoch after epoch without an end.

    Args:
        data: The items, at least one batch of them.
        settings: `batch_size`, `seed` and `workers` are read.
        step: The step whose batch is first, from 0.
        collate: As `Recipe.collate`.
        place: This device's number and how many there are; each loads every n-th item of a batch.
        pin_memory: Whether batches are put where a GPU fetches them faster.

    Yields:
        The indices of the whole batch, and this device's collated items of it.
    """
    order = Order(len(data), batch_size=settings.batch_size, seed=settings.seed)
    share = _EpochBatches(*place)
    loader = load(_EpochItems(data), settings, batches=share, collate=collate, pin_memory=pin_memory)
    epoch, skipped = divmod(step, order.batches_per_epoch)
    try:
        while True:
            share.epoch, share.batches = epoch, order.epoch(epoch)[skipped:]
            yield from zip(share.batches, loader, strict=True)
            epoch, skipped = epoch + 1, 0
    finally:
        end_workers(loader)


def load(
    data: Items | _EpochItems,
    settings: TrainingSettings,
    *,
    batches: _EpochBatches | None,
    collate: Callable[[list[Any]], Any] | None,
    pin_memory: bool = False,
) -> DataLoader[Any]:
    """A loader of items.

    Args:
        data: The items.
        settings: `workers` is read, and `batch_size` where no batches are given.
        batches: Which items make up which batch, by epoch and index; all in order when None.
        collate: As `Recipe.collate`.
        pin_memory: As `batches_from`.

    Returns:
        The loader, for `end_workers` in the end. Its workers are spawned: forking a process with threads is undefined.
    """
    several = settings.workers > 0
    how: dict[str, Any] = {"batch_size": settings.batch_size} if batches is None else {"batch_sampler": batches}
    return DataLoader(
        cast("Any", data),
        **how,
        num_workers=settings.workers,
        collate_fn=collate,
        pin_memory=pin_memory,
        multiprocessing_context=multiprocessing.get_context("spawn") if several else None,
        persistent_workers=several,
        worker_init_fn=_leave_signals if several else None,
        # Given, so that no seed for workers is drawn from torch's global generator.
        generator=torch.Generator().manual_seed(0),
    )


def end_workers(loader: DataLoader[Any]) -> None:
    """End a loader's workers now: an exception's traceback may keep the loader until the interpreter ends.

    Args:
        loader: From `load`; it is not used afterwards.
    """
    iterator = getattr(loader, "_iterator", None)  # torch has no public way
    if iterator is not None:
        iterator._shutdown_workers()


def _leave_signals(_worker: int) -> None:
    """Ctrl-C, and SIGTERM from whoever stops a whole group, reach the workers too.

    The training process decides when they end: it still needs them for its step. It ends those that hang by SIGTERM,
    so that this one is put off and not ignored.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "alarm"):  # not on Windows, where there is no such SIGTERM
        signal.signal(signal.SIGTERM, _end_later)


def _end_later(_number: int, _frame: FrameType | None) -> None:
    signal.alarm(_GRACE_S)
