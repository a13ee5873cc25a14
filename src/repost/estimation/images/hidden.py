"""An earlier JPEG stage hidden under the one that wrote the file: a phone's own save, or a collector's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from repost.estimation.history.estimate import estimate_history
from repost.estimation.images.reproduce import Attempt, Workbench, search
from repost.platforms.steps import EncodeJpeg

_GAIN_DB = 1.0
"""An earlier stage is believed where it brings the picture this much nearer."""
_SUBSAMPLINGS = ("4:2:0", "4:4:4")
_COARSE = range(40, 100, 6)
_FINE = 5
_ROUNDS = 2
_MOST_PIXELS = 1 << 21
"""Above this size every quality is not tried in turn; large pictures show their layers well enough."""


def find_hidden(
    bench: Workbench, best: Attempt, served: bytes, choices: Sequence[tuple[str, Sequence[Any]]]
) -> Attempt | None:
    """Look for an earlier JPEG stage in a served JPEG.

    Args:
        bench: The pair.
        best: The best attempt with one stage.
        served: The served file.
        choices: (setting, values to try) that were open; they are tried again with the earlier stage in place.

    Returns:
        The best attempt with two stages, where it is clearly better; None otherwise.
    """
    if best.treatment.codec != "jpeg":
        return None
    shown = [layer.quality for layer in estimate_history(served).layers[1:] if layer.quality is not None]
    winner = _best_stage(bench, best, shown)
    small = bench.target.shape[0] * bench.target.shape[1] <= _MOST_PIXELS
    if small and not (winner and winner.exact):
        winner = _best_stage(bench, best, [*shown, *_COARSE])
    for _ in range(_ROUNDS):  # the stage and the open settings depend on each other
        if winner is None or winner.exact:
            break
        winner = _best_stage(bench, winner, [*shown, *_around(winner)]) or winner
        winner = _with_values(search(bench, winner.treatment, choices) or winner, choices)
    if winner is None or not _is_better(winner, best):
        return None
    return search(bench, winner.treatment, choices) or winner


def _around(winner: Attempt) -> range:
    middle = winner.treatment.hidden.quality if winner.treatment.hidden else None
    assert isinstance(middle, int), "stages are tried with one quality each"
    return range(max(1, middle - _FINE), min(100, middle + _FINE) + 1)


def _with_values(found: Attempt, choices: Sequence[tuple[str, Sequence[Any]]]) -> Attempt:
    """The attempt with a first value for every setting that could not be told, so that others can be tried on it."""
    untold = {name: values[0] for name, values in choices if getattr(found.treatment, name) is None}
    return replace(found, treatment=found.treatment.but(**untold))


def _is_better(winner: Attempt | None, best: Attempt) -> bool:
    return winner is not None and winner.psnr_db >= best.psnr_db + _GAIN_DB


def _best_stage(bench: Workbench, best: Attempt, qualities: Iterable[int]) -> Attempt | None:
    stages = [(quality, subsampling) for quality in qualities for subsampling in _SUBSAMPLINGS]
    attempts = (bench.attempt(best.treatment.but(hidden=_stage(*stage))) for stage in stages)
    return max((found for found in attempts if found), key=lambda found: found.psnr_db, default=None)


def _stage(quality: int, subsampling: str) -> EncodeJpeg:
    return EncodeJpeg.model_validate({"op": "encode", "codec": "jpeg", "quality": quality, "subsampling": subsampling})
