"""Whether `forward="exact"` gives the exact channel's pixels, and how often the surrogate alone does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from repost.channel.image import emulate_image
from repost.channel.surrogate import SurrogateChannel
from repost.core.errors import RepostError
from repost.media.upload import Upload
from repost.metrics.intervals import wilson
from repost.platforms import Profile, list_profiles
from tables import print_table

_SIDES_PX = (240, 320)
_CODECS = ("jpeg", "webp", "avif", "heif")


@dataclass(frozen=True, slots=True)
class Compared:
    """Pictures of one profile, or of one codec.

    Attributes:
        name: Of the profile.
        pictures: How many.
        equal: Of which `forward="exact"` equals the exact channel in every pixel.
        surrogate_equal: Of which the surrogate does.
        gradients: Of which the gradient of the exact forward is finite and not zero.
        refused: Why nothing was compared, if so.
    """

    name: str
    pictures: int = 0
    equal: int = 0
    surrogate_equal: int = 0
    gradients: int = 0
    refused: str = ""


def report_exact(
    photos: Sequence[NDArray[np.uint8]], device: torch.device, *, seed: int, quick: bool
) -> list[dict[str, Any]]:
    """Compare for every bundled profile of images and for every codec alone, and print."""
    rng = np.random.default_rng(seed)
    count = 2 if quick else 16
    rows = []
    for profile in _profiles():
        pictures = [_cut(photos[rng.integers(len(photos))], rng) for _ in range(count)]
        rows.append(_compare(profile, pictures, device, seed=seed))
    total = Compared("all", *(sum(getattr(row, name) for row in rows) for name in Compared.__slots__[1:5]))
    print(f'\nforward="exact" against the exact channel, pictures of {_SIDES_PX[1]}x{_SIDES_PX[0]}')
    cells = [
        [row.name, str(row.pictures), str(row.equal), str(row.gradients), str(row.surrogate_equal), row.refused]
        for row in (*rows, total)
    ]
    print_table(("profile", "n", "equal", "with a gradient", "equal without it", ""), cells)
    low, _ = wilson(total.equal, total.pictures)
    print(f"equal: {total.equal} of {total.pictures} (95 % interval from {low:.4f}); asked: all")
    return [asdict(row) for row in rows]


def _profiles() -> Iterator[Profile]:
    yield from (listed.profile for listed in list_profiles() if listed.profile.rules_for("image"))
    for codec in _CODECS:
        step = {"op": "encode", "codec": codec, "quality": {"choice": [50, 71, 92], "weights": [1, 1, 1]}}
        yield Profile.model_validate(
            {
                "platform": f"{codec}-alone",
                "observed": "2026",
                "summary": "one save",
                "evidence": [{"kind": "inferred", "source": "this benchmark"}],
                "rules": [{"media": "image", "name": "any", "steps": [step]}],
            }
        )


def _compare(profile: Profile, pictures: Sequence[NDArray[np.uint8]], device: torch.device, *, seed: int) -> Compared:
    pixels = torch.tensor(np.stack(pictures)).permute(0, 3, 1, 2).to(device).float().div_(255).requires_grad_()
    try:
        real = [emulate_image(Upload.of(one), profile, seed=seed).pixels for one in pictures]
        shared = SurrogateChannel(profile, seed=seed, forward="exact").share(pixels).pixels
        alone = SurrogateChannel(profile, seed=seed).share(pixels.detach()).pixels
    except (RepostError, ImportError) as error:
        return Compared(profile.id, refused=str(error).partition("\n")[0][:60])
    torch.autograd.backward([one.square().sum() for one in shared])
    assert pixels.grad is not None
    slopes = pixels.grad.abs().sum((1, 2, 3))
    return Compared(
        profile.id,
        len(pictures),
        sum(map(_same, shared, real)),
        sum(map(_same, alone, real)),
        int((slopes.isfinite() & (slopes > 0)).sum()),
    )


def _same(ours: Tensor, real: NDArray[np.uint8]) -> bool:
    levels = (ours.detach().double() * 255).round().permute(1, 2, 0).cpu().numpy()
    return bool(np.array_equal(levels, real))


def _cut(photo: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    top, left = (int(rng.integers(side - part + 1)) for side, part in zip(photo.shape, _SIDES_PX, strict=False))
    return photo[top : top + _SIDES_PX[0], left : left + _SIDES_PX[1]]
