"""Markers whose rates are known, for tests of the evaluation."""

import hashlib
from dataclasses import dataclass

import numpy as np
from PIL import Image

from repost.core.errors import InvalidPixels


@dataclass(frozen=True)
class OddBlue:
    """Makes every blue value odd, and scores the share of odd ones: whatever keeps values keeps it, JPEG does not.

    A photograph that has only odd blue values is a false positive; one of under 24 px is refused.
    """

    name: str = "odd blue"
    threshold: float = 0.9

    @property
    def identity(self):
        return f"{self.name} {self.threshold}"

    def stamp(self, pixels):
        stamped = pixels.copy()
        stamped[..., 2] |= 1
        return stamped

    def score(self, pixels):
        if min(pixels.shape[:2]) < 24:
            raise InvalidPixels(got="a tiny picture")
        return float((pixels[..., 2] & 1).mean())


@dataclass(frozen=True)
class Hashed:
    """Scores -log10 of a number that content and key make uniform: an exact p-value, or one `too_small` times less."""

    key: str = "a"
    too_small: float = 1.0
    name: str = "hashed"
    threshold: float = 3.0

    @property
    def identity(self):
        return f"{self.name} {self.key} {self.too_small}"

    def stamp(self, pixels):
        return pixels

    def score(self, pixels):
        digest = hashlib.sha256(self.key.encode() + pixels.tobytes()).digest()
        uniform = (int.from_bytes(digest[:8], "big") + 1) / 2**64
        return float(-np.log10(uniform / self.too_small))

    def scores_under(self, pixels, keys):
        return [Hashed(key, self.too_small).score(pixels) for key in keys]


class Stumbling(OddBlue):
    """Stops for good at its third score, as a run that is killed."""

    scores = 0

    def score(self, pixels):
        Stumbling.scores += 1
        if Stumbling.scores == 40:
            raise KeyboardInterrupt
        return super().score(pixels)


def write_photos(folder, count, *, seed, odd=0, side=48):
    """Write pictures of smooth noise, all different; the first `odd` have odd blue values only."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for number in range(count):
        coarse = rng.integers(30, 220, (6, 8, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize((side + 16, side), Image.Resampling.BICUBIC)
        pixels = np.asarray(image) ^ rng.integers(0, 2, (side, side + 16, 3), dtype=np.uint8)
        if number < odd:
            pixels[..., 2] |= 1
        Image.fromarray(pixels).save(folder / f"{number:03}.png")
    return folder
