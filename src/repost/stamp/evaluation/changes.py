"""Changes of a picture, each with its severity: what conditions are made of."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from repost.core.extras import require

Change: TypeAlias = Callable[[Image.Image, random.Random], Image.Image]
"""An RGB image and a generator, to the changed image."""

WEBP_QUALITY = 75
HEIF_QUALITY = 50
"""The default of libheif's encoder, on its own scale; about what phones write."""

_BICUBIC = Image.Resampling.BICUBIC
_SHORTEST_PX = 8


def jpeg(quality: int) -> Change:
    """Pillow's JPEG, 4:2:0, at a quality of 1 to 100."""
    return lambda image, _rng: _saved(image, "JPEG", quality=quality)


def resize(scale: float) -> Change:
    """Both sides times a factor, bicubic with antialiasing; no side below 8 px."""

    def change(image: Image.Image, _rng: random.Random) -> Image.Image:
        width_px, height_px = (max(_SHORTEST_PX, round(side * scale)) for side in image.size)
        return image.resize((width_px, height_px), _BICUBIC)

    return change


def crop(side: float) -> Change:
    """A window with this share of each side, anywhere."""

    def change(image: Image.Image, rng: random.Random) -> Image.Image:
        width_px, height_px = (max(1, round(length * side)) for length in image.size)
        left, top = rng.randint(0, image.width - width_px), rng.randint(0, image.height - height_px)
        return image.crop((left, top, left + width_px, top + height_px))

    return change


def rotate_by(degrees: float) -> Change:
    """Turned by exactly this angle, to either side; same size, corners black."""
    return lambda image, rng: image.rotate(rng.choice((-1, 1)) * degrees, resample=_BICUBIC)


def rotate_within(degrees: float) -> Change:
    """Turned by an angle uniform between minus and plus this; same size, corners black."""
    return lambda image, rng: image.rotate(rng.uniform(-degrees, degrees), resample=_BICUBIC)


def warp(share: float) -> Change:
    """A perspective: each corner comes from up to this share of half a side inside (kornia's and torchvision's)."""

    def change(image: Image.Image, rng: random.Random) -> Image.Image:
        width_px, height_px = image.size
        equations: list[list[float]] = []
        values: list[float] = []
        for x, y in ((0, 0), (width_px, 0), (width_px, height_px), (0, height_px)):
            from_x = x + (1 if x == 0 else -1) * rng.uniform(0, share) * width_px / 2
            from_y = y + (1 if y == 0 else -1) * rng.uniform(0, share) * height_px / 2
            equations += [
                [x, y, 1, 0, 0, 0, -from_x * x, -from_x * y],
                [0, 0, 0, x, y, 1, -from_y * x, -from_y * y],
            ]
            values += [from_x, from_y]
        coefficients = np.linalg.solve(np.array(equations, np.float64), np.array(values, np.float64))
        return image.transform(image.size, Image.Transform.PERSPECTIVE, coefficients.tolist(), _BICUBIC)

    return change


def blur(radius_px: float) -> Change:
    """Pillow's Gaussian blur."""
    return lambda image, _rng: image.filter(ImageFilter.GaussianBlur(radius_px))


def jitter(amount: float) -> Change:
    """Brightness, contrast and saturation, each times 1 plus a number uniform between minus and plus this."""

    def change(image: Image.Image, rng: random.Random) -> Image.Image:
        for kind in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            image = kind(image).enhance(1 + rng.uniform(-amount, amount))
        return image

    return change


def noise(sigma: float) -> Change:
    """White Gaussian noise in every channel; the standard deviation as a share of 255."""

    def change(image: Image.Image, rng: random.Random) -> Image.Image:
        draws = np.random.default_rng(rng.getrandbits(64)).standard_normal((image.height, image.width, 3))
        return Image.fromarray(np.clip(np.rint(np.asarray(image) + draws * (sigma * 255)), 0, 255).astype(np.uint8))

    return change


def flip(image: Image.Image, rng: random.Random) -> Image.Image:
    """Left and right exchanged."""
    del rng
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def chain(*changes: Change) -> Change:
    """One change after the other."""

    def change(image: Image.Image, rng: random.Random) -> Image.Image:
        for one in changes:
            image = one(image, rng)
        return image

    return change


def mix(image: Image.Image, rng: random.Random) -> Image.Image:
    """Like DeepRAFT's stochastic concatenation: each change with probability .9, its severity drawn for every photo."""
    changes = (
        jitter(0.3),
        crop(rng.uniform(0.84, 1)),
        blur(rng.uniform(1, 2)),
        rotate_within(30),
        warp(0.1),
        jpeg(rng.randint(50, 95)),
    )
    for change in changes:
        if rng.random() < 0.9:
            image = change(image, rng)
    return image


def unchanged(image: Image.Image, rng: random.Random) -> Image.Image:
    """The picture itself."""
    del rng
    return image


def webp(image: Image.Image, rng: random.Random) -> Image.Image:
    """Pillow's WebP at quality 75."""
    del rng
    return _saved(image, "WEBP", quality=WEBP_QUALITY)


def heif(image: Image.Image, rng: random.Random) -> Image.Image:
    """HEIC by libheif at quality 50; raises MissingExtra without pillow-heif."""
    del rng
    require("pillow_heif", extra="heif").register_heif_opener()
    return _saved(image.copy(), "HEIF", quality=HEIF_QUALITY)


def _saved(image: Image.Image, format_: str, *, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, format_, quality=quality)
    return Image.open(buffer).convert("RGB")
