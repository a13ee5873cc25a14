"""Labelled faces of 64 px, in one file that travels to another machine.

UTKFace is for non-commercial research: the file is not part of this project, nor are weights trained on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

SIDE_PX = 64
FACES = Path(__file__).parents[2] / "shared" / "data" / "faces" / "utkface"
HELD_OUT = 256
"""Files that are never trained on; the attacked ones are of these."""

_YOUNG_YEARS = 35


@dataclass(frozen=True, slots=True)
class Faces:
    """Faces and what is known of them.

    Attributes:
        pixels: Shape (n, 3, 64, 64), float32 in [-1, 1].
        labels: Shape (n, 2), 0 or 1: female, young (under 35).
    """

    pixels: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, chosen: Tensor | slice) -> Faces:
        return Faces(self.pixels[chosen], self.labels[chosen])

    @property
    def sex(self) -> Tensor:
        """0 male, 1 female."""
        return self.labels[:, 0].long()


def prepare(folder: Path, out: Path) -> None:
    """Write the faces of a folder of UTKFace (age_sex_race_date.jpg) to one .npz."""
    paths = sorted(folder.glob("*_*_*_*.jpg"))
    size = (SIDE_PX, SIDE_PX)
    pixels = [np.asarray(Image.open(path).convert("RGB").resize(size, Image.Resampling.LANCZOS)) for path in paths]
    fields = [path.name.split("_") for path in paths]
    labels = [(int(sex), int(int(age) < _YOUNG_YEARS)) for age, sex, *_ in fields]
    np.savez_compressed(out, pixels=np.stack(pixels), labels=np.array(labels, np.uint8))
    print(f"{len(paths)} faces, {out.stat().st_size / 1e6:.1f} MB: {out}")


def load(path: Path, device: torch.device, *, seed: int) -> tuple[Faces, Faces]:
    """Faces to train on and faces held out, split by file."""
    with np.load(path) as stored:
        pixels = torch.from_numpy(stored["pixels"]).permute(0, 3, 1, 2).to(device).float() / 127.5 - 1
        labels = torch.from_numpy(stored["labels"]).to(device).float()
    order = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(seed)).to(device)
    every = Faces(pixels[order].contiguous(memory_format=torch.channels_last), labels[order])
    return every[HELD_OUT:], every[:HELD_OUT]
