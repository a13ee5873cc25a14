"""`repost train`: train a network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from repost.cli.exits import EXIT_NEGATIVE
from repost.cli.options import AsJson, check_folder
from repost.cli.train_stamp import stamp
from repost.cli.training import training_progress

if TYPE_CHECKING:
    from repost.estimation.comgan import ComGanRecipe
    from repost.pairs.dataset import PairedDataset
    from repost.pairs.dataset_records import PairListing
    from repost.training import TrainingResult

app = typer.Typer(no_args_is_help=True, help="Train a network; run the same command again to go on after a stop.")
app.command()(stamp)


@app.command()
def comgan(
    pairs: Annotated[Path, typer.Option("--pairs", help="What `repost pairs recover` wrote, or a published data set.")],
    platform: Annotated[str, typer.Option("--platform", "-p", help="The profile to improve: a name or a TOML file.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the training: weights, log, model card.")],
    steps: Annotated[int, typer.Option(min=1, help="Batches to learn from.")] = 800,
    batch_size: Annotated[int, typer.Option(min=1, help="Pairs of a batch.")] = 16,
    crop_px: Annotated[int, typer.Option(min=16, help="Side of the training crops, a multiple of 16.")] = 64,
    judge_px: Annotated[int, typer.Option(min=16, help="Side of what is validated and judged, likewise.")] = 192,
    adversarial: Annotated[float, typer.Option(min=0, help="Weight of the discriminator; 0 trains without.")] = 2e-4,
    rule: Annotated[
        int | None, typer.Option(min=0, help="The profile's rule the pairs went by.  [default: the closest]")
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave pairs out that cannot be used, and name them.")
    ] = (False),
    seed: Annotated[int, typer.Option(help="Of weights, order and crops.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    workers: Annotated[int, typer.Option(min=0, help="Processes that load pictures.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Learn what a network does beyond the steps of its profile: a residual, from pairs.

    Splits are by source: 80 % train, 10 % select the weights, 10 % are only judged at the end. The weights go into
    SurrogateChannel(profile, residual=load_residual(...)); MODEL_CARD.md says how good they are.
    """
    from repost.core.extras import require

    require("torch", extra="torch")
    from repost.estimation.comgan import ComGanRecipe, ComGanSettings, closest_rule
    from repost.platforms import resolve
    from repost.training import TrainingSettings, train

    check_folder("--out", out)
    profile = resolve(platform)
    parts = _splits(_sound_pairs(pairs, profile.platform, skip_bad=skip_bad), batch_size=batch_size)
    closest = closest_rule(profile, parts["train"], size_px=judge_px, rule_index=rule)
    if closest.exact == closest.n:
        _tell_nothing_to_learn(profile.id, closest.n, as_json=as_json)
    settings = ComGanSettings(
        crop_px=crop_px, validation_px=judge_px, adversarial_weight=adversarial, rule_index=closest.index, seed=seed
    )
    recipe = ComGanRecipe(profile, train=parts["train"], validation=parts["validation"], settings=settings)
    told = TrainingSettings(
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        schedule="cosine",
        accelerator=device,  # pyright: ignore[reportArgumentType] - the settings check it
        workers=workers,
        validate_every=max(1, steps // 6),
        checkpoint_every=max(1, steps // 6),
    )
    with training_progress() as listen:
        result = train(recipe, told, folder=out, progress=listen)
    _judge_and_tell(result, recipe, parts, out=out, as_json=as_json)


def _tell_nothing_to_learn(profile: str, n: int, *, as_json: bool) -> NoReturn:
    """An honest negative: a residual could only make an exact profile worse."""
    if as_json:
        typer.echo(json.dumps({"weights": None, "exact": n, "compared": n}, sort_keys=True))
    else:
        typer.echo(f"{profile} reproduces {n} of {n} training pairs in every pixel, so there is nothing to learn")
    raise typer.Exit(EXIT_NEGATIVE)


def _judge_and_tell(
    result: TrainingResult, recipe: ComGanRecipe, parts: Mapping[str, PairedDataset], *, out: Path, as_json: bool
) -> None:
    """Judge the weights on the test pairs, write the model card, and print."""
    from repost.estimation.comgan import judge, load_residual
    from repost.report.comgan import comgan_card, comgan_row, describe_judged, write_card
    from repost.training import read_weights

    weights, told = read_weights(result.weights["residual"]), recipe.settings
    judged = None
    if len(parts["test"]):
        residual, size_px = load_residual(weights.path), told.validation_px
        judged = judge(recipe.profile, residual, parts["test"], size_px=size_px, rule_index=told.rule_index)
    counts = {split: len(part) for split, part in parts.items()}
    card = write_card(out, comgan_card(weights.card, judged, sha256=weights.sha256, pairs=counts))
    if as_json:
        typer.echo(json.dumps(comgan_row(result, judged), sort_keys=True))
        return
    if judged is not None:
        typer.echo(describe_judged(judged))
    typer.echo(f"weights: {weights.path}\nmodel card: {card}")


def _sound_pairs(path: Path, platform: str, *, skip_bad: bool) -> PairListing:
    """The pairs of one network, every picture decoded once: none is found to be damaged when the training is done."""
    from dataclasses import replace

    from repost.core.errors import UsageError
    from repost.pairs.dataset_pictures import check_pictures
    from repost.pairs.dataset_records import HARMLESS
    from repost.pairs.listing import open_pairs

    listing = open_pairs(path, unnamed=platform, skip_bad=skip_bad)
    named = sorted({record.platform for record in listing.records})
    if len(named) > 1 and platform not in named:
        raise UsageError(f"got pairs of {', '.join(named)}, expected those of {platform} among them")
    if platform in named:
        listing = replace(listing, records=tuple(one for one in listing.records if one.platform == platform))
    elif named:  # a profile of one's own may have any name
        typer.echo(f"note: the pairs are of {named[0]}, and the profile is of {platform}", err=True)
    listing = check_pictures(listing, size="original", skip_bad=skip_bad)
    for problem in listing.problems:
        if problem.kind not in HARMLESS:
            typer.echo(f"left out: {problem}", err=True)
    return listing


def _splits(listing: PairListing, *, batch_size: int) -> dict[str, PairedDataset]:
    """The three parts; an error where there are too few pairs for them."""
    from repost.core.errors import UsageError
    from repost.pairs.dataset import PairedDataset, PairSettings

    parts: dict[str, Any] = {}
    for split in ("train", "validation", "test"):
        parts[split] = PairedDataset(listing, PairSettings(split=split, size="original"))
    for split in ("train", "validation"):
        if not len(parts[split]):
            raise UsageError(
                f"got {len(listing.records)} pairs, of which none is in the {split} split (splits are by a hash of the "
                "source); expected some; collect more pairs"
            )
    if len(parts["train"]) < batch_size:
        raise UsageError(
            f"got {len(parts['train'])} training pairs for batches of {batch_size}, expected at least one batch; "
            "collect more pairs, or give a smaller --batch-size"
        )
    return parts
