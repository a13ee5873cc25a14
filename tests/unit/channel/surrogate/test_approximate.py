import io
import itertools

import numpy as np
import pillow_heif
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name
from PIL import Image
from scipy.fft import dctn, idctn

from repost.channel.surrogate.approximate import approximate, requantise
from repost.core.errors import UsageError
from repost.metrics.fidelity import psnr_db

CODECS = ("webp", "avif", "heif")


def as_levels(pixels):
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].float()


def as_pixels(levels):
    return levels.detach()[0].permute(1, 2, 0).to(torch.uint8).numpy()


def qualities(*values):
    return torch.tensor(values, dtype=torch.float32)


def really(pixels, codec, quality):
    pillow_heif.register_heif_opener()
    settings = {"webp": {}, "avif": {"subsampling": "4:2:0"}, "heif": {"chroma": "420"}}[codec]
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, codec.upper(), quality=quality, **settings)
    return np.asarray(Image.open(io.BytesIO(data.getvalue())).convert("RGB"))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("quality", [20, 50, 75, 85, 92])
def test_distorts_about_as_much_as_the_codec(coffee, cat, codec, quality):
    """Oracle: the real codecs. Independent errors that large would be 3 dB farther from theirs than the source."""
    for photograph in (coffee[100:292, 150:342], cat[40:232, 100:292]):
        pixels = np.ascontiguousarray(photograph)
        real = really(pixels, codec, quality)
        near = as_pixels(approximate(as_levels(pixels), codec=codec, quality=qualities(quality)))
        assert abs(psnr_db(near, pixels) - psnr_db(real, pixels)) < 2
        assert psnr_db(near, real) > psnr_db(pixels, real) - 1.5


@pytest.mark.parametrize("codec", CODECS)
def test_distorts_less_at_higher_quality(cat, codec):
    pixels = np.ascontiguousarray(cat[:160, :160])
    served = [approximate(as_levels(pixels), codec=codec, quality=qualities(quality)) for quality in range(5, 101, 5)]
    fidelity = [psnr_db(as_pixels(levels), pixels) for levels in served]
    assert all(later > earlier - 0.05 for earlier, later in itertools.pairwise(fidelity))
    assert fidelity[-1] > fidelity[0] + 8


@pytest.mark.parametrize("codec", CODECS)
def test_each_picture_has_its_own_quality(coffee, codec):
    levels = as_levels(coffee[:50, :61]).expand(3, -1, -1, -1)
    together = approximate(levels, codec=codec, quality=torch.tensor([20, 60, 97]))
    for one, quality in zip(together, (20, 60, 97), strict=True):
        alone = approximate(levels[:1], codec=codec, quality=torch.tensor([quality]))
        assert (one != alone[0]).float().mean() < 1e-3  # sums of another order may tip a tie


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_any_size(codec, subsampling):
    if codec == "webp" and subsampling != "4:2:0":
        pytest.skip("WebP has 4:2:0 only")
    for height, width in [(1, 1), (1, 9), (7, 2), (16, 16), (17, 31)]:
        levels = torch.randint(0, 256, (2, 3, height, width)).float().requires_grad_()
        served = approximate(
            levels, codec=codec, quality=qualities(30, 90), subsampling=subsampling, gradient="zero_bin"
        )
        assert served.shape == levels.shape
        assert ((served == served.round()) & (served >= 0) & (served <= 255)).all()
        served.sum().backward()
        assert levels.grad is not None
        assert levels.grad.isfinite().all()


@pytest.mark.parametrize("level", [0, 1, 100, 254, 255])
@pytest.mark.parametrize("codec", ["avif", "heif"])
def test_grey_stays_grey(codec, level):
    """Flat grey has one coefficient, which a step below two levels keeps within one."""
    levels = torch.full((1, 3, 24, 24), float(level))
    assert (approximate(levels, codec=codec, quality=qualities(100)) - levels).abs().max() <= 1


@pytest.mark.parametrize("codec", ["avif", "heif"])
def test_identity_gradient_is_the_incoming_one_where_nothing_is_subsampled(codec):
    """Colour there and back and an orthonormal transform there and back are the identity."""
    levels = torch.rand(2, 3, 19, 23).mul(255).requires_grad_()
    weights = torch.randn(2, 3, 19, 23)
    approximate(levels, codec=codec, quality=qualities(40, 80), subsampling="4:4:4").backward(weights)
    assert levels.grad is not None
    # The repeated last rows and columns of the last blocks are cut off again and carry nothing.
    torch.testing.assert_close(levels.grad, weights, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("codec", "mode"), [("webp", "bilinear"), ("avif", "bilinear"), ("heif", "nearest")])
def test_identity_gradient_is_that_of_the_subsampling(codec, mode):
    """Oracle: float64 autograd through torch's own mean and interpolation, YCbCr to RGB and back."""
    levels = torch.rand(1, 3, 32, 16).mul(255).requires_grad_()
    weights = torch.randn(1, 3, 32, 16)
    approximate(levels, codec=codec, quality=qualities(60)).backward(weights)
    source = levels.detach().double().requires_grad_()
    red, green, blue = source.unbind(1)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    chroma = F.avg_pool2d(torch.stack([blue - luma, red - luma], dim=1), 2)
    settings = {"align_corners": False} if mode == "bilinear" else {}
    blueness, redness = F.interpolate(chroma, scale_factor=2, mode=mode, **settings).unbind(1)
    green = (luma - 0.299 * (luma + redness) - 0.114 * (luma + blueness)) / 0.587
    torch.stack([luma + redness, green, luma + blueness], dim=1).backward(weights.double())
    assert levels.grad is not None
    assert source.grad is not None
    torch.testing.assert_close(levels.grad.double(), source.grad, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("gradient", ["cubic", "zero_bin"])
def test_other_gradients_weigh_each_coefficient(gradient):
    """Oracle: SciPy's transform, for the luma of one grey block."""
    rng = np.random.default_rng(2)
    grey = np.round(128 + 30 * rng.standard_normal((8, 8)))
    levels = torch.from_numpy(grey).float().expand(1, 3, 8, 8).clone().requires_grad_()
    weights = torch.from_numpy(rng.standard_normal((1, 3, 8, 8))).float()
    steps = (torch.tensor([25.0]), torch.tensor([25.0]))
    requantise(levels, steps, codec="heif", gradient=gradient).backward(weights)
    values = dctn(grey - 128, norm="ortho") / 25
    rounded = np.sign(values) * np.floor(np.abs(values) + 1 / 3)
    slopes = 3 * (values - rounded) ** 2
    if gradient == "zero_bin":
        slopes = np.where(rounded == 0, slopes, 1)
    expected = idctn(slopes * dctn(weights.sum(1)[0].numpy(), norm="ortho"), norm="ortho")
    assert levels.grad is not None
    np.testing.assert_allclose(levels.grad.sum(1)[0].numpy(), expected, atol=1e-3)


def test_autocast_changes_nothing(cat):
    levels = as_levels(cat[:40, :40])
    plain = approximate(levels, codec="avif", quality=qualities(70))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(approximate(levels, codec="avif", quality=qualities(70)), plain)


@pytest.mark.parametrize("quality", [qualities(0), qualities(101), qualities(float("nan")), qualities(50, 50)])
def test_bad_qualities_are_refused(quality):
    with pytest.raises(UsageError, match="expected one number from 1 to 100 for each of 1 pictures"):
        approximate(torch.zeros(1, 3, 8, 8), codec="webp", quality=quality)


def test_webp_has_one_subsampling():
    with pytest.raises(UsageError, match="4:4:4; expected 4:2:0"):
        approximate(torch.zeros(1, 3, 8, 8), codec="webp", quality=qualities(50), subsampling="4:4:4")


def test_other_codecs_are_refused():
    with pytest.raises(UsageError, match="'jpeg'; expected one of webp, avif, heif"):
        approximate(torch.zeros(1, 3, 8, 8), codec="jpeg", quality=qualities(50))


@pytest.mark.parametrize("levels", [torch.zeros(1, 1, 8, 8), torch.zeros(1, 3, 8, 8, dtype=torch.uint8)])
def test_other_tensors_are_refused(levels):
    with pytest.raises(UsageError, match="expected N x 3 x height x width, float32"):
        approximate(levels, codec="heif", quality=qualities(50))
