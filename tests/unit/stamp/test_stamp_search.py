"""The search: a pattern that lies in a known way is found there, and nothing else is found."""

import numpy as np
import pytest
from scipy import ndimage

from repost.stamp import search as stamp_search
from repost.stamp.key import direction_of
from repost.stamp.search import Candidate, cosines, look_closely, search
from repost.stamp.spectrum import Spectrum, spectrum_of, turned
from repost.stamp.tile import lattice, lay, tile_of
from repost.stamp.views import LEVELS, View

DIRECTION = direction_of("a", lattice().dimensions)


def pattern(*, level: int, angle_deg: float = 0.0, share: float = 1.0, stretch: float = 0.0) -> np.ndarray:
    """The tile as it lies on a grid of a picture that was turned and cropped, drawn point by point."""
    rows, columns = level, level * 4 // 3
    down, across = np.meshgrid(np.arange(rows) - rows // 2, np.arange(columns) - columns // 2, indexing="ij")
    angle, ratio = np.radians(angle_deg), 96 * share / level
    # convention: the picture's places are turned by the angle to those of the stamp, x to the right, y down
    there_x = ratio * (np.cos(angle) * across - np.sin(angle) * down) * (1 + stretch)
    there_y = ratio * (np.sin(angle) * across + np.cos(angle) * down) * (1 - stretch)
    tile = tile_of(DIRECTION)
    return ndimage.map_coordinates(tile, [there_y + 7, there_x + 3], order=3, mode="grid-wrap").astype(np.float32)


def noisy(estimate: np.ndarray, level: float = 2.0) -> np.ndarray:
    return estimate + level * np.random.default_rng(0).standard_normal(estimate.shape).astype(np.float32)


def spectra_of(estimate: np.ndarray, level: int) -> dict[int, Spectrum]:
    return {level: spectrum_of(estimate, level)}


@pytest.mark.parametrize(
    ("level", "angle_deg", "share"),
    [(96, 0, 1.0), (96, 11.3, 1.0), (96, -37, 0.9), (68, 0, 0.7), (68, 20, 0.77), (48, 0, 0.5), (136, 3, 1.3)],
)
def test_a_pattern_is_found_where_it_lies(level: int, angle_deg: float, share: float) -> None:
    match = search(spectra_of(noisy(pattern(level=level, angle_deg=angle_deg, share=share)), level), DIRECTION)
    assert match.log_e > 20
    assert match.view.rotation_deg == pytest.approx(angle_deg, abs=1)
    assert match.view.share_of_side == pytest.approx(share, rel=0.025)


@pytest.mark.parametrize("change", [np.fliplr, np.flipud, lambda e: np.rot90(e, 1), lambda e: np.rot90(e, 2)])
def test_flips_and_quarter_turns_cost_nothing(change: object) -> None:
    straight = noisy(pattern(level=96))
    changed = np.ascontiguousarray(change(straight))  # type: ignore[operator]
    found, before = (search(spectra_of(shown, 96), DIRECTION) for shown in (changed, straight))
    assert found.log_e == pytest.approx(before.log_e, rel=0.1)


def test_a_stretch_is_found_too() -> None:
    straight, stretched = (
        search(spectra_of(noisy(pattern(level=96, stretch=stretch)), 96), DIRECTION) for stretch in (0, 0.024)
    )
    assert stretched.log_e > 0.8 * straight.log_e


def test_another_key_finds_nothing() -> None:
    spectra = {level: spectrum_of(noisy(pattern(level=level, share=level / 96)), level) for level in LEVELS}
    for number in range(10):
        assert search(spectra, direction_of(f"other {number}", lattice().dimensions)).log_e < np.log(100)


def test_no_hypothesis_is_weighed_twice_so_that_weights_stay_a_mixture(monkeypatch: pytest.MonkeyPatch) -> None:
    rng, weighed, priors = np.random.default_rng(3), [], []

    def recorded(maps: np.ndarray, direction: np.ndarray, shift: tuple[float, float], moves: np.ndarray) -> np.ndarray:
        del direction
        places = [np.round((shift[axis] + moves) % 64 * 3 / 2, 6) % 96 for axis in (0, 1)]
        weighed.extend((one.tobytes(), down, across) for one in maps for down in places[0] for across in places[1])
        return rng.uniform(-1, 1, (len(maps), len(moves) ** 2))

    class Maps:
        level = 96

        def through(self, maps: np.ndarray) -> np.ndarray:
            return maps

    monkeypatch.setattr(stamp_search, "cosines", recorded)
    monkeypatch.setattr(stamp_search, "log_evidence", lambda cosine, dimensions: np.zeros_like(cosine))
    for _ in range(40):
        weighed.clear()
        shift = tuple(float(step) * 4 / 3 for step in rng.integers(0, 48, 2))
        match = look_closely({96: Maps()}, [Candidate(View(96, 0.3, 1.1), shift, 0.01, 0.0)], DIRECTION)
        assert len(set(weighed)) == len(weighed) > 225
        assert {place for _, *both in weighed for place in both} <= set(range(96)), "one grid of shifts, for all"
        priors.append(match.log_e)
    assert max(priors) < np.log(0.01)


def test_an_empty_estimate_is_no_evidence() -> None:
    match = search(spectra_of(np.zeros((96, 128), np.float32), 96), DIRECTION)
    assert match.log_e < 0


def test_cosines_are_those_of_the_tiles_space() -> None:
    """Oracle: the estimate, folded to one tile in space, projected on symmetric tiles one by one."""
    rng = np.random.default_rng(1)
    estimate = rng.standard_normal((64, 64)).astype(np.float32)
    spectrum = spectrum_of(estimate, 64)  # the padding is a multiple: its frequencies hold the tile's exactly
    got = cosines(spectrum.through(turned(np.zeros(1), np.ones(1))), DIRECTION.astype(np.float32), (0, 0), np.zeros(1))
    found = lattice()
    shifted = np.roll(estimate, (-32, -32), (0, 1))  # the spectrum is about the middle
    basis = np.stack([tile_of(unit).ravel() for unit in np.eye(found.dimensions)])
    basis /= np.linalg.norm(basis, axis=1, keepdims=True)
    feature = basis @ shifted.ravel()
    assert got[0, 0] == pytest.approx(feature @ DIRECTION / np.linalg.norm(feature), abs=1e-4)


def test_the_null_of_a_fixed_view_is_the_spheres() -> None:
    from scipy import stats

    from repost.stamp.null import tail_probability

    estimate = np.cumsum(np.random.default_rng(2).standard_normal((96, 128)), 0).astype(np.float32)  # far from white
    coefficients = spectrum_of(estimate, 96).through(turned(np.array([0.2]), np.array([1.03])))
    found = [
        cosines(coefficients, direction_of(f"k{n}", lattice().dimensions).astype(np.float32), (3, 5), np.zeros(1))[0, 0]
        for n in range(800)
    ]
    assert stats.kstest(tail_probability(np.array(found), lattice().dimensions), "uniform").pvalue > 0.001


def test_laid_tiles_and_estimates_share_one_geometry() -> None:
    laid = lay(tile_of(DIRECTION), (96, 128), shift=(5, 60))
    match = search(spectra_of(laid, 96), DIRECTION)
    assert match.cosine > 0.93
    assert match.view.rotation_deg == pytest.approx(0, abs=0.7)
