"""The conditions of an evaluation, and what it found, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from repost.stamp.evaluation.results import Evaluation, Rate, Threshold

ENOUGH = 0.95
"""Share of stamped photographs found below which a condition is named among the failures."""
MOST_FALSE_POSITIVES = 5e-3
"""Share of unstamped photographs above which a condition is named."""

_IN_WORDS = {
    "none": "as stamped",
    "heif": "saved as HEIC",
    "resize.5": "reduced to half of each side",
    "resize.25": "reduced to a quarter of each side",
    "crop.7": "cropped to 70 % of each side",
    "crop.5": "cropped to half of each side",
    "rotation10": "turned by 10 degrees",
    "rotation30": "turned by up to 30 degrees",
    "hflip": "mirrored",
    "warp.1": "seen in perspective",
    "blur1": "blurred with a radius of 1 px",
    "blur2": "blurred with a radius of 2 px",
    "jitter.3": "brightness, contrast and saturation changed by up to 30 %",
    "noise.05": "noise of 5 % added",
    "chain": "turned by up to 5 degrees, cropped, reduced, colours changed, JPEG 71",
    "mix": "DeepRAFT's mix: colours, crop, blur, turned by up to 30 degrees, perspective, JPEG",
    "screenshot": "on a screenshot",
}


def condition_in_words(name: str) -> str:
    """What a condition does, such as "shared on facebook twice"."""
    for prefix, words in (("share:", "shared on {}"), ("share2:", "shared on {}, twice")):
        if name.startswith(prefix):
            return words.format(name.removeprefix(prefix))
    for prefix, words in (("jpeg", "saved as JPEG {}"), ("webp", "saved as WebP {}")):
        if name.startswith(prefix):
            return words.format(name.removeprefix(prefix))
    return _IN_WORDS.get(name, name)


def rate_in_words(rate: Rate) -> str:
    """A share with its exact 95 % interval, such as "0.993 (0.975-0.999)"; a dash of none."""
    if not rate.count:
        return "–"
    low, high = rate.interval
    return f"{rate.share:.3f} ({low:.3f}-{high:.3f})"


def small_rate_in_words(rate: Rate) -> str:
    """A small share as a count, such as "1 of 288 (at most 0.016)": the end of the exact one-sided 95 % interval."""
    return f"{rate.hits} of {rate.count} (at most {rate.bound:.4f})" if rate.count else "–"


def threshold_in_words(threshold: Threshold) -> str:
    """A threshold with what it rests on."""
    doubt = (
        "" if threshold.resolved else f"; NOT RESOLVED: the calibration shows no rate below {threshold.finest_fpr:.1e}"
    )
    return (
        f"{threshold.name}: score {threshold.score:.4g}, for a false-positive rate of {threshold.nominal_fpr:g}{doubt}"
    )


def failures(found: Evaluation) -> Iterator[str]:
    """Everything that falls short, one sentence each, by the numbers alone.

    Args:
        found: The evaluation.

    Yields:
        Sentences: conditions under which fewer than 95 % of the stamped photographs are found at the published
        threshold, those with false positives, refusals, p-values that are too small, thresholds without resolution,
        and what was not measured.
    """
    for one in found.conditions:
        rate = one.detected["published"]
        words = condition_in_words(one.name)
        if rate.count and rate.share < ENOUGH:
            yield f"{one.name} ({words}): only {100 * rate.share:.1f} % are found, {rate_in_words(rate)}."
        wrong = one.false_positives["published"]
        if wrong.count and wrong.share > MOST_FALSE_POSITIVES:
            yield f"{one.name} ({words}): {small_rate_in_words(wrong)} unstamped photographs are called stamped."
        if one.refused:
            yield f"{one.name} ({words}): the scanner refused {one.refused} pictures; they count as not stamped."
        if one.left_out:
            yield f"{one.name} ({words}): could not be carried out on {one.left_out} photographs."
    yield from _of_keys(found)
    for threshold in found.thresholds:
        if not threshold.resolved:
            yield f"Threshold {threshold_in_words(threshold)}."
    for name, reason in found.missing.items():
        yield f"{name} ({condition_in_words(name)}) was not measured: {reason}."
    if found.failed:
        yield f"{len(found.failed)} photographs could not be measured: {'; '.join(sorted(found.failed)[:3])}."


def _of_keys(found: Evaluation) -> Iterator[str]:
    for check in found.keys:
        for kind, rate in (("unstamped", check.unstamped), ("stamped with another key", check.stamped)):
            if rate.count and rate.interval[0] > check.p:
                yield (
                    f"p-values of pictures {kind} are too small: {rate_in_words(rate)} of them are at most {check.p:g} "
                    "under a random key."
                )
    if found.wrong_key.hits:
        yield f"Another key than the stamp's finds it in {small_rate_in_words(found.wrong_key)} photographs."
