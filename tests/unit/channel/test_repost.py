"""`Repost` inside other people's pipelines."""

import multiprocessing
import pickle

import numpy as np
import pytest
from PIL import Image
from profile_steps import jpeg

from repost import Repost
from repost.core.errors import InvalidPixels, ProfileNotFound, UsageError

SPREAD = {"choice": list(range(30, 96))}


@pytest.fixture(scope="module")
def spread(make_profile):
    return make_profile(jpeg(SPREAD))


def test_arrays_give_arrays_and_images_give_images(coffee, make_profile):
    share = Repost(make_profile({"op": "resize", "fit": "width", "px": 300}, jpeg(80)))
    pixels = share(coffee)
    assert pixels.dtype == np.uint8
    assert pixels.shape == (200, 300, 3)
    pixels[0, 0] = 0  # writable, as augmentations after it expect
    image = share(Image.fromarray(coffee))
    assert isinstance(image, Image.Image)
    assert image.size == (300, 200)


def test_a_seed_freezes_the_outcome_of_each_picture(coffee, spread):
    share = Repost(spread, seed=1)
    first, other = share(coffee), share(coffee[::-1].copy())
    assert np.array_equal(share(coffee), first)
    assert np.array_equal(Repost(spread, seed=1)(coffee[::-1].copy()), other)


def test_without_a_seed_each_call_draws_afresh(coffee, spread):
    share = Repost(spread)
    crop = coffee[:64, :64]
    assert len({share(crop).tobytes() for _ in range(12)}) > 3


def test_p_is_the_chance(coffee, make_profile):
    crop = np.ascontiguousarray(coffee[:16, :16])
    never, always = (Repost(make_profile(jpeg(30)), p=p) for p in (0, 1))
    assert never(crop) is crop
    assert not np.array_equal(always(crop), crop)
    half = Repost(make_profile(jpeg(30)), p=0.5)
    changed = sum(not np.array_equal(half(crop), crop) for _ in range(300))
    assert 105 < changed < 195  # 5 standard deviations


def test_several_platforms_are_all_drawn(coffee, make_profile):
    share = Repost([make_profile({"op": "resize", "fit": "width", "px": px}, jpeg(80)) for px in (10, 20, 30)])
    assert {share(coffee[:40, :40]).shape[1] for _ in range(60)} == {10, 20, 30}


def test_it_survives_pickling(coffee, spread):
    share = Repost(spread, seed=5, p=0.9)
    again = pickle.loads(pickle.dumps(share))
    assert np.array_equal(again(coffee), share(coffee))
    assert repr(again) == repr(share)


def test_workers_draw_differently(coffee, spread):
    """Forked workers inherit every generator's state; fresh draws must not follow it."""
    crop = np.ascontiguousarray(coffee[:64, :64])
    with multiprocessing.get_context("fork").Pool(4) as pool:
        outcomes = pool.map(_Call(Repost(spread), crop), range(16), chunksize=1)
    assert len(set(outcomes)) > 4


class _Call:
    def __init__(self, share, crop):
        self.share, self.crop = share, crop

    def __call__(self, _):
        return self.share(self.crop).tobytes()


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_wrong_chances_are_refused(spread, p):
    with pytest.raises(UsageError, match="expected a chance"):
        Repost(spread, p=p)


def test_wrong_input_is_refused(coffee, spread):
    with pytest.raises(UsageError, match="no platforms"):
        Repost([])
    with pytest.raises(ProfileNotFound):
        Repost("nosuchnetwork")
    with pytest.raises(InvalidPixels):
        Repost(spread)(coffee.astype(np.float32) / 255)
    with pytest.raises(UsageError, match="upload_as"):
        Repost(spread, upload_as="bmp")
