import tracemalloc

import cv2
import numpy as np
import pytest
from PIL import Image

from repost.channel import resample as resampling
from repost.channel.resample import resample
from repost.channel.sizes import Placement, place
from repost.core.errors import UnsupportedMedia
from repost.platforms.steps import Resize

WEIGHTED = ("area", "box_gm")


def placement(image: Image.Image, size: tuple[int, int]) -> Placement:
    return Placement(size, (0, 0, image.width, image.height))


@pytest.mark.parametrize("size", [(300, 200), (200, 133), (599, 399), (77, 50), (1, 1)])
def test_area_equals_opencv(coffee, size):
    """Oracle: cv2.INTER_AREA, which LinkedIn articles reproduce exactly; float order may move a tie by one level."""
    image = Image.fromarray(coffee)
    ours = np.asarray(resample(image, placement(image, size), kernel="area")).astype(int)
    theirs = cv2.resize(coffee, size, interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(ours - theirs).max() <= 1
    assert (ours != theirs).mean() < 1e-4


@pytest.mark.parametrize("kernel", WEIGHTED)
@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize("size", [(200, 400), (600, 80)])
def test_alpha_is_premultiplied_as_pillow_does(coffee, mode, size, kernel):
    """Oracle: Pillow's box: the same mean at a whole ratio; an odd one in one direction has no ties to round."""
    ramp = Image.fromarray(np.tile(np.arange(600) % 256, (400, 1)).astype(np.uint8))
    image = Image.fromarray(coffee).convert(mode.removesuffix("A"))
    image.putalpha(ramp)
    ours = np.asarray(resample(image, placement(image, size), kernel=kernel))
    assert np.array_equal(ours, np.asarray(image.resize(size, Image.Resampling.BOX)))


@pytest.mark.parametrize("kernel", WEIGHTED)
def test_what_is_transparent_does_not_bleed(kernel):
    """Transparent red beside opaque white, averaged: white, half opaque."""
    pixels = np.full((4, 8, 4), 255, np.uint8)
    pixels[:, ::2] = (255, 0, 0, 0)
    image = Image.fromarray(pixels)
    served = np.asarray(resample(image, placement(image, (4, 2)), kernel=kernel))
    assert (served[..., :3] >= 254).all()
    assert (np.abs(served[..., 3].astype(int) - 128) <= 1).all()


@pytest.mark.parametrize("kernel", WEIGHTED)
@pytest.mark.parametrize("size", [(217, 145), (600, 133), (77, 400), (900, 500), (1, 1)])
def test_blocks_do_not_show(coffee, size, kernel, monkeypatch):
    image = Image.fromarray(coffee)
    whole, blocks = [], []
    for values, served in ((1 << 30, whole), (5000, blocks)):
        monkeypatch.setattr(resampling, "_STRIP_VALUES", values)
        served.append(np.asarray(resample(image, placement(image, size), kernel=kernel)))
    assert np.array_equal(whole, blocks)


@pytest.mark.parametrize("kernel", WEIGHTED)
def test_memory_stays_under_three_pictures(kernel):
    image = Image.new("RGB", (4000, 3000), (10, 20, 30))
    tracemalloc.start()
    try:
        served = resample(image, placement(image, (2560, 1920)), kernel=kernel)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert served.getextrema() == ((10, 10), (20, 20), (30, 30))
    assert peak < 3 * 4000 * 3000 * 3


@pytest.mark.parametrize("kernel", WEIGHTED)
@pytest.mark.parametrize("size", [(3, 3), (5, 4), (64, 33), (2, 7)])
def test_enlarging_keeps_every_pixel_covered(kernel, size):
    """A source pixel centre between two targets once reached neither, and left it black."""
    image = Image.new("RGB", (2, 2), (200, 100, 50))
    served = resample(image, placement(image, size), kernel=kernel)
    assert served.size == size
    assert served.getextrema() == ((200, 200), (100, 100), (50, 50))


def test_convention_enlarging():
    image = Image.fromarray(np.array([[0, 90]], np.uint8))
    shares, nearest = (np.asarray(resample(image, placement(image, (3, 1)), kernel=kernel)) for kernel in WEIGHTED)
    assert shares.tolist() == [[0, 45, 90]]
    assert nearest.tolist() == [[0, 0, 90]]  # as near to both: the left one


@pytest.mark.parametrize("kernel", ["lanczos", "bicubic", "bilinear", "box", *WEIGHTED])
@pytest.mark.parametrize(("upload", "side", "left"), [((5, 4), 4, 0), ((401, 300), 300, 50)])
def test_a_crop_that_needs_no_scaling_is_exact(kernel, upload, side, left):
    pixels = np.random.default_rng(0).integers(0, 256, (upload[1], upload[0], 4), np.uint8)
    step = Resize(op="resize", fit="cover", width_px=side, height_px=side, kernel=kernel)
    served = resample(Image.fromarray(pixels), place(upload, step, target=(side, side)), kernel=kernel)
    assert np.array_equal(np.asarray(served), pixels[:, left : left + side])


@pytest.mark.parametrize("kernel", WEIGHTED)
@pytest.mark.parametrize("upload", [(3000, 1), (1, 3000)])
@pytest.mark.parametrize("upscale", [False, True])
def test_slivers_are_covered(kernel, upload, upscale):
    step = Resize(op="resize", fit="cover", width_px=400, height_px=300, kernel=kernel, upscale=upscale)
    placed = place(upload, step, target=(400, 300))
    assert resample(Image.new("RGB", upload, (1, 2, 3)), placed, kernel=kernel).size == placed.size


def test_box_gm_takes_whole_pixels_alike(coffee):
    """Oracle: a box filter by hand, at a ratio without ties; rounded half up after each direction."""
    image = Image.fromarray(coffee).convert("L")
    served = np.asarray(resample(image, placement(image, (171, 400)), kernel="box_gm"))
    centres = (np.arange(171) + 0.5) * 600 / 171
    for target, centre in enumerate(centres):
        under = [k for k in range(600) if abs(k + 0.5 - centre) < 600 / 171 / 2]
        expected = np.floor(np.asarray(image)[:, under].astype(float).mean(axis=1) + 0.5)
        assert np.array_equal(served[:, target], expected)


def test_box_gm_decides_ties_as_graphicsmagick_does():
    """3264 to 2560 px is 51/40: source pixels whose centre is on a border go by the order of float operations."""
    ramp = Image.fromarray(np.tile(np.arange(3264) % 251, (1, 1)).astype(np.uint8))
    ours, pillows = (
        np.asarray(resample(ramp, placement(ramp, (2560, 1)), kernel=kernel)) for kernel in ("box_gm", "box")
    )
    differs = np.flatnonzero(ours != pillows)
    assert 0 < len(differs) <= 2 * 64
    assert set(differs % 40) <= {19, 20}


@pytest.mark.parametrize("kernel", ["lanczos", "bicubic", "bilinear", "box"])
def test_other_kernels_are_pillows(coffee, kernel):
    image = Image.fromarray(coffee)
    ours = resample(image, placement(image, (217, 145)), kernel=kernel)
    theirs = image.resize((217, 145), Image.Resampling[kernel.upper()])
    assert np.array_equal(np.asarray(ours), np.asarray(theirs))


def test_box_at_an_integer_ratio_is_the_block_mean(coffee):
    image = Image.fromarray(coffee)
    blocks = coffee.reshape(200, 2, 300, 2, 3).astype(float).mean(axis=(1, 3))
    served = np.asarray(resample(image, placement(image, (300, 200)), kernel="box")).astype(float)
    assert np.abs(served - blocks).max() <= 1  # Pillow rounds once per direction


def test_nothing_changes_nothing(coffee):
    image = Image.fromarray(coffee)
    assert resample(image, placement(image, image.size), kernel="lanczos") is image


def test_a_video_kernel_is_refused(coffee):
    image = Image.fromarray(coffee)
    with pytest.raises(UnsupportedMedia, match="bicublin"):
        resample(image, placement(image, (10, 10)), kernel="bicublin")
