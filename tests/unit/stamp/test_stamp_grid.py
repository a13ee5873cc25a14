"""The grid: exact means of cells, a residual that keeps its bound, pixels that are pictures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repost.core.errors import InvalidPixels, PictureTooSmall
from repost.stamp.grid import add_residual, cell_means, check_pixels, grid_over, luma_of


@given(st.integers(48, 900), st.integers(48, 900), st.sampled_from([48, 68, 96, 136]))
def test_a_grid_covers_the_picture_with_multiples_of_four(height: int, width: int, level: int) -> None:
    grid = grid_over(height, width, short_cells=level)
    assert grid.rows % 4 == grid.columns % 4 == 0
    assert min(grid.rows, grid.columns) == level
    for cells, side in ((grid.rows, height), (grid.columns, width)):
        assert -1e-3 <= cells * grid.cell_px - side < 4 * grid.cell_px


@pytest.mark.parametrize(("height", "width"), [(192, 192), (288, 480), (960, 1200)])
def test_means_of_whole_cells_are_exact(height: int, width: int) -> None:
    plane = np.random.default_rng(0).random((height, width), np.float32)
    grid = grid_over(height, width)
    side = height // 96
    expected = plane.reshape(96, side, width // side, side).mean((1, 3))
    assert cell_means(plane, grid) == pytest.approx(expected, abs=1e-5)


def test_a_slope_is_kept_where_pixels_straddle_cells() -> None:
    height, width = 500, 731
    plane = np.broadcast_to(np.linspace(0, 1, width, dtype=np.float32), (height, width)).copy()
    grid = grid_over(height, width)
    middles = (np.arange(grid.columns) + 0.5) * grid.cell_px - 0.5
    expected = np.interp(middles, np.arange(width), plane[0])
    assert cell_means(plane, grid)[40, :-4] == pytest.approx(expected[:-4], abs=0.6 / width)


def test_pixels_beyond_the_picture_repeat_its_last() -> None:
    plane = np.full((160, 163), 0.5, np.float32)
    assert cell_means(plane, grid_over(160, 163)) == pytest.approx(0.5)


@pytest.mark.parametrize("shape", [(700, 333, 3), (700, 333)])
def test_a_residual_keeps_its_bound_and_every_row(shape: tuple[int, ...]) -> None:
    pixels = np.full(shape, 128, np.uint8)
    grid = grid_over(*shape[:2])
    residual = np.random.default_rng(0).uniform(-5, 5, (grid.rows, grid.columns)).astype(np.float32)
    moved = add_residual(pixels, residual, grid).astype(int) - 128
    assert np.abs(moved).max() <= 5
    rows = moved.reshape(700, -1).std(1)
    assert rows.min() > 0.3  # no band was forgotten


def test_bands_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.full((700, 300), 128, np.uint8)
    grid = grid_over(700, 300)
    residual = np.random.default_rng(0).uniform(-8, 8, (grid.rows, grid.columns)).astype(np.float32)
    in_bands = add_residual(pixels, residual, grid)
    monkeypatch.setattr("repost.stamp.grid._ROWS_AT_ONCE", 10_000)
    assert np.abs(in_bands.astype(int) - add_residual(pixels, residual, grid)).max() <= 1


def test_saturated_pixels_stay_in_range() -> None:
    pixels = np.zeros((200, 200, 3), np.uint8)
    pixels[:100] = 255
    grid = grid_over(200, 200)
    residual = np.full((grid.rows, grid.columns), 6, np.float32)
    assert set(np.unique(add_residual(pixels, residual, grid))) == {6, 255}


def test_convention_luma_is_rec_601() -> None:
    pixels = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    assert luma_of(pixels)[0] * 255 == pytest.approx([76, 150, 29], abs=0.51)


@pytest.mark.parametrize(
    "pixels",
    [
        np.full((200, 200, 3), np.nan),
        np.zeros((200, 200, 4), np.uint8),
        np.zeros((200, 200, 3), np.uint16),
        np.zeros(7, np.uint8),
        "photo.jpg",
    ],
)
def test_what_is_no_picture_is_refused(pixels: object) -> None:
    with pytest.raises(InvalidPixels, match="expected a numpy array of uint8"):
        check_pixels(pixels, least_px=48)  # type: ignore[arg-type]


def test_too_few_pixels_are_refused_with_the_numbers() -> None:
    with pytest.raises(PictureTooSmall, match="300x1 pixels, expected at least 160"):
        check_pixels(np.zeros((1, 300, 3), np.uint8), least_px=160)
