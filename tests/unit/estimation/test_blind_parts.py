"""The parts of the blind estimator against oracles: libjpeg's own luma, scipy's DCT, a numerical optimiser."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy.fft import dctn
from scipy.optimize import minimize_scalar

from blind_pictures import encode, photo_like, shared_at
from repost.estimation.history.blocks import PHASES, blocks_of, cut, planes_of, sliding_coefficients
from repost.estimation.history.grid import likely_phases
from repost.estimation.history.hidden import hidden_table
from repost.estimation.history.layers import reproduced_share
from repost.estimation.history.likelihood import (
    laplace_likelihood,
    laplace_ratio,
    luma_tables,
    score_steps,
)
from repost.estimation.history.multiples import activity_of, fit_steps, peak
from repost.media.jpeg_tables import ijg_tables


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:0"])
def test_luma_and_chroma_are_those_the_decoder_had(subsampling):
    data = encode(photo_like(), quality=70, subsampling=subsampling)
    oracle = Image.open(io.BytesIO(data))
    oracle.draft("YCbCr", oracle.size)
    decoded = np.asarray(oracle).astype(int)
    assert oracle.mode == "YCbCr"
    planes = planes_of(np.asarray(Image.open(io.BytesIO(data))))
    sound = ~planes.saturated
    assert sound.mean() > 0.95
    for plane, channel in zip((planes.luma, *planes.chroma), range(3), strict=True):
        assert np.array_equal(plane[sound], decoded[..., channel][sound])


def test_equal_channels_are_a_grey_picture():
    grey = photo_like()[..., 1]
    planes = planes_of(np.stack([grey] * 3, axis=-1))
    assert planes.chroma is None
    assert np.array_equal(planes.luma, grey)


def test_block_coefficients_are_the_orthonormal_dct():
    planes = planes_of(photo_like())
    blocks = blocks_of(planes.luma, planes.saturated, phase=(3, 5), most=10_000)
    oracle = dctn(cut(planes.luma, (3, 5)).reshape(-1, 8, 8).astype(float) - 128, axes=(1, 2), norm="ortho")
    assert np.allclose(blocks.clean, oracle.reshape(-1, 64), atol=1e-2)


def test_the_sliding_dct_is_the_dct_of_every_block():
    plane = planes_of(photo_like()).luma[:40, :37]
    found = sliding_coefficients(plane)
    for y, x in ((0, 0), (5, 7), (32, 29)):
        oracle = dctn(plane[y : y + 8, x : x + 8].astype(float), norm="ortho")
        assert np.allclose(found[y, x], oracle, atol=1e-2)


def test_equal_and_even_blocks_count_once_or_not_at_all():
    plane = np.full((64, 64), 90, dtype=np.float32)
    plane[8:16, 8:16] = plane[24:32, 40:48] = np.arange(64).reshape(8, 8)
    blocks = blocks_of(plane, np.zeros_like(plane, dtype=bool), phase=(0, 0), most=100)
    assert (len(blocks.clean), len(blocks.stained), blocks.flat_count, blocks.repeated_share) == (1, 0, 62, 0.5)


def test_the_right_phase_ranks_first():
    pixels = shared_at(photo_like(), 85)
    for x, y in ((0, 0), (3, 6), (7, 1)):
        assert likely_phases(planes_of(pixels[y:, x:]), most=3)[0] == (-x % 8, -y % 8)
    assert len(set(PHASES)) == 64


def test_the_laplace_ratio_maximises_the_likelihood():
    zeros, nonzeros, total = (np.array([number], dtype=float) for number in (70, 30, 55))
    best = minimize_scalar(
        lambda t: -laplace_likelihood(zeros, nonzeros, total, np.array([t]))[0],
        bounds=(1e-6, 1 - 1e-6),
        method="bounded",
    )
    assert laplace_ratio(zeros, nonzeros, total)[0] == pytest.approx(best.x, abs=1e-4)


@pytest.mark.parametrize("step", [1, 2, 3, 7, 16, 40])
def test_the_right_step_is_likeliest_and_only_a_lattice_gains(step):
    rng = np.random.default_rng(step)
    smooth = rng.laplace(0, 25, (2000, 64))
    quantised = step * np.rint(smooth / step) + rng.normal(0, np.sqrt(1 / 12), smooth.shape)
    scores = score_steps(quantised.astype(np.float32))
    assert (scores.likelihood[1:].argmax(axis=1) + 1 == step).all()
    assert (scores.gain[1:, step - 1] > 0).all()
    assert (score_steps(smooth.astype(np.float32)).gain[1:, step - 1] < 0).all()


def test_doubt_costs_a_frequency_at_most_one_bit_and_keeps_what_is_clear():
    rng = np.random.default_rng(0)
    smooth = rng.laplace(0, 25, (500, 64)).astype(np.float32)
    lattice = (12 * np.rint(smooth / 12) + rng.normal(0, 0.3, smooth.shape)).astype(np.float32)
    refuted, shown = score_steps(smooth), score_steps(lattice)
    assert refuted.gain[1:, 11].max() < -10
    assert refuted.doubted().gain.min() >= -np.log(2) - 1e-9
    assert np.allclose(shown.doubted().gain[1:, 11], shown.gain[1:, 11] - np.log(2), atol=0.1)
    assert (shown.doubted().likelihood[1:].argmax(axis=1) + 1 == 12).all()


def test_a_saturated_block_is_taken_from_a_sound_channel():
    pixels = photo_like().copy()
    pixels[16:24, 8:16, 0] = 255
    planes = planes_of(pixels)
    blocks = blocks_of(planes.luma, planes.saturated, phase=(0, 0), most=10_000, channels=planes.channels)
    oracle = dctn(pixels[16:24, 8:16, 1].astype(float) - 128, norm="ortho")  # green comes first
    assert np.allclose(blocks.lent, oracle.reshape(1, 64), atol=1e-2)
    assert len(blocks.stained) == 0


def test_only_its_own_table_gives_the_pixels_again():
    planes = planes_of(shared_at(photo_like(), 80))
    blocks = blocks_of(planes.luma, planes.saturated, phase=(0, 0), most=1000)
    shares = dict(zip(range(30, 101), reproduced_share(blocks.clean, luma_tables()), strict=True))
    assert shares.pop(80) > 0.9
    assert max(shares.values()) < 0.3


@pytest.mark.parametrize(("first", "second"), [(60, 90), (75, 100), (90, 65)])
def test_an_earlier_step_is_found_in_the_multiples(first, second):
    rng = np.random.default_rng(first)
    widths = np.linspace(40, 4, 64)
    earlier, last = (np.array(ijg_tables(quality)[0]) for quality in (first, second))
    values = rng.laplace(0, widths, (4000, 64))
    values[:, 0] = rng.uniform(-600, 600, 4000)
    once = np.rint(values / last).astype(int)
    decoded = earlier * np.rint(values / earlier) + rng.normal(0, np.sqrt(1 / 12), values.shape)
    found = hidden_table(np.rint(decoded / last).astype(int), last, rounded=False)
    assert found is not None
    assert found.quality == first
    assert found.steps == ijg_tables(first)[0]
    assert hidden_table(once, last, rounded=False) is None


def test_an_earlier_step_of_no_ijg_table_is_not_told():
    rng = np.random.default_rng(5)
    earlier, last = (np.array(ijg_tables(quality)[0]) for quality in (70, 95))
    earlier[9] += 3
    values = rng.laplace(0, np.linspace(40, 4, 64), (4000, 64))
    decoded = earlier * np.rint(values / earlier) + rng.normal(0, np.sqrt(1 / 12), values.shape)
    found = hidden_table(np.rint(decoded / last).astype(int), last, rounded=False)
    assert found is not None
    assert found.quality == 70
    assert [frequency for frequency, step in enumerate(found.steps) if step is None] == [9]


def test_the_peak_of_a_parabola_lies_between_its_samples():
    x = np.arange(8.0)
    values = np.stack([5 - 2 * (x - 3.3) ** 2, -((x - 6.4) ** 2), x])
    assert peak(values) == pytest.approx([5, 0, 7])  # a maximum at the end is what stands there


def _multiples_in_classes(rng, *, first, last, count=6000):
    """Of one frequency: normal values whose deviation is log-normal around what is typical where so much goes on."""
    activity = rng.uniform(0, 1, count)
    deviation = 4 * np.searchsorted([0.33, 0.6, 0.8, 0.92], activity) + 3
    values = rng.normal(0, deviation * np.exp(rng.normal(0, 0.6, count)))
    if first is not None:
        values = first * np.rint(values / first) + rng.normal(0, np.sqrt(1 / 12), count)
    return np.abs(np.rint(values / last)).astype(int), activity


@pytest.mark.parametrize(("first", "last"), [(4, 10), (7, 10), (9, 16), (13, 8)])
def test_an_earlier_step_is_told_by_one_frequency(first, last):
    rng = np.random.default_rng(first)
    twice, around = _multiples_in_classes(rng, first=first, last=last)
    once, around_once = _multiples_in_classes(rng, first=None, last=last)
    earlier = np.arange(3, 20)
    gains, false_gains = (
        best[1:] - best[0]
        for best in (
            peak(fit_steps(sizes, activity, earlier, step=last, rounded=False).likelihood)
            for sizes, activity in ((twice, around), (once, around_once))
        )
    )
    assert earlier[gains.argmax()] == first
    assert gains.max() > 8
    assert false_gains.max() < 4


def test_activity_looks_around_a_frequency_and_not_at_it():
    sizes = np.random.default_rng(0).integers(0, 50, (30, 64))
    changed = sizes.copy()
    changed[:, 10] += np.arange(30)
    before, after = activity_of(sizes), activity_of(changed)
    assert np.allclose(before[:, 10], after[:, 10])
    assert not np.allclose(before[:, 11], after[:, 11])
    assert np.array_equal(activity_of(np.where(np.arange(64) > 0, sizes, 0)), before)  # DC is left out


def test_counts_that_scatter_beyond_chance_weigh_less():
    """The same blocks six times over are no more evidence, though the counts are six times as large."""
    rng = np.random.default_rng(8)
    last = np.array(ijg_tables(60)[0])
    values = rng.laplace(0, np.linspace(40, 4, 64), (1500, 64))
    decoded = np.array(ijg_tables(85)[0])
    decoded = decoded * np.rint(values / decoded) + rng.normal(0, np.sqrt(1 / 12), values.shape)
    multiples = np.rint(decoded / last).astype(int)
    alone = hidden_table(multiples, last, rounded=False)
    repeated = hidden_table(np.repeat(multiples, 6, axis=0), last, rounded=False)
    assert alone.quality == repeated.quality == 85
    assert alone.gain_nats < repeated.gain_nats < 3 * alone.gain_nats
