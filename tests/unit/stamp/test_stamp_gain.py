"""How strong a stamp is made: as weak as is enough, and enough after one JPEG."""

import io

import numpy as np
import pytest
from PIL import Image
from skimage import data

from repost.stamp import load_model, scan, stamp
from repost.stamp.gain import LEAST_GAIN, MOST_GAIN, _least, needed_gain, own_z
from repost.stamp.grid import cell_means, grid_over, luma_of
from repost.stamp.key import direction_of
from repost.stamp.tile import lattice, lay, tile_of


def gain_of(pixels: np.ndarray) -> float:
    model = load_model()
    luma, grid = luma_of(pixels), grid_over(*pixels.shape[:2])
    mean = cell_means(luma, grid)
    deviation = np.sqrt(np.maximum(cell_means(luma * luma, grid) - mean * mean, 0))
    carrier = lay(tile_of(direction_of("a", lattice().dimensions)), mean.shape, shift=(3, 9))
    return needed_gain(luma, mean, model.residual(mean, deviation, carrier), carrier, model)


def test_gains_stay_in_their_range_and_follow_the_picture() -> None:
    busy = np.random.default_rng(0).integers(0, 256, (400, 500, 3), np.uint8)
    gains = [gain_of(photo) for photo in (data.coffee(), data.astronaut(), busy)]
    assert all(gain <= MOST_GAIN for gain in gains)
    assert gains[0] < gains[2]  # noise of all frequencies hides the stamp from the scan as well


@pytest.mark.parametrize("background", [0, 128, 250])
def test_flat_pictures_are_stamped_strongly_enough_for_a_jpeg(background: int) -> None:
    """Found by a photograph on black: what no JPEG has touched is found at once, and lost in the first one."""
    photo = np.full((450, 800, 3), background, np.uint8)
    photo[150:300, 300:450] = data.astronaut()[:150, 200:350]
    file = io.BytesIO()
    Image.fromarray(stamp(photo, "a")).save(file, "JPEG", quality=50)
    assert scan(np.asarray(Image.open(file)), "a").stamped
    assert gain_of(photo) > LEAST_GAIN


@pytest.mark.parametrize("enough_at", [0, 1, 7, 14, 99])
def test_the_first_gain_that_is_enough_is_found(enough_at: int) -> None:
    gains = [float(number) for number in range(15)]
    assert _least(gains, lambda gain: gain >= enough_at) == min(enough_at, 14)
    assert _least([3.0], lambda _: False) == 3.0


def test_the_carrier_itself_agrees_perfectly() -> None:
    carrier = lay(tile_of(direction_of("a", lattice().dimensions)), (96, 128), shift=(0, 0))
    numbers = carrier.size * len(lattice().frequencies) / 64**2
    assert own_z(2 * carrier, carrier) == pytest.approx(np.sqrt(numbers), rel=1e-5)
    assert own_z(-carrier, carrier) == pytest.approx(-np.sqrt(numbers), rel=1e-5)
    assert own_z(np.zeros_like(carrier), carrier) == 0
