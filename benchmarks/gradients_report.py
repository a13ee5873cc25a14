"""Tables of `gradients.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradients_attack import JUDGED, SUCCESS, Attack, Attacked
from repost.metrics.intervals import wilson
from spread import Interval, bootstrap, over_runs
from tables import print_table

ASKED_RATIO, ASKED_QUALITY = 1.3, 50
_OVER = ("kornia", "DiffJPEG", "straight-through", "identity", "cubic")
"""What zero_bin is compared with."""


def print_target(attack: Attack, rows: Sequence[Attacked]) -> None:
    """One table for one network."""
    target, seeds, faces = attack.target, *rows[0].psnr_db.shape
    word = f"L2, success = L2 >= {SUCCESS:g}" if target.is_generator else "fall of the right answer's probability"
    print(f"\n{target.name}: {word}; n = {faces} held-out faces x {seeds} seeds; mean, +- seeds, +- faces")
    short = "L2" if target.is_generator else "fall"
    head = ["in the loop", "steps", "PSNR dB"]
    for quality in JUDGED:
        head += [f"{_codec(quality)}: {short}", "success" if target.is_generator else "flips"]
    print_table(head, [_row(one) for one in rows])
    if not target.is_generator:
        print("flips without an attack: " + ", ".join(_clean_flips(attack, quality) for quality in JUDGED))


def _row(one: Attacked) -> list[str]:
    cells = [one.loop, str(one.steps), f"{one.psnr_db.mean():.2f}"]
    for quality in JUDGED:
        seeds, faces = intervals(one.scores[quality])
        cells.append(f"{one.scores[quality].mean():.3f} +-{_half(seeds):.3f} +-{_half(faces):.3f}")
        cells.append(f"{one.successes[quality].mean():.2f}")
    return cells


def _clean_flips(attack: Attack, quality: int | None) -> str:
    wrong = int((attack.clean[quality].argmax(1) != attack.faces.sex).sum())
    low, high = wilson(wrong, len(attack.faces))
    return f"{_codec(quality)} {wrong}/{len(attack.faces)} ({low:.3f}-{high:.3f})"


def print_ratios(rows: Sequence[Attacked], generators: Sequence[str]) -> list[dict[str, Any]]:
    """How much more zero_bin changes than the others, for each network and over the generators together."""
    found = []
    names = {one.loop for one in rows}
    for other in (name for name in _OVER if name in names):
        cells = []
        for steps in sorted({one.steps for one in rows}):
            pairs = [(_pick(rows, "zero_bin", steps, name), _pick(rows, other, steps, name)) for name in _targets(rows)]
            groups = [(pair[0].target, [pair]) for pair in pairs]
            groups.append(("mean of generators", [pair for pair in pairs if pair[0].target in generators]))
            for name, group in groups:
                ratios = {quality: _ratio(group, quality) for quality in JUDGED}
                found.append({"over": other, "target": name, "steps": steps, "ratios": _keyed(ratios)})
                cells.append([name, str(steps), *(cell for ratio in ratios.values() for cell in _cells(*ratio))])
        head = ["", "steps"]
        for quality in JUDGED:
            head += [_codec(quality), "seeds", "faces"]
        print(f"\nzero_bin over {other}: ratio of mean changes, with 95 % intervals over seeds and over faces")
        print_table(head, cells)
    return found


def print_asked(ratios: Sequence[dict[str, Any]]) -> None:
    """Whether the ratio that was asked is reached."""
    for row in ratios:
        if row["over"] == "kornia" and row["target"] == "mean of generators":
            ratio, _, (low, high) = row["ratios"][_codec(ASKED_QUALITY)]
            verdict = "met" if ratio >= ASKED_RATIO else "MISSED"
            print(
                f"zero_bin over kornia at quality {ASKED_QUALITY}, {row['steps']} steps: {ratio:.2f} "
                f"({low:.2f}-{high:.2f}); asked >= {ASKED_RATIO:g}: {verdict}"
            )


def as_json(one: Attacked) -> dict[str, Any]:
    """The numbers of a row, with both intervals."""
    judged = {}
    for quality in JUDGED:
        score, success = one.scores[quality], one.successes[quality]
        found: dict[str, Any] = {}
        for name, values in (("change", score), ("success", success)):
            seeds, faces = intervals(values)
            found |= {name: float(values.mean()), f"{name}_over_seeds": seeds, f"{name}_over_faces": faces}
        judged[_codec(quality)] = found
    psnr = {"psnr_db": float(one.psnr_db.mean()), "psnr_db_over_faces": intervals(one.psnr_db)[1]}
    return {"target": one.target, "loop": one.loop, "steps": one.steps, **psnr, "judged": judged}


def intervals(values: NDArray[np.float64]) -> tuple[Interval, Interval]:
    """95 % intervals of the mean of (seeds, faces): over seeds, and over faces."""
    of_faces = values.mean(0)
    return over_runs(values.mean(1)), bootstrap(len(of_faces), lambda drawn: of_faces[drawn].mean(1))


def _ratio(pairs: Sequence[tuple[Attacked, Attacked]], quality: int | None) -> tuple[float, Interval, Interval]:
    """Mean over networks of the ratio of mean changes; over faces, all networks keep the same draw."""
    scores = [(ours.scores[quality], theirs.scores[quality]) for ours, theirs in pairs]
    of_faces = [(ours.mean(0), theirs.mean(0)) for ours, theirs in scores]
    count = len(of_faces[0][0])

    def mean(drawn: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.mean([ours[drawn].mean(1) / theirs[drawn].mean(1) for ours, theirs in of_faces], axis=0)

    by_seed = np.mean([ours.mean(1) / theirs.mean(1) for ours, theirs in scores], axis=0)
    return float(mean(np.arange(count)[None])[0]), over_runs(by_seed), bootstrap(count, mean)


def _pick(rows: Sequence[Attacked], loop: str, steps: int, target: str) -> Attacked:
    return next(one for one in rows if (one.loop, one.steps, one.target) == (loop, steps, target))


def _targets(rows: Sequence[Attacked]) -> list[str]:
    return list(dict.fromkeys(one.target for one in rows))


def _keyed(ratios: dict[int | None, tuple[float, Interval, Interval]]) -> dict[str, tuple[float, Interval, Interval]]:
    return {_codec(quality): ratio for quality, ratio in ratios.items()}


def _cells(ratio: float, seeds: Interval, faces: Interval) -> list[str]:
    return [f"{ratio:.2f}", f"{seeds[0]:.2f}-{seeds[1]:.2f}", f"{faces[0]:.2f}-{faces[1]:.2f}"]


def _codec(quality: int | None) -> str:
    return "none" if quality is None else f"QF {quality}"


def _half(interval: Interval) -> float:
    return (interval[1] - interval[0]) / 2
