"""Quality of a stamped picture against scikit-image and by hand."""

import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from repost.stamp.evaluation.quality import Quality, quality_of, summarise


def noisy(shape=(100, 140, 3), seed=0):
    rng = np.random.default_rng(seed)
    cover = rng.integers(20, 230, shape, dtype=np.uint8)
    return cover, (cover + rng.integers(-3, 4, shape)).astype(np.uint8)


def test_psnr_and_ssim_are_scikit_images():
    cover, stamped = noisy()
    found = quality_of(cover, stamped)
    similarity = structural_similarity(cover, stamped, channel_axis=2, gaussian_weights=True, sigma=1.5,
                                       use_sample_covariance=False, data_range=255)  # fmt: skip
    assert found.psnr_db == pytest.approx(peak_signal_noise_ratio(cover, stamped))
    assert found.ssim == pytest.approx(similarity, abs=1e-3)
    assert found.largest_change == 3


@pytest.mark.parametrize("shape", [(100, 140, 3), (64, 64, 3), (20, 90, 3), (33, 31, 3)])
def test_the_worst_block_is_that_of_a_loop(shape):
    cover, stamped = noisy(shape, seed=4)
    stamped[-9:, -9:] = cover[-9:, -9:] + 10  # at the edge, where blocks do not fit
    tops, lefts = (sorted({*range(0, max(1, side - 31), 32), max(0, side - 32)}) for side in shape[:2])
    worst_db = min(
        peak_signal_noise_ratio(cover[top : top + 32, left : left + 32], stamped[top : top + 32, left : left + 32])
        for top in tops
        for left in lefts
    )
    assert quality_of(cover, stamped).worst_block_psnr_db == pytest.approx(worst_db)


def test_a_ripple_that_the_mean_hides_shows_in_the_worst_block():
    cover = np.full((512, 512, 3), 128, np.uint8)
    stamped = cover.copy()
    stamped[320:352, 64:96] += 20
    found = quality_of(cover, stamped)
    assert found.psnr_db > 45
    assert found.worst_block_psnr_db == pytest.approx(10 * math.log10(255**2 / 20**2))


def test_equal_pictures_have_100_db():
    cover, _ = noisy()
    assert quality_of(cover, cover) == Quality(100.0, 1.0, 0, 100.0)


def test_worst_is_the_greatest_change_and_the_least_of_the_others():
    found = summarise([("a", Quality(40, 0.98, 5, 30)), ("b", Quality(44, 0.99, 9, 28))])
    assert found is not None
    assert found.mean == {"psnr_db": 42, "ssim": pytest.approx(0.985), "largest_change": 7, "worst_block_psnr_db": 29}
    assert found.worst == {"psnr_db": 40, "ssim": 0.98, "largest_change": 9, "worst_block_psnr_db": 28}
    assert found.worst_photo == "b"
    assert summarise([]) is None
