"""`repost train stamp`: train the two networks of a stamp."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repost.cli.options import AsJson, check_folder
from repost.cli.training import training_progress

if TYPE_CHECKING:
    from repost.stamp.learn.recipe import RecipeName
    from repost.stamp.model import ModelFacts

_VALIDATED = 10  # one photograph in so many, where none are given


def stamp(
    photos: Annotated[list[Path], typer.Option("--photos", help="Folders of photographs to learn from.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the training: weights, log, model.")],
    recipe: Annotated[
        str, typer.Option(help="baseline, rs (with noise) or rs_aug (with noise and augmentations).")
    ] = "rs_aug",
    validation: Annotated[
        list[Path] | None,
        typer.Option("--validation", help="Folders of others, that select the weights.  [default: a tenth]"),
    ] = None,
    calibration: Annotated[
        list[Path] | None,
        typer.Option("--calibration", help="Folders of further photographs, that set the thresholds."),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Batches to learn from.")] = 3000,
    batch_size: Annotated[int, typer.Option(min=1, help="Photographs of a batch.")] = 16,
    crop_px: Annotated[int, typer.Option(min=192, help="Side of the pieces that are stamped.")] = 320,
    version: Annotated[int, typer.Option(min=1, help="Of the model, told with every scan.")] = 1,
    precision: Annotated[str, typer.Option(help="32, bf16-mixed or 16-mixed.")] = "bf16-mixed",
    seed: Annotated[int, typer.Option(help="Of weights, keys, crops and distortions.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    workers: Annotated[int, typer.Option(min=0, help="Processes that load photographs.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Learn a stamp and the scan that finds it, from photographs alone.

    OUT/model is then a model for `repost evaluate stamp --model`, which says how good it is, and in Python for
    `load_model`. Without --calibration its verdicts follow the bound of the p-value alone, which is careful.
    """
    from repost.core.extras import require

    require("torch", extra="torch")
    from repost.core.errors import UsageError
    from repost.stamp.learn import RECIPES, Photos, StampRecipe, export_model
    from repost.training import TrainingSettings, train

    check_folder("--out", out)
    if recipe not in RECIPES:
        raise UsageError(f"got --recipe '{recipe}', expected {', '.join(RECIPES)}")
    name: RecipeName = recipe
    learned, selecting = _parts(photos, validation)
    further = _pictures(calibration) if calibration else []
    _refuse_shared({"--photos": learned, "--validation": selecting, "--calibration": further})
    train_photos, validation_photos = Photos(learned, size_px=crop_px, seed=seed), Photos(selecting, seed=None)
    taught = StampRecipe(name, train=train_photos, validation=validation_photos)
    settings = TrainingSettings(
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        schedule="cosine",
        warmup_steps=min(100, steps),
        clip_norm=1.0,
        average_decay=0.995,
        precision=precision,  # pyright: ignore[reportArgumentType] - the settings check it
        accelerator=device,  # pyright: ignore[reportArgumentType]
        workers=workers,
        validate_every=max(1, min(500, steps // 4)),
        checkpoint_every=max(1, min(500, steps // 4)),
    )
    with training_progress() as listen:
        result = train(taught, settings, folder=out, progress=listen)
    facts = export_model(result, out / "model", name=recipe, version=version)
    if further:
        facts = _calibrated(out / "model", further)
    if as_json:
        told = {"model": str(out / "model"), "steps": result.steps, "scores": dict(result.scores)}
        typer.echo(json.dumps(told, sort_keys=True))
    else:
        typer.echo(f"model: {out / 'model'} ({facts.name}-{facts.version}, step {result.best_step})")


def _calibrated(model: Path, photos: list[Path]) -> ModelFacts:
    """Set the thresholds of a model from photographs without a stamp."""
    from repost.cli.progress import progress
    from repost.stamp.calibration import Calibration, calibrate
    from repost.stamp.learn.release import write_facts
    from repost.stamp.model import load_model

    loaded, known = load_model(model), Calibration((), 0, 0)
    with progress("calibrating", "photo") as advance:
        for known in calibrate(loaded, photos):
            advance(known.photos, len(photos))
    facts = known.apply(loaded.facts)
    write_facts(facts, model)
    return facts


def _parts(photos: list[Path], validation: list[Path] | None) -> tuple[list[Path], list[Path]]:
    """Photographs to learn from, and to select by; the latter by a hash of their content, where none are given."""
    from repost.core.errors import UsageError
    from repost.core.files import digest_file

    found = _pictures(photos)
    if validation:
        return found, _pictures(validation)
    chosen = {path for path in found if int(digest_file(path)[:8], 16) % _VALIDATED == 0}
    if not chosen or len(chosen) == len(found):
        raise UsageError(
            f"got {len(found)} photographs, of which {len(chosen)} are for validation, expected some for each; "
            "give more, or --validation"
        )
    return [path for path in found if path not in chosen], sorted(chosen)


def _refuse_shared(parts: dict[str, list[Path]]) -> None:
    """Refuse a photograph that serves two ends: weights would be selected, or thresholds set, by what was learned."""
    from repost.core.errors import UsageError
    from repost.core.files import digest_file

    seen: dict[str, tuple[str, Path]] = {}
    for option, paths in parts.items():
        for path in paths:
            where, first = seen.setdefault(digest_file(path), (option, path))
            if where != option:
                raise UsageError(
                    f"got '{path}' for {option}, the same file as '{first}' of {where}; expected others, "
                    "so give each photograph once"
                )


def _pictures(folders: list[Path]) -> list[Path]:
    from repost.core.errors import InputNotFound, UsageError
    from repost.media.sniff import IMAGE_FORMATS, sniff

    for folder in folders:
        if not folder.exists():
            raise InputNotFound(folder)
    listed = [path for folder in folders for path in sorted(folder.rglob("*") if folder.is_dir() else [folder])]
    found = [path for path in listed if path.is_file() and sniff(_head(path)) in IMAGE_FORMATS]
    if not found:
        raise UsageError(f"got no photographs in {', '.join(map(str, folders))}, expected some")
    return found


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)
