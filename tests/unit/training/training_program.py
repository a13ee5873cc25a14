"""A training as a program of its own, to be killed or run by several processes: FOLDER DEVICES PAUSE_S WORKERS."""

import os
import sys
from pathlib import Path

import torch
from training_recipes import Points, Regression, ShiftingPoints

from repost.training import StepFinished, TrainingSettings, train


def main() -> None:
    folder, devices, pause_s, workers = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    torch.set_num_threads(1)
    settings = TrainingSettings(
        steps=60, batch_size=16, schedule="cosine", average_decay=0.9, accelerator="cpu", devices=devices,
        workers=workers, log_every=7, validate_every=10, checkpoint_every=9,
    )  # fmt: skip
    plain = "REPOST_TEST_PLAIN" in os.environ
    recipe = Regression(
        # With several devices each draws its own noise, so that only a recipe without is comparable.
        noise=0.0 if plain else 0.2, dropout=0.0 if plain else 0.3, normalised=not plain,
        train=ShiftingPoints(70, 1), validation=Points(40, 2), pause_s=pause_s,
    )  # fmt: skip

    def tell(event: object) -> None:
        if isinstance(event, StepFinished):
            sys.stdout.write(f"{event.step}\n")
            sys.stdout.flush()

    train(recipe, settings, folder=folder, progress=tell)


if __name__ == "__main__":
    main()
