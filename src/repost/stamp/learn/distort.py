"""What happens to a stamped picture on its way, with gradients: a stochastic concatenation of augmentations."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from repost.channel import emulate_image
from repost.channel.surrogate import RepostTransform
from repost.media.upload import Upload
from repost.platforms import Profile
from repost.platforms.catalog import default_profiles
from repost.stamp.grid import STAMP_CELLS
from repost.stamp.jpeg import saved_as_jpeg
from repost.stamp.learn.geometry import Geometry

LUMA = (0.299, 0.587, 0.114)
_LEAST_PX = 96


def to_eight_bits(pictures: Tensor) -> Tensor:
    """Whole levels, as a file has them; the gradient passes through.

    Args:
        pictures: In [0, 1] or beyond.

    Returns:
        In [0, 1], multiples of 1/255.
    """
    inside = pictures.clamp(0, 1)
    return inside + (torch.round(inside * 255) / 255 - inside).detach()


def luma(pictures: Tensor) -> Tensor:
    """Rec. 601 luma.

    Args:
        pictures: (n, 1 or 3, height, width).

    Returns:
        (n, 1, height, width).
    """
    if pictures.shape[1] == 1:
        return pictures
    return (pictures * pictures.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)


def distort(pictures: Tensor, geometry: Geometry, rng: random.Random, generator: torch.Generator) -> Tensor:
    """Turn, cut, jitter, blur, resize, share and compress a batch, in an order drawn for it.

    Args:
        pictures: (n, 1 or 3, side, side) in [0, 1].
        geometry: What is turned and cut.
        rng: Draws for the batch.
        generator: Draws for single pictures.

    Returns:
        (n, 1 or 3, side, side) of some side, in [0, 1].
    """
    kinds: list[Callable[[Tensor], Tensor]] = [
        lambda shown: _turn(shown, geometry, rng),
        lambda shown: _jitter(shown, rng, generator),
        lambda shown: _soften(shown, rng),
    ]
    rng.shuffle(kinds)
    kinds.insert(rng.randint(0, len(kinds)), lambda shown: _send(shown, rng))
    if rng.random() < 0.2:
        kinds.append(lambda shown: _send(shown, rng))
    # half precision would round pictures like a coarse file
    with torch.autocast("cuda" if pictures.is_cuda else "cpu", enabled=False):
        for kind in kinds:
            pictures = kind(pictures)
    return pictures


def add_noise(pictures: Tensor, sigma: Tensor, generator: torch.Generator) -> Tensor:
    """Gaussian noise, not clipped: the smoothed scanner sees it so.

    Args:
        pictures: (n, channels, height, width).
        sigma: (n,), of [0, 1] scale.
        generator: Of the noise.

    Returns:
        Noisy pictures.
    """
    noise = torch.randn(pictures.shape, generator=generator, device=pictures.device)
    return pictures + noise * sigma.view(-1, 1, 1, 1)


def share(pictures: Tensor, rng: random.Random) -> Tensor:
    """Each picture on the default route of a network drawn for it.

    On the CPU it is the exact channel with a straight-through gradient; on a GPU the surrogate, which stays there.

    Args:
        pictures: (n, 3, height, width) in [0, 1].
        rng: Draws networks, and what they draw.

    Returns:
        What comes back, at the size it had.
    """
    if pictures.is_cuda:
        return _surrogates()(pictures)
    with torch.no_grad():
        told = torch.stack([_shared(one, rng) for one in _levels(pictures)]).permute(0, 3, 1, 2).float() / 255
    return pictures + (told - pictures).detach()


def _shared(levels: np.ndarray, rng: random.Random) -> Tensor:
    profile, seed = rng.choice(_profiles()), rng.getrandbits(32)
    pixels = emulate_image(Upload.of(levels), profile, seed=seed).pixels
    if pixels.shape != levels.shape:
        size = (levels.shape[1], levels.shape[0])
        pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
    return torch.as_tensor(pixels.copy())


@lru_cache(maxsize=1)
def _profiles() -> list[Profile]:
    return list(default_profiles("image").values())


@lru_cache(maxsize=1)
def _surrogates() -> RepostTransform:
    return RepostTransform(_profiles())


def _levels(pictures: Tensor) -> np.ndarray:
    return (pictures.detach().clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()


def _turn(pictures: Tensor, geometry: Geometry, rng: random.Random) -> Tensor:
    if not geometry.moves:
        return pictures
    shrunk = pictures.shape[-1] * min(1.0, geometry.level / STAMP_CELLS) * rng.uniform(0.75, 1.1)
    places = geometry.places(max(_LEAST_PX, round(shrunk))).to(pictures.device)
    border = rng.choice(["zeros", "zeros", "reflection"])
    return functional.grid_sample(pictures, places, mode="bilinear", padding_mode=border, align_corners=False)


def _jitter(pictures: Tensor, rng: random.Random, generator: torch.Generator) -> Tensor:
    if rng.random() < 0.5:
        return pictures

    def around(spread: float) -> Tensor:
        drawn = torch.rand((len(pictures), 1, 1, 1), generator=generator, device=pictures.device)
        return 1 + (2 * drawn - 1) * spread

    mean = pictures.mean((1, 2, 3), keepdim=True)
    pictures = ((pictures - mean) * around(0.35) + mean) * around(0.35)
    if pictures.shape[1] == 3:
        grey = luma(pictures)
        pictures = grey + (pictures - grey) * around(0.35)
    if rng.random() < 0.3:
        pictures = pictures.clamp(1e-4, 1) ** around(0.3)
    return pictures.clamp(0, 1)


def _soften(pictures: Tensor, rng: random.Random) -> Tensor:
    drawn = rng.random()
    if drawn < 0.15:
        return _blur(pictures, rng.uniform(0.4, 2.2))
    if drawn < 0.45:
        side = max(_LEAST_PX - 16, round(pictures.shape[-1] * rng.uniform(0.35, 1)))
        kernel = rng.choice(["bilinear", "bicubic"])
        sized = functional.interpolate(pictures, (side, side), mode=kernel, antialias=True, align_corners=False)
        return sized.clamp(0, 1)
    return pictures


def _blur(pictures: Tensor, sigma: float) -> Tensor:
    reach = math.ceil(2.5 * sigma)
    taps = torch.exp(-torch.arange(-reach, reach + 1, device=pictures.device).float().square() / (2 * sigma**2))
    taps = (taps / taps.sum()).repeat(pictures.shape[1], 1, 1, 1)
    groups = pictures.shape[1]
    across = functional.conv2d(functional.pad(pictures, (reach, reach, 0, 0), "reflect"), taps, groups=groups)
    turned = functional.pad(across, (0, 0, reach, reach), "reflect")
    return functional.conv2d(turned, taps.transpose(2, 3), groups=groups)


def _send(pictures: Tensor, rng: random.Random) -> Tensor:
    """Colour goes to a network, or is saved as one does; grey is only saved."""
    if pictures.shape[1] == 3 and rng.random() < 0.7:
        return share(pictures, rng)
    qualities = [rng.randint(40, 95) if rng.random() < 0.7 else None for _ in pictures]
    return save_as_jpeg(pictures, qualities)


def save_as_jpeg(pictures: Tensor, qualities: Sequence[int | None]) -> Tensor:
    """Pillow's JPEG with a straight-through gradient.

    Args:
        pictures: (n, 1 or 3, height, width) in [0, 1].
        qualities: Of each, 1 to 100; None leaves it as it is.

    Returns:
        What is decoded again.
    """
    with torch.no_grad():
        saved = np.stack([_saved(one, told) for one, told in zip(_levels(pictures), qualities, strict=True)])
        told = torch.as_tensor(saved).permute(0, 3, 1, 2).to(pictures.device).float() / 255
    return pictures + (told - pictures).detach()


def _saved(levels: np.ndarray, quality: int | None) -> np.ndarray:
    if quality is None:
        return levels
    return saved_as_jpeg(levels.squeeze(-1) if levels.shape[2] == 1 else levels, quality).reshape(levels.shape)
