"""`estimate_blind` on pictures whose history is known."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from blind_pictures import decode, encode, photo_like, shared_at
from repost.core.errors import InvalidPixels, UnsupportedMedia
from repost.estimation.history.blind import estimate_blind
from repost.estimation.history.blocks import planes_of
from repost.estimation.history.clipped import clipped_table
from repost.media.jpeg_tables import ijg_tables


@pytest.mark.parametrize("quality", [35, 50, 61, 72, 83, 90, 94, 97, 98, 99, 100])
def test_quality_and_phase_of_a_crop(quality):
    x, y = quality % 7 + 1, quality % 5
    pixels = shared_at(photo_like(), quality)[y : y + 131, x : x + 150]
    found = estimate_blind(pixels)
    assert found.compressed
    assert found.grid_phase_px == (-x % 8, -y % 8)
    last = found.layers[0]
    assert (last.quality, last.table_exact, last.source) == (quality, True, "pixels")
    assert len(found.layers) == 1 or quality <= 50  # coarse tables leave too little to rule a finer layer out surely
    assert found.layers[0].table == ijg_tables(quality)[0]
    assert found.evidence_nats > 25


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_subsampling(subsampling):
    planes = [photo_like(seed)[..., 0] for seed in range(3)]  # busy chroma: a smooth one would not tell
    pixels = shared_at(np.stack(planes, axis=-1), 95, subsampling)[3:203, 5:205]
    assert estimate_blind(pixels).layers[0].subsampling == subsampling


def test_grey_pixels():
    grey = shared_at(photo_like()[..., 0], 77, "4:4:4")[2:, 1:]
    found = estimate_blind(grey)
    assert (found.layers[0].quality, found.layers[0].subsampling, found.grid_phase_px) == (77, None, (7, 6))
    as_rgb = estimate_blind(np.stack([grey] * 3, axis=-1))
    assert as_rgb.layers == found.layers


def _resampled(pixels):
    return np.asarray(Image.fromarray(pixels).resize((200, 190), Image.Resampling.BICUBIC))


def _drawn():
    y, x = np.mgrid[:160, :160]
    return np.stack([x, y, (x + y) // 2], axis=-1).astype(np.uint8)


def _pattern():
    y, x = np.mgrid[:160, :160]
    return np.where(((x // 12 + y // 12) % 2)[..., None], [250, 20, 90], [3, 200, 160]).astype(np.uint8)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: photo_like(3), id="never compressed"),
        pytest.param(lambda: _resampled(shared_at(photo_like(3), 75)), id="resampled since"),
        pytest.param(_drawn, id="gradient"),
        pytest.param(_pattern, id="pattern"),
        pytest.param(lambda: np.full((90, 70, 3), 128, np.uint8), id="flat"),
        pytest.param(lambda: np.full((90, 70, 3), 255, np.uint8), id="saturated"),
        pytest.param(lambda: np.zeros((16, 16), np.uint8), id="black, smallest"),
        pytest.param(lambda: np.random.default_rng(0).integers(0, 256, (100, 90, 3), dtype=np.uint8), id="noise"),
    ],
)
def test_no_history_is_found_where_there_is_none(make):
    found = estimate_blind(make())
    assert not found.compressed
    assert found.layers == ()
    assert found.grid_phase_px is None


@pytest.mark.parametrize(("first", "second"), [(60, 85), (75, 95), (70, 100), (88, 98)])
def test_a_coarser_layer_below_a_finer_one(first, second):
    pixels = shared_at(shared_at(photo_like(1), first), second)
    assert [layer.quality for layer in estimate_blind(pixels).layers] == [second, first]


@pytest.mark.parametrize(("seed", "quality"), [(3, 82), (5, 82), (10, 93)])
def test_noise_of_one_deviation_shows_no_earlier_layer(seed, quality):
    """Its coefficients are normal, where those of photographs are peaked: with too peaked a prior, 22 to 43 nats."""
    assert len(estimate_blind(shared_at(photo_like(seed), quality)[2:, 5:]).layers) == 1


def test_a_finer_layer_below_a_coarser_one_in_a_large_picture():
    pixels = shared_at(shared_at(photo_like(2, 512, 512), 85), 72)
    assert [layer.quality for layer in estimate_blind(pixels).layers] == [72, 85]


def test_a_table_of_its_own_is_given_as_far_as_it_shows():
    table = [4 + 3 * (n // 8) + 2 * (n % 8) + (n * 5) % 3 for n in range(64)]
    chroma = [20] * 64
    pixels = decode(encode(photo_like(4), qtables=[table, chroma], subsampling="4:4:4"))
    (layer,) = estimate_blind(pixels[1:, 2:]).layers
    assert layer.quality is None
    assert not layer.table_exact
    known = [(step, true) for step, true in zip(layer.table, table, strict=True) if step is not None]
    assert len(known) > 30
    assert all(step == true for step, true in known)


def _clipped_red(seed):
    """Red beyond what a sample holds, as in neon; green and blue are sound."""
    grey = photo_like(seed)[..., 1].astype(int)
    return np.clip(np.stack([grey + 190, grey, grey // 2 + 64], axis=-1), 0, 255).astype(np.uint8)


def test_one_clipped_channel_does_not_hide_the_table():
    clipped = _clipped_red(1)
    shared = shared_at(clipped, 78)[3:, 2:]
    assert ((shared == 255).any(axis=2)).mean() > 0.4
    found = estimate_blind(shared)
    assert (found.layers[0].quality, found.grid_phase_px) == (78, (6, 5))
    assert not estimate_blind(clipped).compressed


def _hard_contrast(seed):
    """Black and white nearly everywhere, with soft edges between."""
    small = Image.fromarray(photo_like(seed)[:40, :40])
    soft = np.asarray(small.resize((240, 240), Image.Resampling.BICUBIC)).astype(int)
    return np.clip((soft - int(np.median(soft))) * 9 + 128, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("quality", [62, 75, 90])
def test_what_was_not_clipped_of_a_block_tells_the_table(quality):
    hard = _hard_contrast(2)
    shared = shared_at(hard, quality)[2:, 5:]
    assert estimate_blind(shared).layers[0].quality == quality
    planes = planes_of(shared)
    assert planes.saturated.mean() > 0.5
    found = clipped_table(planes.luma, planes.saturated, phase=(3, 6))
    assert (found.quality, found.steps) == (quality, ijg_tables(quality)[0])
    assert found.gain_nats > 30
    assert found.margin_nats > 10
    elsewhere = clipped_table(planes.luma, planes.saturated, phase=(0, 2))
    assert elsewhere is None or elsewhere.gain_nats < 10
    never = planes_of(hard)
    assert clipped_table(never.luma, never.saturated, phase=(0, 0)) is None
    assert not estimate_blind(hard).compressed


def test_a_smooth_picture_is_told_though_its_blocks_repeat():
    y = np.arange(200)
    sky = 40 + 0.6 * y[:, None, None] + 3 * np.sin(y / 9)[:, None, None] + [0, 20, 40]
    never = np.rint(sky + np.random.default_rng(0).normal(0, 0.6, (200, 200, 1))).astype(np.uint8)
    found = estimate_blind(shared_at(never, 64)[2:, 1:])
    assert found.textured_blocks < 60  # different ones, of 600
    assert (found.layers[0].quality, found.grid_phase_px) == (64, (7, 6))
    assert not estimate_blind(never).compressed


@given(
    width=st.integers(16, 40),
    height=st.integers(16, 40),
    quality=st.integers(1, 100),
    seed=st.integers(0, 3),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_small_crops_give_an_answer(width, height, quality, seed):
    found = estimate_blind(shared_at(photo_like(seed), quality)[:height, :width])
    assert found.compressed == bool(found.layers)


def test_mirroring_changes_the_phase_and_nothing_else():
    pixels = shared_at(photo_like(5), 80)[:160, 3:163]
    found, mirrored = estimate_blind(pixels), estimate_blind(np.ascontiguousarray(pixels[:, ::-1]))
    assert mirrored.layers[0].quality == found.layers[0].quality == 80
    assert mirrored.grid_phase_px == ((160 - found.grid_phase_px[0]) % 8, 0)


@pytest.mark.parametrize("shape", [(15, 200, 3), (200, 15), (1, 1, 3)])
def test_too_small(shape):
    with pytest.raises(UnsupportedMedia, match="at least 16 px"):
        estimate_blind(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("pixels", [np.zeros((32, 32, 3)), np.zeros((32, 32, 4), np.uint8), np.zeros(64, np.uint8)])
def test_wrong_pixels(pixels):
    with pytest.raises(InvalidPixels):
        estimate_blind(pixels)
