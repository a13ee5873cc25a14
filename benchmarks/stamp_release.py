r"""Make a training of the stamp a released model: thresholds, data, licences, authors.

    python benchmarks/stamp_release.py --version 2 \
        build/stamp/rs_aug/model build/stamp/calibration src/repost/stamp/weights

The folders are those of `stamp_photos.py` and of `repost train stamp`. What is printed goes into
`repost/stamp/weights/__init__.py`.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import reduce
from operator import add
from pathlib import Path

from repost.stamp import load_model
from repost.stamp.calibration import Calibration, calibrate
from repost.stamp.learn.release import write_facts

DATA = {
    "licence": "Apache-2.0, as the code",
    "data": (
        "49 wallpapers of the Budgie, deepin, elementary and Pop!_OS desktops (CC0, public domain, Unsplash licence); "
        "120 photographs of clothing (CC0); 60 frames of ten clips (LivePortrait, MIT; SAM 2, Apache-2.0). "
        "Validation: 10 other wallpapers and 20 other photographs of clothing"
    ),
    "authors": (
        "wallpapers by Ashim D'Silva, Cristina Gottardi, Francesco Ungaro, Jeremy Bishop, Joshua Coleman, Kyaw Tun, "
        "Luca Micheli, Lucian Dachman, Luke Stackpoole, Marian Kroell, Massimiliano Morosinotto, Mike Yukhtenko, "
        "Willian Justen de Vasconcellos, Wolfgang Hasselmann, Zetong Li, Martin Adams, Mr. Lee, SpaceX, NASA, "
        "Tj Holowaychuk, Viktor Forgacs, Ahmadreza Sajadi, Galen Crout, Jad Limcaco, Jake Hills, Jared Evans, "
        "Kait Herzog, Samuel Zeller, Sean Afnan, Sebastien Gabriel, Tony Webster, "
        "and the Budgie and elementary projects"
    ),
}


def main() -> None:
    """Calibrate on all cores and write the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--hardware", default="one core of an AMD EPYC with bfloat16, 20 minutes")
    parser.add_argument("--version", type=int, required=True, help="one more than the last release of that name")
    told = parser.parse_args()
    photos, jobs = sorted(told.photos.iterdir()), os.cpu_count() or 1
    with ProcessPoolExecutor(jobs) as pool:
        parts = list(pool.map(_calibrated, [told.model] * jobs, [photos[job::jobs] for job in range(jobs)]))
    facts = reduce(add, parts).apply(load_model(told.model).facts)
    training = {**facts.training, **DATA, "hardware": told.hardware}
    facts = facts.model_copy(update={"version": told.version, "training": training})
    folder = told.weights / facts.name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(told.model, folder)
    print(facts.calibration)
    print([(one.rate, one.score) for one in facts.null_scores])
    print(f'"{facts.name}": "{write_facts(facts, folder)}",')


def _calibrated(model: Path, photos: Sequence[Path]) -> Calibration:
    *_, known = calibrate(load_model(model), photos)
    return known


if __name__ == "__main__":
    main()
