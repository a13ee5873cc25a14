"""Pairs of a small network whose hidden stage is known, in the published layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

torch: Any = pytest.importorskip("torch")
torch.set_num_threads(1)

import repost  # noqa: E402
from repost.platforms import Profile  # noqa: E402

TILE_PX = 64


def profile_of(*steps: dict[str, Any], platform: str = "facebook") -> Profile:
    return Profile.model_validate(
        {
            "platform": platform,
            "observed": "2026",
            "summary": "for tests",
            "evidence": [{"kind": "inferred", "source": "tests"}],
            "rules": [{"media": "image", "name": "only", "steps": list(steps)}],
        }
    )


LAST = {"op": "encode", "codec": "jpeg", "quality": 90, "subsampling": "4:2:0"}
HIDDEN = (
    {"op": "resize", "fit": "stretch", "width_px": 40, "height_px": 40, "kernel": "area"},
    {"op": "encode", "codec": "jpeg", "quality": 70},
    {"op": "resize", "fit": "stretch", "width_px": 64, "height_px": 64, "kernel": "bicubic", "upscale": True},
)
KNOWN = profile_of(LAST)
TRUE = profile_of(*HIDDEN, LAST)


def tiles(count: int) -> list[np.ndarray]:
    photos = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    rng = np.random.default_rng(0)
    found = []
    for index in range(count):
        photo = photos[index % len(photos)]
        top, left = (int(rng.integers(0, side - TILE_PX)) for side in photo.shape[:2])
        found.append(np.ascontiguousarray(photo[top : top + TILE_PX, left : left + TILE_PX]))
    return found


def write_pairs(folder: Path, pictures: list[np.ndarray], *, platform: str = "facebook", true: Profile = TRUE) -> Path:
    """A data set in the published layout, every row of one network."""
    originals, served = folder / "original_images", folder / "transmission_images" / platform
    for place in (originals, served):
        place.mkdir(parents=True)
    rows = []
    for index, picture in enumerate(pictures):
        name = f"{index:06d}.png"
        Image.fromarray(picture).save(originals / name)
        Image.fromarray(repost.emulate(picture, true, seed=0).pixels).save(served / name)
        rows.append(f"{name} 1")
    (folder / "attributes.txt").write_text("\n".join([str(len(rows)), "Any", *rows]) + "\n")
    return folder
