import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def make_photos(tmp_path):
    """Write pictures of smooth noise, all different; odd ones have odd blue values only."""

    def make(folder, count, *, seed, odd=0, side=48):
        place = tmp_path / folder
        place.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        for number in range(count):
            coarse = rng.integers(30, 220, (6, 8, 3), dtype=np.uint8)
            image = Image.fromarray(coarse).resize((side + 16, side), Image.Resampling.BICUBIC)
            pixels = np.asarray(image) ^ rng.integers(0, 2, (side, side + 16, 3), dtype=np.uint8)
            if number < odd:
                pixels[..., 2] |= 1
            Image.fromarray(pixels).save(place / f"{number:03}.png")
        return place

    return make
