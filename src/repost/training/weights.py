"""The weights a training ships: safetensors with a card of where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor, nn

from repost.core.errors import InputNotFound, InvalidWeights, OutputUnwritable
from repost.core.files import digest_file
from repost.training.tensors import DamagedTensors, read_tensors, write_tensors


class WeightsCard(BaseModel):
    """Where weights come from.

    Attributes:
        schema_version: Of this card.
        recipe: The recipe's name.
        version: The recipe's version.
        digest: The recipe's digest.
        network: The network within the recipe.
        step: The step they are of.
        scores: What validation gave at that step.
        facts: The recipe's facts.
        settings: The training settings that decided the result.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    schema_version: Literal[1] = 1
    recipe: str
    version: int
    digest: str
    network: str
    step: int
    scores: dict[str, float]
    facts: dict[str, Any]
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights that were read.

    Attributes:
        path: The file.
        tensors: On the CPU, by name.
        card: Where they come from.
        sha256: Of the file.
    """

    path: Path
    tensors: Mapping[str, Tensor]
    card: WeightsCard
    sha256: str

    def load_into(self, network: nn.Module) -> None:
        """Give a network these weights.

        Args:
            network: Of the same architecture.

        Raises:
            InvalidWeights: Names or shapes differ; the network may then be partly changed.
        """
        fit_into(network, self.tensors, path=self.path)


def fit_into(network: nn.Module, tensors: Mapping[str, Tensor], *, path: Path) -> None:
    """Give a network tensors, all of them and no others.

    Args:
        network: What gets them.
        tensors: By the names of its `state_dict`.
        path: Where they come from, for the error.

    Raises:
        InvalidWeights: Names or shapes differ; the network is then unchanged.
    """
    ours = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    theirs = {name: tuple(value.shape) for name, value in tensors.items()}
    for name in sorted({*ours, *theirs}):
        if ours.get(name) != theirs.get(name):
            got, expected = theirs.get(name, "nothing"), ours.get(name, "no such tensor")
            reason = f"got {got} as the tensor {name}"
            kind = type(network).__name__
            raise InvalidWeights(path, reason=reason, expected=f"{expected}, as the network {kind} has it")
    network.load_state_dict(dict(tensors))


def write_weights(path: Path, tensors: Mapping[str, Tensor], card: WeightsCard) -> str:
    """Write weights, whole or not at all; the same arguments give the same bytes.

    Args:
        path: The file; its folder exists.
        tensors: By name.
        card: Where they come from.

    Returns:
        The SHA-256 of the file.

    Raises:
        OutputUnwritable: It cannot be written.
    """
    try:
        write_tensors(path, tensors, {"card": card.model_dump()})
        return digest_file(path)
    except OSError as error:
        raise OutputUnwritable(path, reason=error.strerror or str(error), resumes=True) from error


def read_weights(path: Path, *, recipe: str | None = None, sha256: str | None = None) -> Weights:
    """Read weights that repost wrote.

    Args:
        path: The file.
        recipe: The recipe they must be of; None takes any.
        sha256: What the file must have; None takes any.

    Returns:
        The weights.

    Raises:
        InputNotFound: It is not there.
        InvalidWeights: It is damaged, of another recipe, not the expected file, or without a card.
    """
    expected = f"weights of the recipe {recipe}" if recipe else "weights that repost wrote"
    if not path.is_file():
        raise InputNotFound(path)
    got = digest_file(path)
    if sha256 is not None and got != sha256:
        raise InvalidWeights(path, reason=f"got a file with SHA-256 {got}", expected=sha256)
    try:
        file = read_tensors(path)
        card = WeightsCard.model_validate(file.facts.get("card", {}))
    except DamagedTensors as error:
        raise InvalidWeights(path, reason=str(error), expected=expected) from error
    except ValidationError as error:
        raise InvalidWeights(path, reason="it has no card of repost", expected=expected) from error
    if recipe is not None and card.recipe != recipe:
        raise InvalidWeights(path, reason=f"got weights of the recipe {card.recipe}", expected=expected)
    return Weights(path, file.tensors, card, got)
