"""Checkpoints: one safetensors file each, with everything that a training needs to go on.

Tensors are named `networks/<network>/<weight>`, `averages/...`, `best/...` and `optimisers/<optimiser>/...`. Chance and
the place in the data need no state, as both follow from the seed and the step.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor

from repost.core.errors import CheckpointMismatch, InvalidCheckpoint, OutputUnwritable
from repost.training.recipe import Recipe
from repost.training.settings import WHERE_IT_RUNS, TrainingSettings
from repost.training.tensors import DamagedTensors, read_tensors, write_tensors

_NAME = re.compile(r"step_(\d{8,})\.safetensors")
_PACKAGES = ("repost", "torch", "lightning-fabric", "safetensors")


class BestFacts(BaseModel):
    """Where the best validation was, and what it gave."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    step: int
    scores: dict[str, float]


class CheckpointFacts(BaseModel):
    """What a checkpoint says besides its tensors.

    Attributes:
        schema_version: Of this format.
        step: How many steps were done.
        recipe: Name, version, digest and facts of the recipe.
        settings: The training settings that decide the result.
        items: How many training items there were.
        window_steps: Steps since the last row of losses.
        window_sums: The losses of these steps, summed by component.
        best: The best validation so far.
        optimisers: The state of each optimiser without its tensors, as `flatten` gives it.
        scaler: The state of the loss scaling of "16-mixed"; empty otherwise.
        libraries: Versions of what wrote it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    schema_version: Literal[1] = 1
    step: int
    recipe: dict[str, Any]
    settings: dict[str, Any]
    items: int
    window_steps: int
    window_sums: dict[str, float]
    best: BestFacts | None
    optimisers: dict[str, Any]
    scaler: dict[str, Any]
    libraries: dict[str, str]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint in memory. `path` is where it was read from, or will be written to."""

    path: Path
    facts: CheckpointFacts
    tensors: Mapping[str, Tensor]


def describe_recipe(recipe: Recipe) -> dict[str, Any]:
    """What a checkpoint remembers of a recipe, as JSON gives it back."""
    whole = {"name": recipe.name, "version": recipe.version, "digest": recipe.digest(), "facts": dict(recipe.facts())}
    return json.loads(json.dumps(whole))


def describe_settings(settings: TrainingSettings) -> dict[str, Any]:
    """The settings that decide the result."""
    return {name: value for name, value in asdict(settings).items() if name not in WHERE_IT_RUNS}


def library_versions() -> dict[str, str]:
    """Versions of the packages that take part in a training."""
    found: dict[str, str] = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue  # repost from a source tree that is not installed
    return found


def checkpoint_path(folder: Path, step: int) -> Path:
    """Where the checkpoint of a step is.

    Args:
        folder: Of the checkpoints.
        step: How many steps were done.
    """
    return folder / f"step_{step:08}.safetensors"


def write_checkpoint(checkpoint: Checkpoint, *, keep: int) -> None:
    """Write a checkpoint, whole or not at all, then delete those that are not kept.

    Args:
        checkpoint: What to write; the folder of its path exists.
        keep: How many stay. Later ones, which a damaged checkpoint can leave behind, are deleted as well.

    Raises:
        OutputUnwritable: It cannot be written; the earlier ones stay.
    """
    try:
        write_tensors(checkpoint.path, checkpoint.tensors, checkpoint.facts.model_dump())
        steps = _steps_in(checkpoint.path.parent)
        kept = sorted(step for step in steps if step <= checkpoint.facts.step)[-keep:]
        for step in set(steps) - set(kept):
            steps[step].unlink(missing_ok=True)
    except OSError as error:
        raise OutputUnwritable(checkpoint.path, reason=error.strerror or str(error), resumes=True) from error


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Args:
        path: The file.

    Returns:
        The checkpoint, proven by its checksum.

    Raises:
        InvalidCheckpoint: It is truncated, damaged, or no checkpoint of repost.
    """
    try:
        file = read_tensors(path)
        return Checkpoint(path, CheckpointFacts.model_validate(file.facts), file.tensors)
    except DamagedTensors as error:
        raise InvalidCheckpoint(path, reason=str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise InvalidCheckpoint(path, reason=f"its field {field}: {first['msg'].lower()}") from error
    except OSError as error:
        raise InvalidCheckpoint(path, reason=error.strerror or str(error)) from error


def latest_checkpoint(folder: Path, *, refused: Callable[[InvalidCheckpoint], None]) -> Checkpoint | None:
    """The newest sound checkpoint.

    Args:
        folder: Of the checkpoints; it need not exist.
        refused: Told of each damaged one that is newer.

    Returns:
        The checkpoint, or None where there is none at all.

    Raises:
        InvalidCheckpoint: There are some and all are damaged; it is about the newest.
    """
    newest: InvalidCheckpoint | None = None
    for _, path in sorted(_steps_in(folder).items(), reverse=True):
        try:
            return read_checkpoint(path)
        except InvalidCheckpoint as error:
            newest = newest or error
            refused(error)
    if newest is not None:
        raise newest
    return None


def expect_same_training(checkpoint: Checkpoint, recipe: Recipe, settings: TrainingSettings) -> None:
    """Refuse a checkpoint of another training.

    Args:
        checkpoint: What was found.
        recipe: Whose training is to go on.
        settings: Its settings; those that only say where it runs may differ.

    Raises:
        CheckpointMismatch: The recipe, one of its facts or a setting differs.
    """
    theirs, ours = checkpoint.facts.recipe, describe_recipe(recipe)
    found = [
        *_differences(theirs, ours, ("name", "version")),
        *_differences(theirs.get("facts", {}), ours["facts"]),
        *_differences(checkpoint.facts.settings, describe_settings(settings)),
    ]
    if found or theirs.get("digest") != ours["digest"]:
        raise _mismatch(checkpoint, recipe, found)


def expect_same_items(checkpoint: Checkpoint, recipe: Recipe, items: int) -> None:
    """Refuse to go on with another number of training items.

    Args:
        checkpoint: What was found.
        recipe: Whose training is to go on.
        items: How many there are now.

    Raises:
        CheckpointMismatch: There were more or fewer.
    """
    if checkpoint.facts.items != items:
        raise _mismatch(checkpoint, recipe, [("training items", checkpoint.facts.items, items)])


def _mismatch(
    checkpoint: Checkpoint, recipe: Recipe, differences: list[tuple[str, object, object]]
) -> CheckpointMismatch:
    theirs = checkpoint.facts.recipe
    got = f"{theirs.get('name')} v{theirs.get('version')} ({str(theirs.get('digest'))[:12]})"
    return CheckpointMismatch(checkpoint.path, got=got, expected=recipe.label(), differences=differences)


def _differences(
    theirs: Mapping[str, Any], ours: Mapping[str, Any], names: Iterable[str] | None = None
) -> list[tuple[str, object, object]]:
    wanted = sorted({*theirs, *ours}) if names is None else names
    return [(name, theirs.get(name), ours.get(name)) for name in wanted if theirs.get(name) != ours.get(name)]


def _steps_in(folder: Path) -> dict[int, Path]:
    if not folder.is_dir():
        return {}
    found = ((_NAME.fullmatch(path.name), path) for path in folder.iterdir())
    return {int(match[1]): path for match, path in found if match is not None}
