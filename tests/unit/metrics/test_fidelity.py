"""Pixel distances against scikit-image and plain numpy."""

import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from repost.core.errors import InvalidPixels, UsageError
from repost.metrics import exact_share, mean_absolute_difference, psnr_db, ssim

METRICS = (psnr_db, mean_absolute_difference, exact_share, ssim)


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    first = rng.integers(0, 256, (41, 57, 3), dtype=np.uint8)
    noise = rng.integers(-9, 10, first.shape) * (rng.random((41, 57, 1)) < 0.7)
    return first, np.clip(first + noise, 0, 255).astype(np.uint8)


def test_psnr_equals_scikit_image(pair):
    assert psnr_db(*pair) == pytest.approx(peak_signal_noise_ratio(*pair, data_range=255), abs=1e-12)
    black, white = np.zeros((4, 5, 3), np.uint8), np.full((4, 5, 3), 255, np.uint8)
    assert psnr_db(black, white) == 0.0  # the largest differences do not overflow


def test_mean_absolute_difference_equals_numpy(pair):
    truth = np.abs(pair[0].astype(float) - pair[1].astype(float)).mean()
    assert mean_absolute_difference(*pair) == pytest.approx(truth, abs=1e-12)


def test_convention_a_pixel_is_exact_only_in_all_channels():
    first = np.zeros((1, 4, 3), np.uint8)
    second = first.copy()
    second[0, 0, 0] = second[0, 1, 2] = 1
    assert exact_share(first, second) == 0.5


def test_equal_pictures(pair):
    assert psnr_db(pair[0], pair[0]) == math.inf
    assert mean_absolute_difference(pair[0], pair[0]) == 0.0
    assert exact_share(pair[0], pair[0]) == 1.0
    assert ssim(pair[0], pair[0]) == 1.0


@pytest.mark.parametrize("metric", METRICS)
def test_symmetric(metric, pair):
    assert metric(*pair) == metric(*reversed(pair))


def test_convention_mask_names_the_pixels_left_out(pair):
    mask = np.zeros((41, 57), np.bool_)
    mask[5:20, 10:30] = True
    kept = [picture[~mask][:, None, :] for picture in pair]
    assert psnr_db(*pair, mask=mask) == pytest.approx(peak_signal_noise_ratio(*kept, data_range=255), abs=1e-12)
    assert mean_absolute_difference(*pair, mask=mask) == mean_absolute_difference(*kept)
    assert exact_share(*pair, mask=mask) == exact_share(*kept)


@pytest.mark.parametrize("metric", METRICS)
def test_what_is_masked_does_not_matter(metric, pair):
    first, second = pair
    mask = np.zeros((41, 57), np.bool_)
    mask[30:41, 40:57] = True
    stamped = second.copy()
    stamped[mask] = 255 - stamped[mask]
    assert metric(first, stamped, mask=mask) == metric(first, second, mask=mask)
    assert metric(first, stamped) != metric(first, second)


@pytest.mark.parametrize("metric", METRICS)
def test_a_mask_of_nothing_changes_nothing(metric, pair):
    assert metric(*pair, mask=np.zeros((41, 57), np.bool_)) == pytest.approx(metric(*pair), abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    "pixels",
    [np.zeros((4, 4, 3)), np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)],
)
def test_other_arrays_are_refused(metric, pixels):
    with pytest.raises(InvalidPixels, match=r"expected uint8 \(height, width, 3\)"):
        metric(pixels, pixels)


@pytest.mark.parametrize("metric", METRICS)
def test_sizes_must_be_equal(metric):
    with pytest.raises(UsageError, match=r"got pictures of \(4, 5, 3\) and \(5, 4, 3\), expected equal sizes"):
        metric(np.zeros((4, 5, 3), np.uint8), np.zeros((5, 4, 3), np.uint8))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    "mask", [np.zeros((5, 4), np.bool_), np.zeros((4, 5), np.uint8), np.zeros((4, 5, 3), np.bool_)]
)
def test_mask_must_fit(metric, mask):
    pixels = np.zeros((4, 5, 3), np.uint8)
    with pytest.raises(UsageError, match=r"got a mask of .*, expected bool \(4, 5\)"):
        metric(pixels, pixels, mask=mask)


@pytest.mark.parametrize("metric", METRICS)
def test_something_must_be_left_to_compare(metric):
    pixels = np.zeros((4, 5, 3), np.uint8)
    with pytest.raises(UsageError, match="covers every pixel"):
        metric(pixels, pixels, mask=np.ones((4, 5), np.bool_))
