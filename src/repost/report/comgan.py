"""A trained ComGAN in words: the lines of the terminal and its model card."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repost.estimation.comgan.judge import Judged
    from repost.training import TrainingResult, WeightsCard


_NO_GAIN = "; no gain is shown: use the profile without this residual"


def describe_judged(judged: Judged) -> str:
    """Fidelity in two lines, with a warning where the residual is no better than the profile alone."""
    return (
        f"held-out pairs: {judged.n}; PSNR against what was served: original {judged.psnr_db_source:.2f} dB, "
        f"profile {judged.psnr_db_profile:.2f} dB, with ComGAN {judged.psnr_db:.2f} dB\n"
        f"gain {judged.gain_db:+.2f} dB (95 %: {_interval(judged)}); worse on {judged.worse} of {judged.n}"
        f"{'' if judged.gains else _NO_GAIN}"
    )


def comgan_row(result: TrainingResult, judged: Judged | None) -> Mapping[str, Any]:
    """The result as one JSON object."""
    from dataclasses import asdict

    return {
        "weights": str(result.weights["residual"]),
        "sha256": result.sha256["residual"],
        "steps": result.steps,
        "best_step": result.best_step,
        "validation": dict(result.scores),
        "test": None if judged is None else asdict(judged),
    }


def comgan_card(card: WeightsCard, judged: Judged | None, *, sha256: str, pairs: Mapping[str, int]) -> str:
    """The model card, Markdown.

    Args:
        card: What the weights say of themselves.
        judged: On held-out pairs; None where there are none.
        sha256: Of the weights.
        pairs: How many pairs there are in each split.
    """
    facts, settings = card.facts, card.settings
    fidelity = "There were no held-out pairs, so nothing is known of its fidelity." if judged is None else (
        "| | PSNR against what was served, dB |\n|---|---|\n"
        f"| the original | {judged.psnr_db_source:.2f} |\n"
        f"| the profile alone | {judged.psnr_db_profile:.2f} |\n"
        f"| the profile with this residual | {judged.psnr_db:.2f} |\n\n"
        f"Gain {judged.gain_db:+.2f} dB (95 % over {judged.n} held-out pairs: {_interval(judged)}), through real "
        f"codecs and 8 bits; worse than the profile alone on {judged.worse} of {judged.n}"
        f"{'' if judged.gains else _NO_GAIN}."
    )  # fmt: skip
    trained = ", ".join(f"{name} {value}" for name, value in settings.items() if value is not None)
    about = ", ".join(f"{name} {value}" for name, value in facts.items() if not name.startswith(("profile", "pairs")))
    return f"""# ComGAN residual for {facts["profile"]}

What the network does to a picture beyond the steps of the profile `{facts["profile"]}` (digest
`{str(facts["profile_digest"])[:12]}`), added before the last encode. SHA-256 of the weights: `{sha256}`.

## Fidelity

{fidelity}

## Training

Pairs: {", ".join(f"{count} {split}" for split, count in pairs.items())}; splits are by source. The weights are those of
step {card.step}, which had the best mean PSNR on the validation pairs ({_scores(card.scores)}).
{about[:1].upper()}{about[1:]}. Settings: {trained}.

## What it is not

It knows one network, at one time, for pictures like those of the pairs, and treats every crop alike: what the network
does by size, by position, or by content outside a window of some 50 px it cannot show. It gives the likeliest outcome,
so where the network draws at random it is too smooth. It is no evidence that a picture went through the network.
"""


def write_card(folder: Path, text: str) -> Path:
    """Write the model card into the training's folder, as `MODEL_CARD.md`."""
    from repost.core.files import write_atomic

    path = folder / "MODEL_CARD.md"
    write_atomic(path, text.encode())
    return path


def _interval(judged: Judged) -> str:
    if judged.gain_db_interval is None:
        return "unknown of one pair"
    low, high = judged.gain_db_interval
    return f"{low:+.2f} to {high:+.2f}"


def _scores(scores: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in sorted(scores.items()))
