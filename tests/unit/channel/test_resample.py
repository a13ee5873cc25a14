import cv2
import numpy as np
import pytest
from PIL import Image

from repost.channel.resample import resample
from repost.channel.sizes import Placement
from repost.core.errors import UnsupportedMedia


def placement(image: Image.Image, size: tuple[int, int]) -> Placement:
    return Placement(size, (0.0, 0.0, float(image.width), float(image.height)))


@pytest.mark.parametrize("size", [(300, 200), (200, 133), (599, 399), (77, 50), (1, 1)])
def test_area_equals_opencv(coffee, size):
    """Oracle: cv2.INTER_AREA, which LinkedIn articles reproduce exactly; float order may move a tie by one level."""
    image = Image.fromarray(coffee)
    ours = np.asarray(resample(image, placement(image, size), kernel="area")).astype(int)
    theirs = cv2.resize(coffee, size, interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(ours - theirs).max() <= 1
    assert (ours != theirs).mean() < 1e-4


def test_area_weighs_grey_and_alpha_alike(coffee):
    grey = Image.fromarray(coffee).convert("L")
    with_alpha = Image.merge("LA", (grey, Image.new("L", grey.size, 128)))
    plain = np.asarray(resample(grey, placement(grey, (150, 100)), kernel="area"))
    both = np.asarray(resample(with_alpha, placement(grey, (150, 100)), kernel="area"))
    assert np.array_equal(both[..., 0], plain)
    assert (both[..., 1] == 128).all()


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
