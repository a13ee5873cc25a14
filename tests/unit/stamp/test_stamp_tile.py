"""Tiles: band, symmetry, and angles between tiles those between directions."""

import numpy as np
import pytest

from repost.stamp.key import direction_of
from repost.stamp.tile import HIGHEST, LOWEST, TILE_CELLS, lattice, lay, tile_of


@pytest.fixture
def tile() -> np.ndarray:
    return tile_of(direction_of("a", lattice().dimensions))


def test_a_tile_is_the_same_after_flips_and_quarter_turns(tile: np.ndarray) -> None:
    mirrored = np.roll(tile[:, ::-1], 1, axis=1)  # index k goes to -k
    assert mirrored == pytest.approx(tile, abs=1e-5)
    assert pytest.approx(tile, abs=1e-5) == tile.T


def test_a_tile_has_only_frequencies_of_the_band(tile: np.ndarray) -> None:
    steps = np.fft.fftfreq(TILE_CELLS, 1 / TILE_CELLS)
    radius = np.hypot(steps[:, None], steps[None])
    power = np.abs(np.fft.fft2(tile)) ** 2
    outside = power[(radius < LOWEST) | (radius > HIGHEST)].sum()
    assert outside < 1e-9 * power.sum()
    assert np.square(tile).mean() == pytest.approx(1, abs=1e-4)


def test_angles_between_tiles_are_those_between_directions() -> None:
    dimensions = lattice().dimensions
    one, other = direction_of("a", dimensions), direction_of("b", dimensions)
    between = one + 0.3 * other
    between /= np.linalg.norm(between)
    tiles = [tile_of(direction).ravel() for direction in (one, between)]
    cosine = np.dot(*tiles) / np.prod([np.linalg.norm(tile) for tile in tiles])
    assert cosine == pytest.approx(one @ between, abs=1e-5)


def test_the_half_stands_for_the_whole() -> None:
    found = lattice()
    assert found.half_weight.sum() == len(found.frequencies)
    assert found.orbit_sizes.sum() == len(found.frequencies)
    assert np.all(np.diff(found.orbit[found.half]) >= 0)
    assert set(found.orbit_sizes) == {4, 8}


def test_laying_moves_the_tile(tile: np.ndarray) -> None:
    laid = lay(tile, (96, 132), shift=(5, 9))
    assert laid[5, 9] == tile[0, 0]
    assert laid[5 + TILE_CELLS, 9 + TILE_CELLS] == tile[0, 0]
