"""A finished training becomes a model: ONNX for everyone, safetensors for who trains on, facts."""

from __future__ import annotations

import hashlib
import json
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from repost.stamp.learn.recipe import StampRecipeSettings
from repost.stamp.model import ModelFacts
from repost.stamp.networks import Embedder, Extractor
from repost.training import TrainingResult, read_weights

OPSET = 17


def export_model(
    result: TrainingResult, folder: Path, *, name: str, version: int, told: Mapping[str, Any] | None = None
) -> ModelFacts:
    """Write a model that `load_model` takes, with thresholds that are still to be calibrated.

    Args:
        result: Of the training.
        folder: Where it goes; made if it is not there.
        name: Of the model, such as "rs_aug".
        version: Of the model.
        told: What else the card should say: hardware, data and their licences.

    Returns:
        The facts as written to model.json.

    Raises:
        InvalidWeights: The training's weights are damaged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    read = {part: read_weights(path, recipe=name) for part, path in result.weights.items()}
    card = read["extractor"].card
    facts = {key: value for key, value in card.facts.items() if key in StampRecipeSettings.__dataclass_fields__}
    settings = StampRecipeSettings(**facts)
    networks: dict[str, nn.Module] = {
        "embedder": Embedder(settings.embedder_width),
        "extractor": Extractor(settings.extractor_width),
    }
    plane = torch.rand(1, 1, 96, 128)
    inputs: dict[str, dict[str, Tensor]] = {
        "embedder": {"mean": plane, "deviation": plane / 8, "carrier": torch.randn_like(plane)},
        "extractor": {"mean": plane},
    }
    for part, network in networks.items():
        read[part].load_into(network)
        write_onnx(network.eval(), folder / f"{part}.onnx", inputs=inputs[part])
        shutil.copyfile(result.weights[part], folder / f"{part}.safetensors")
    found = ModelFacts(
        name=name,
        version=version,
        cap_levels=settings.cap_levels,
        stamped_score=3.0,
        uncertain_score=2.0,
        calibration="none: stamped below a p-value of 0.001, uncertain below 0.01",
        embedder_sha256=_sha256(folder / "embedder.onnx"),
        extractor_sha256=_sha256(folder / "extractor.onnx"),
        training={
            "step": card.step,
            "scores": dict(card.scores),
            "recipe": dict(card.facts),
            "settings": dict(card.settings),
            **(told or {}),
        },
    )
    write_facts(found, folder)
    return found


def write_facts(facts: ModelFacts, folder: Path) -> str:
    """Write what is known about a model.

    Args:
        facts: What is known.
        folder: Of the model.

    Returns:
        SHA-256 of the file, for `model.RELEASED`.
    """
    path = folder / "model.json"
    text = json.dumps(facts.model_dump(mode="json"), indent=2, sort_keys=True) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")
    return _sha256(path)


def write_onnx(network: nn.Module, path: Path, *, inputs: Mapping[str, Tensor]) -> None:
    """Export a network whose grids may have any size.

    Args:
        network: In evaluation mode.
        path: Where it goes.
        inputs: An example of each input, by name.
    """
    axes = {name: {0: "n", 2: "rows", 3: "columns"} for name in (*inputs, "residual")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that needs no further package is called old
        cast("Any", torch.onnx).export(
            network,
            tuple(inputs.values()),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=["residual"],
            dynamic_axes=axes,
        )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
