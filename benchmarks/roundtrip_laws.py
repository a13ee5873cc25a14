"""What rules say of an upload, for roundtrip.py: the qualities they expect, and where a limit leaves it open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from repost.channel.image import matching_rule
from repost.media.upload import Upload
from repost.platforms.profile import Profile, Rule
from repost.platforms.steps import ClientSave
from repost.platforms.values import ByFeature, Choice, Samples


def is_constant(rule: Rule) -> bool:
    """Whether nothing of a rule is drawn by chance."""
    written = last_write(rule.steps)
    quality = getattr(written, "quality", None)
    return not _is_drawn(quality)


def _is_drawn(value: Any) -> bool:  # noqa: ANN401
    if isinstance(value, ByFeature):
        return any(_is_drawn(band.value) for band in value.bands) or _is_drawn(value.otherwise)
    return isinstance(value, Choice | Samples)


def last_write(steps: Sequence[Any]) -> Any:  # noqa: ANN401 - any step that writes
    """The encoder that writes the served file."""
    return steps[-1].encode if isinstance(steps[-1], ClientSave) else steps[-1]


def expected(rule: Rule, upload: Upload) -> tuple[tuple[int, ...], dict[int, float]]:
    """Which band of a rule's quality an upload falls into, and the shares of the qualities there."""
    value, where = getattr(last_write(rule.steps), "quality", None), []
    while isinstance(value, ByFeature):
        number, bands = upload.feature(value.by), value.bands
        where.append(next((place for place, band in enumerate(bands) if number < band.under), len(bands)))
        value = bands[where[-1]].value if where[-1] < len(bands) else value.otherwise
    if isinstance(value, Choice):
        weights = value.weights or [1.0] * len(value.choice)
        shares = {int(one): weight / sum(weights) for one, weight in zip(value.choice, weights, strict=True)}
    else:
        shares = {value: 1.0} if isinstance(value, int) else {}
    return tuple(where), shares


def is_open(upload: Upload, learned: Profile) -> bool:
    """Whether an upload lies strictly inside an interval of a limit, and where in it the limit is decides about it."""
    return any(
        low < upload.feature(feature) < high
        and _met(upload, _moved(learned, path, (low, high), low))
        != _met(upload, _moved(learned, path, (low, high), high))
        for path, feature, (low, high) in _intervals(learned)
    )


def _intervals(learned: Profile) -> Iterator[tuple[str, Any, tuple[float, float]]]:
    for path, found in learned.provenance.items():
        if found.interval:
            *parents, last = path.split(".")
            yield path, _at(learned.model_dump(), parents[:-2])["by"] if last == "under" else last, found.interval


def _met(upload: Upload, profile: Profile) -> tuple[int, tuple[int, ...]]:
    index, rule = matching_rule(upload, profile)
    return index, expected(rule, upload)[0]


def _moved(learned: Profile, path: str, interval: tuple[float, float], limit: float) -> Profile:
    plain = learned.model_dump(exclude_none=True)
    *parents, last = path.split(".")
    holder = _at(plain, parents)
    if last == "under":
        holder[last] = limit
    else:
        low, high = interval
        holder[last] = {name: limit if low <= old <= high else old for name, old in holder[last].items()}
    return Profile.model_validate(plain)


def _at(plain: Any, parents: Sequence[str]) -> Any:  # noqa: ANN401 - plain data
    for name in parents:
        plain = plain[int(name)] if name.isdigit() else plain[name]
    return plain
