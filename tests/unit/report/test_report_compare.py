"""Comparing an upload with what was served: the convention, and numbers that stay JSON."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from repost.channel import emulate
from repost.channel.compare import compare, parse_metrics, reference, was_cropped
from repost.core.errors import InvalidPixels, UsageError
from repost.metrics import ssim
from repost.platforms import Profile


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """Smooth shapes and some grain: 150 x 100."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[:100, :150]
    planes = [128 + 100 * np.sin(x / 9 + y / 17 + phase) for phase in (0, 1, 2)]
    return (np.stack(planes, axis=-1) + rng.normal(0, 6, (100, 150, 3))).clip(0, 255).astype(np.uint8)


def profile_of(*steps: dict) -> Profile:
    return Profile.model_validate(
        {
            "platform": "test", "observed": "2024", "summary": "a test",
            "evidence": [{"kind": "inferred", "source": "this test"}],
            "rules": [{"media": "image", "name": "all", "steps": list(steps)}],
        }
    )  # fmt: skip


def test_numbers_equal_the_formula(photo):
    served = emulate(photo, profile_of({"op": "encode", "codec": "jpeg", "quality": 70})).pixels
    error = ((photo.astype(float) - served.astype(float)) ** 2).mean()
    found = compare(photo, served)
    assert found["psnr_db"] == pytest.approx(10 * np.log10(255**2 / error), abs=1e-9)
    assert found["ssim"] == ssim(photo, served)
    assert found["identical"] is False


def test_convention_other_sizes_compare_with_the_upload_resampled_by_lanczos(photo):
    """Oracle: Pillow's own resize; a network that does just that loses nothing by this measure."""
    small = np.asarray(Image.fromarray(photo).resize((75, 50), Image.Resampling.LANCZOS))
    assert np.array_equal(reference(photo, (75, 50)), small)
    assert compare(photo, small) == {"psnr_db": None, "ssim": 1.0, "identical": True}
    boxed = np.asarray(Image.fromarray(photo).resize((75, 50), Image.Resampling.BOX))
    error = ((small.astype(float) - boxed.astype(float)) ** 2).mean()
    assert compare(photo, boxed)["psnr_db"] == pytest.approx(10 * np.log10(255**2 / error), abs=1e-9)


def test_convention_a_cropped_share_compares_with_the_centre_of_the_upload(photo):
    cover = {"op": "resize", "fit": "cover", "width_px": 60, "height_px": 60, "kernel": "lanczos"}
    shared = emulate(photo, profile_of(cover, {"op": "encode", "codec": "png"}))
    assert was_cropped(shared.trace)
    assert compare(photo, shared.pixels, cropped=True)["identical"]
    assert not compare(photo, shared.pixels)["identical"]


def test_convention_alpha_is_laid_on_white_and_the_picture_upright():
    image = Image.new("RGBA", (40, 20), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    image.save(buffer, "PNG", exif=exif)
    shared = emulate(buffer.getvalue(), profile_of({"op": "orient"}, {"op": "encode", "codec": "png"}))
    assert shared.pixels.shape == (40, 20, 3)
    expected = np.full((40, 20, 3), 255, np.uint8)
    expected[:20] = (0, 0, 255)
    assert compare(expected, shared.pixels)["identical"]


def test_marked_regions_count_in_no_number(photo):
    mark = {"op": "overlay", "corner": "bottom_right", "width_px": 30, "height_px": 20}
    shared = emulate(photo, profile_of(mark, {"op": "encode", "codec": "png"}))
    served = shared.pixels.copy()
    served[80:, 120:] = 0
    assert compare(photo, served, mask=shared.mask)["identical"] is True
    assert compare(photo, served)["identical"] is False


def test_a_mask_over_everything_gives_none_and_not_an_error(photo):
    everything = np.ones(photo.shape[:2], bool)
    assert compare(photo, photo, mask=everything) == {"psnr_db": None, "ssim": None, "identical": None}
    all_but_a_corner = everything.copy()
    all_but_a_corner[0, 0] = False
    found = compare(photo, 255 - photo, mask=all_but_a_corner)
    assert found["psnr_db"] is not None
    assert found["ssim"] is None


def test_numbers_are_json_without_infinity(photo):
    assert json.loads(json.dumps(compare(photo, photo), allow_nan=False))["psnr_db"] is None


def test_only_what_is_asked_for_is_measured(photo):
    assert set(compare(photo, 255 - photo, metrics=("psnr",))) == {"psnr_db", "identical"}
    assert set(compare(photo, 255 - photo, metrics=("ssim",))) == {"ssim", "identical"}
    assert set(compare(photo, 255 - photo, metrics=())) == {"identical"}


def test_wrong_arrays_are_named(photo):
    with pytest.raises(InvalidPixels, match="float64"):
        compare(photo / 255, photo)
    with pytest.raises(UsageError, match="mask"):
        compare(photo, photo, mask=np.zeros((3, 3), bool))


def test_metrics_are_read_as_typed():
    assert parse_metrics(" SSIM,psnr, ssim,") == ("ssim", "psnr")
    assert parse_metrics("") == ()
    with pytest.raises(UsageError, match="'lpips', expected any of psnr, ssim"):
        parse_metrics("psnr,lpips")
