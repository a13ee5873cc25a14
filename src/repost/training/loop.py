"""The one loop that trains every network of repost."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn
from torch.utils.data import DataLoader

from repost.core.errors import InvalidCheckpoint, InvalidRecipe, NonFiniteLoss, OutputUnwritable
from repost.core.lock import hold_lock
from repost.training.checkpoint import (
    Checkpoint,
    describe_recipe,
    describe_settings,
    expect_same_items,
    expect_same_training,
    latest_checkpoint,
    write_checkpoint,
)
from repost.training.device import average, open_fabric, own_randomness
from repost.training.draws import seeded_context
from repost.training.events import (
    CheckpointRefused,
    CheckpointWritten,
    Listener,
    StepFinished,
    TrainingEvent,
    TrainingFinished,
    TrainingInterrupted,
    TrainingResult,
    TrainingStarted,
    Validated,
)
from repost.training.log import MetricsLog
from repost.training.order import batches_from, end_workers, load
from repost.training.recipe import Networks, Recipe, StepContext
from repost.training.settings import TrainingSettings
from repost.training.signals import StopRequest, stop_on_signals
from repost.training.state import Best, new_state, restore, to_checkpoint
from repost.training.updates import Updates
from repost.training.weights import WeightsCard, write_weights

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def train(
    recipe: Recipe, settings: TrainingSettings, *, folder: Path, progress: Listener | None = None
) -> TrainingResult:
    """Train the networks of a recipe, or go on from the folder's newest checkpoint.

    The folder gets `checkpoints/`, `metrics.csv`, and at the end `weights/<network>.safetensors`: those of the best
    validation, or of the last step where the recipe has no validation data. A training that was stopped or killed and
    is resumed ends with the same weights and log as an uninterrupted one, byte for byte on a CPU; on a GPU as far as
    its kernels repeat themselves. A finished one returns at once.

    Args:
        recipe: Networks, data, losses, optimisers.
        settings: How long, how fast, where.
        folder: Made where it does not exist. One training per folder.
        progress: Called with each event.

    Returns:
        Where the weights are, and their scores.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM came; the step was finished and is in a checkpoint.
        NonFiniteLoss: A loss or weight became NaN or infinite; earlier checkpoints are kept.
        CheckpointMismatch: The folder holds another training.
        InvalidCheckpoint: Every checkpoint of the folder is damaged. (One damaged is an event.)
        InvalidRecipe: The recipe breaks what the loop relies on.
        OutputBusy: Another process trains in the folder.
        OutputUnwritable: The folder is full or read-only; what is in a checkpoint is kept.
        UsageError: The machine has not what the settings ask for.
        MissingExtra: lightning-fabric is not installed.
    """
    folder = folder.absolute()
    fabric = open_fabric(settings)
    with contextlib.ExitStack() as stack:
        if fabric.is_global_zero:
            stack.enter_context(hold_lock(folder / ".repost" / "lock", out=folder))
        stack.enter_context(own_randomness(fabric.device))
        stop = stack.enter_context(stop_on_signals())
        training = _Training(recipe, settings, folder=folder, fabric=fabric, progress=progress)
        return training.run(stop)


class _Training:
    """One run of a training. Every process of several has one; only the first writes and tells."""

    def __init__(
        self, recipe: Recipe, settings: TrainingSettings, *, folder: Path, fabric: Fabric, progress: Listener | None
    ) -> None:
        self._recipe, self._settings, self._folder, self._fabric = recipe, settings, folder, fabric
        self._progress = progress if fabric.is_global_zero else None
        self._checkpoints, self._weights = folder / "checkpoints", folder / "weights"
        self._items = 0
        self._last_items: Callable[[], list[str]] = list
        self._validation: DataLoader[Any] | None = None

    def run(self, stop: StopRequest) -> TrainingResult:
        found = latest_checkpoint(self._checkpoints, refused=self._refuse)
        if found is not None:
            expect_same_training(found, self._recipe, self._settings)
        self._context("initial weights", step=0)
        self._state = new_state(self._recipe, self._settings, self._fabric.device)
        rates = {name: [group["lr"] for group in o.param_groups] for name, o in self._state.optimisers.items()}
        if found is not None:
            self._restore(found)
        resumed_from = self._state.step
        if resumed_from < self._settings.steps:
            self._train(found, rates, stop)
        result = self._fabric.broadcast(self._ship(resumed_from) if self._fabric.is_global_zero else None)
        assert result is not None
        self._tell(TrainingFinished(result))
        return result

    def _train(self, found: Checkpoint | None, rates: Mapping[str, list[float]], stop: StopRequest) -> None:
        recipe, settings, state, fabric = self._recipe, self._settings, self._state, self._fabric
        data, validation = recipe.train_data(), recipe.validation_data()
        self._items = len(data)
        if self._items < settings.batch_size:
            expected = f"at least one batch of {settings.batch_size}"
            raise InvalidRecipe(recipe.name, got=f"{self._items} training items", expected=expected)
        if found is not None:
            expect_same_items(found, recipe, self._items)
        if validation is not None:
            self._validation = load(validation, settings, batches=None, collate=recipe.collate())
        log = self._open_files() if fabric.is_global_zero else None
        updates = Updates(fabric, settings, recipe=recipe.name, optimisers=state.optimisers, base_rates=rates)
        self._tell(TrainingStarted(recipe.name, state.step, settings.steps, self._items, str(fabric.device)))
        batches = batches_from(
            data,
            settings,
            step=state.step,
            collate=recipe.collate(),
            place=(fabric.global_rank, fabric.world_size),
            pin_memory=fabric.device.type == "cuda",
        )
        with contextlib.closing(batches), contextlib.ExitStack() as stack:
            if self._validation is not None:
                stack.callback(end_workers, self._validation)
            for indices, batch in batches:
                self._step(updates, indices, fabric.to_device(batch), log)
                stopping = self._agreed(stop)
                self._after_step(log, stopping=stopping)
                if state.step == settings.steps:
                    return
                if stopping:
                    self._tell(TrainingInterrupted(state.step))
                    raise KeyboardInterrupt

    def _step(self, updates: Updates, indices: list[int], batch: Any, log: MetricsLog | None) -> None:  # noqa: ANN401
        state = self._state
        context = self._context("step", step=state.step)
        rates = updates.start(state.step)
        losses: dict[str, float] = {}

        def names() -> list[str]:
            return [self._recipe.item_name(index) for index in indices]

        turns = self._recipe.step(state.networks, batch, context)
        while True:
            with cast(
                "AbstractContextManager[None]", cast("Any", self._fabric).autocast()
            ):  # the losses, but not their gradients, as torch advises
                turn = next(turns, None)
            if turn is None:
                break
            losses |= updates.take(turn, step=state.step + 1, items=names)
        if not losses:
            raise InvalidRecipe(self._recipe.name, got="a step without a turn", expected="one or more")
        if state.averages is not None:
            state.averages.update(state.networks, state.step)
        state.step += 1
        state.window.add(losses)
        self._tell(StepFinished(state.step, self._settings.steps, losses))
        if self._is_due(self._settings.log_every):
            means = state.window.take()
            if log is not None:
                log.add(state.step, "train", means | {f"{name}/learning_rate": rate for name, rate in rates.items()})
        self._last_items = names

    def _after_step(self, log: MetricsLog | None, *, stopping: bool) -> None:
        if self._validation is not None and self._is_due(self._settings.validate_every):
            self._expect_finite()
            if self._fabric.is_global_zero:
                self._validate(self._validation, cast("MetricsLog", log))
            self._fabric.barrier()
        if stopping or self._is_due(self._settings.checkpoint_every):
            self._expect_finite()
            if self._fabric.is_global_zero:
                self._write_checkpoint()

    def _validate(self, loader: DataLoader[Any], log: MetricsLog) -> None:
        state, recipe = self._state, self._recipe
        batches: Iterator[Any] = map(self._fabric.to_device, loader)
        networks = state.judged()
        with torch.no_grad(), _in_evaluation(networks):
            context = self._context("validation", step=state.step)
            scores = {name: float(value) for name, value in recipe.validate(networks, batches, context).items()}
        best = False
        if recipe.selects_by is not None:
            if recipe.selects_by not in scores:
                expected = f"'{recipe.selects_by}' among them"
                raise InvalidRecipe(recipe.name, got=f"the scores {list(scores)}", expected=expected)
            best = self._is_best(scores[recipe.selects_by])
        if best:
            state.best = Best(state.step, scores, state.shipped_tensors())
        log.add(state.step, "validation", scores)
        self._tell(Validated(state.step, scores, best))

    def _is_best(self, score: float) -> bool:
        if math.isnan(score):
            return False
        if self._state.best is None:
            return True
        before = self._state.best.scores[cast("str", self._recipe.selects_by)]
        return score > before if self._recipe.higher_is_better else score < before

    def _write_checkpoint(self) -> None:
        checkpoint = to_checkpoint(
            self._state,
            self._checkpoints,
            recipe=self._recipe,
            settings=self._settings,
            items=self._items,
            scaler=self._fabric.strategy.precision.state_dict(),
        )
        write_checkpoint(checkpoint, keep=self._settings.keep)
        self._tell(CheckpointWritten(self._state.step, checkpoint.path))

    def _restore(self, found: Checkpoint) -> None:
        scaler = restore(self._state, found)
        if scaler:
            self._fabric.strategy.precision.load_state_dict(scaler)

    def _ship(self, resumed_from: int) -> TrainingResult:
        state, recipe = self._state, self._recipe
        best = state.best or Best(state.step, {}, state.shipped_tensors())
        paths = {name: self._weights / f"{name}.safetensors" for name in state.shipped}
        sha256: dict[str, str] = {}
        self._make(self._weights)
        for name, path in paths.items():
            card = WeightsCard(
                recipe=recipe.name,
                version=recipe.version,
                digest=recipe.digest(),
                network=name,
                step=best.step,
                scores=dict(best.scores),
                facts=describe_recipe(recipe)["facts"],
                settings=describe_settings(self._settings),
            )
            sha256[name] = write_weights(path, best.tensors[name], card)
        return TrainingResult(self._folder, state.step, best.step, best.scores, paths, sha256, resumed_from)

    def _open_files(self) -> MetricsLog:
        self._make(self._checkpoints)
        for part in self._checkpoints.glob(".*.part"):  # what kill -9 left
            part.unlink(missing_ok=True)
        return MetricsLog(self._folder / "metrics.csv", step=self._state.step)

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputUnwritable(folder, reason=error.strerror or str(error), resumes=True) from error

    def _expect_finite(self) -> None:
        """No weight that is not finite gets into a checkpoint or is judged: the last sound one stays the newest."""
        found = self._state.first_non_finite()
        if found is not None:
            raise NonFiniteLoss(self._state.step, component=found[0], value=str(found[1]), items=self._last_items())

    def _context(self, purpose: str, *, step: int) -> StepContext:
        at = f"{step} {self._fabric.global_rank}" if purpose == "step" else ""
        steps, device = self._settings.steps, self._fabric.device
        return seeded_context(self._settings.seed, purpose, at=at, step=step, steps=steps, device=device)

    def _is_due(self, every: int) -> bool:
        return self._state.step % every == 0 or self._state.step == self._settings.steps

    def _agreed(self, stop: StopRequest) -> bool:
        if self._fabric.world_size == 1:
            return stop.asked
        return bool(average(self._fabric, torch.tensor(float(stop.asked), device=self._fabric.device)) > 0)

    def _refuse(self, error: InvalidCheckpoint) -> None:
        self._tell(CheckpointRefused(Path(error.path), error.reason))

    def _tell(self, event: TrainingEvent) -> None:
        if self._progress is not None:
            self._progress(event)


@contextlib.contextmanager
def _in_evaluation(networks: Networks) -> Generator[None, None, None]:
    """Evaluation mode inside the block; after it every part is in the mode the recipe left it in."""
    parts: list[nn.Module] = [part for network in networks.values() for part in network.modules()]
    modes = [part.training for part in parts]
    for network in networks.values():
        network.eval()
    try:
        yield
    finally:
        for part, mode in zip(parts, modes, strict=True):
            part.training = mode
