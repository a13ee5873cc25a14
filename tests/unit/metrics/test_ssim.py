"""SSIM against scikit-image, on noise, on a photograph and at its borders."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity
from sklearn.datasets import load_sample_image

from repost.core.errors import UsageError
from repost.metrics import ssim

SETTINGS = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}


def noisy_pair(height_px: int, width_px: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 256, (height_px, width_px, 3), dtype=np.uint8)
    return first, np.clip(first + rng.integers(-40, 41, first.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("size", [(11, 11), (11, 40), (12, 300), (64, 80), (128, 30), (138, 30), (139, 31), (400, 57)])
def test_equals_scikit_image_on_noise(size):
    """Heights around the strip length too: the seams must not show."""
    first, second = noisy_pair(*size)
    truth = structural_similarity(first, second, channel_axis=-1, **SETTINGS)
    assert ssim(first, second) == pytest.approx(truth, abs=1e-12)


@pytest.mark.parametrize("sigma", [0.4, 1.0, 3.0])
def test_equals_scikit_image_on_a_photograph(sigma):
    photo = np.asarray(load_sample_image("china.jpg"))
    blurred = gaussian_filter(photo, (sigma, sigma, 0))
    truth = structural_similarity(photo, blurred, channel_axis=-1, **SETTINGS)
    assert ssim(photo, blurred) == pytest.approx(truth, abs=1e-9)


def test_extremes():
    black, white = np.zeros((20, 20, 3), np.uint8), np.full((20, 20, 3), 255, np.uint8)
    assert ssim(black, white) == pytest.approx((0.01 * 255) ** 2 / (255**2 + (0.01 * 255) ** 2), abs=1e-12)
    board = ((np.indices((30, 30)).sum(axis=0) % 2)[..., None] * np.full(3, 255)).astype(np.uint8)
    assert ssim(board, 255 - board) < -0.9


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (5, 40), (10, 10), (40, 3), (10, 300)])
def test_convention_short_sides_are_mirrored(size):
    """Oracle: scikit-image's map, whose borders are mirrored, cropped only along sides of 11 px and more."""
    first, second = noisy_pair(*size, seed=1)
    rows, columns = (slice(5, -5) if side_px >= 11 else slice(None) for side_px in size)
    blur = lambda plane: gaussian_filter(plane, 1.5, truncate=3.5, mode="reflect")  # noqa: E731
    channels = []
    for x, y in zip(np.moveaxis(first.astype(float), 2, 0), np.moveaxis(second.astype(float), 2, 0), strict=True):
        mean_x, mean_y = blur(x), blur(y)
        xx, yy, xy = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2, blur(x * y) - mean_x * mean_y
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        full = (2 * mean_x * mean_y + c1) * (2 * xy + c2) / ((mean_x**2 + mean_y**2 + c1) * (xx + yy + c2))
        channels.append(full[rows, columns].mean())
    assert ssim(first, second) == pytest.approx(np.mean(channels), abs=1e-9)
    assert ssim(first, first) == 1.0


def test_convention_every_window_that_touches_the_mask_is_left_out():
    first, second = noisy_pair(150, 60)
    mask = np.zeros((150, 60), np.bool_)
    mask[70:75, 20:30] = True
    _, full = structural_similarity(first, second, channel_axis=-1, full=True, **SETTINGS)
    counted = np.zeros((150, 60), np.bool_)
    counted[5:-5, 5:-5] = True
    counted[70 - 5 : 75 + 5, 20 - 5 : 30 + 5] = False
    assert ssim(first, second, mask=mask) == pytest.approx(full[counted].mean(), abs=1e-9)


def test_a_mask_that_touches_every_window():
    first, second = noisy_pair(15, 15)
    mask = np.zeros((15, 15), np.bool_)
    mask[7, 7] = True
    with pytest.raises(UsageError, match="touches every 11x11 window"):
        ssim(first, second, mask=mask)
