"""Where a file may have come from, in lines of text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from repost.estimation.identify.rank import Candidate, Identification
from repost.estimation.identify.reasons import platform_name
from repost.report.words import shown

LEAST_SHOWN = 0.02
"""What is under this probability is left out of the text beyond the two likeliest; JSON has everything."""


def identification_text(found: Identification, *, name: str) -> str:
    """An answer for people.

    Args:
        found: The answer.
        name: Of the file.

    Returns:
        The answer in one line, then each likely network with its probability and reasons.
    """
    return "\n".join(_lines(found, name))


def identification_row(found: Identification, *, name: str) -> dict[str, Any]:
    """An answer as JSON values.

    Args:
        found: The answer.
        name: Of the file, as it was given.

    Returns:
        `file`, `answer` (platforms that cannot be told apart; empty for none of these), `candidates` (every platform,
        likeliest first), `none` (the probability of none of them) and `none_reasons`.
    """
    return {
        "file": name,
        "answer": list(found.answer),
        "candidates": [_row(one) for one in found.candidates],
        "none": found.none,
        "none_reasons": list(found.none_reasons),
    }


def _row(one: Candidate) -> dict[str, Any]:
    return {
        "platform": one.platform,
        "route": one.route,
        "profile": one.profile,
        "probability": one.probability,
        "reasons": list(one.reasons),
        "also": list(one.also),
        "as_unshared": one.as_unshared,
    }


def _lines(found: Identification, name: str) -> Iterator[str]:
    yield f"{shown(name)}: {_answer(found)}"
    yield f"  {found.described}"
    none = (found.none, "none of these: never shared, or a network without a profile", found.none_reasons)
    blocks = [none, *(_block(group) for group in _groups(found.candidates))]
    blocks.sort(key=lambda block: -block[0])
    for index, (probability, who, why) in enumerate(blocks):
        if probability >= LEAST_SHOWN or index < 2:
            yield f"  {_percent(probability)}  {who}"
            yield from (f"           {reason}" for reason in why)


def _groups(candidates: Iterable[Candidate]) -> list[list[Candidate]]:
    """Candidates, those together that cannot be told apart."""
    groups: dict[frozenset[str], list[Candidate]] = {}
    for one in candidates:
        groups.setdefault(frozenset({one.platform, *one.also}), []).append(one)
    return list(groups.values())


def _block(group: list[Candidate]) -> tuple[float, str, tuple[str, ...]]:
    """Probability, names and reasons of candidates that cannot be told apart; the reasons are the likeliest one's."""
    first = group[0]
    probability = sum(one.probability for one in group)
    if len(group) == 1:
        return probability, f"{platform_name(first.platform)} ({first.profile})", first.reasons
    each = ", ".join(f"{platform_name(one.platform)} {_percent(one.probability).strip()}" for one in group)
    return probability, f"one of {len(group)} networks: {each}", first.reasons


def _answer(found: Identification) -> str:
    if not found.answer:
        return "none of these networks, most likely"
    names = " or ".join(platform_name(platform) for platform in found.answer)
    probability = sum(one.probability for one in found.candidates if one.platform in found.answer)
    return f"{names}, most likely" if probability > 0.5 else f"not sure; {names} before other networks"


def _percent(probability: float) -> str:
    if probability < 0.001:
        return " <0.1 %"
    return f"{100 * min(probability, 0.999):5.1f} %"
