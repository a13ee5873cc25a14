"""The JPEG inside the graph, with libjpeg (through Pillow) as its oracle."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

torch: Any = pytest.importorskip("torch")

from repost.channel.half_even import encode_half_even  # noqa: E402
from repost.channel.surrogate.blocks import quantised  # noqa: E402
from repost.channel.surrogate.chroma import downsample, upsample  # noqa: E402
from repost.channel.surrogate.colour import rgb_to_ycc, ycc_to_rgb  # noqa: E402
from repost.channel.surrogate.jpeg import JpegTables, jpeg_levels  # noqa: E402
from repost.channel.surrogate.rounding import to_levels  # noqa: E402
from repost.media.jpeg_decode import decode_replicated  # noqa: E402
from repost.media.jpeg_tables import ijg_tables  # noqa: E402
from repost.platforms.steps import EncodeJpeg  # noqa: E402

CPU = torch.device("cpu")
SUBSAMPLINGS = ("4:2:0", "4:2:2", "4:4:4")


def scene(height: int, width: int, *, seed: int, noisy: bool = False) -> np.ndarray:
    """Smooth colours with edges, or noise that reaches both ends."""
    rng = np.random.default_rng(seed)
    if noisy:
        return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    rows, columns = np.mgrid[:height, :width]
    waves = [
        128 + 110 * np.sin(rows * rng.uniform(0.05, 0.9) + columns * rng.uniform(0.05, 0.9) + rng.uniform(0, 6))
        for _ in range(3)
    ]
    picture = np.stack(waves, 2) + rng.normal(0, 6, (height, width, 3))
    picture[height // 3 : height // 2, width // 4 :] = rng.integers(0, 256, 3)
    return picture.clip(0, 255).astype(np.uint8)


def tensor_of(*pictures: np.ndarray) -> Any:
    return torch.tensor(np.stack(pictures)).permute(0, 3, 1, 2).float()


def picture_of(levels: Any) -> np.ndarray:
    return levels.permute(1, 2, 0).numpy().astype(np.uint8)


def saved(picture: np.ndarray, **how: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", **how)
    return buffer.getvalue()


def opened(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@settings(max_examples=400, deadline=None)
@given(
    height=st.integers(1, 64),
    width=st.integers(1, 64),
    quality=st.integers(1, 100),
    subsampling=st.sampled_from(SUBSAMPLINGS),
    noisy=st.booleans(),
    seed=st.integers(0, 9999),
)
def test_equals_libjpeg_to_the_bit(height, width, quality, subsampling, noisy, seed):
    picture = scene(height, width, seed=seed, noisy=noisy)
    tables = JpegTables.of_qualities([quality], device=CPU)
    ours = jpeg_levels(tensor_of(picture), tables, subsampling=subsampling)
    np.testing.assert_array_equal(picture_of(ours[0]), opened(saved(picture, quality=quality, subsampling=subsampling)))


def test_every_picture_of_a_batch_has_its_own_quality():
    pictures = [scene(37, 51, seed=seed) for seed in range(12)]
    qualities = [1, 10, 35, 49, 50, 51, 71, 80, 92, 95, 99, 100]
    ours = jpeg_levels(tensor_of(*pictures), JpegTables.of_qualities(qualities, device=CPU))
    for picture, quality, got in zip(pictures, qualities, ours, strict=True):
        np.testing.assert_array_equal(picture_of(got), opened(saved(picture, quality=quality, subsampling="4:2:0")))


def test_custom_tables_equal_libjpeg():
    rng = np.random.default_rng(5)
    luma, chroma = (tuple(int(entry) for entry in rng.integers(1, 256, 64)) for _ in range(2))
    picture = scene(40, 56, seed=1)
    ours = jpeg_levels(tensor_of(picture), JpegTables.of([(luma, chroma)], device=CPU))
    expected = opened(saved(picture, qtables=[list(luma), list(chroma)], subsampling="4:2:0"))
    np.testing.assert_array_equal(picture_of(ours[0]), expected)


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_half_even_quantiser_equals_the_exact_channel(subsampling):
    picture = scene(67, 83, seed=3)
    step = EncodeJpeg(op="encode", codec="jpeg", quality=85, subsampling=subsampling, quantiser="half_even")
    expected = opened(encode_half_even(Image.fromarray(picture), step, tables=ijg_tables(85)))
    tables = JpegTables.of_qualities([85], device=CPU)
    ours = jpeg_levels(tensor_of(picture), tables, subsampling=subsampling, quantiser="half_even")
    np.testing.assert_array_equal(picture_of(ours[0]), expected)


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2"])
def test_replicated_chroma_equals_libjpeg(subsampling):
    picture = scene(45, 59, seed=4)
    expected = np.asarray(decode_replicated(saved(picture, quality=60, subsampling=subsampling)))
    tables = JpegTables.of_qualities([60], device=CPU)
    ours = jpeg_levels(tensor_of(picture), tables, subsampling=subsampling, upsampling="replicate")
    np.testing.assert_array_equal(picture_of(ours[0]), expected)


def adjoint(function: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """A function's backward pass, and the linear map it should be the transpose of, as matrices.

    The map is measured far from any rounding: on levels of many bits, where a step of one level is small.
    """
    generator = torch.Generator().manual_seed(0)
    point = torch.randint(120, 136, shape, generator=generator).float().requires_grad_()
    result = function(point)
    rows = [
        torch.autograd.grad(result, point, torch.eye(result.numel())[index].view(result.shape), retain_graph=True)[0]
        for index in range(result.numel())
    ]
    backward = torch.stack([row.flatten() for row in rows])
    columns = []
    with torch.no_grad():
        for index in range(point.numel()):
            moved = point.detach().clone().flatten()
            step = 30.0
            moved[index] += step
            up = function(moved.view(shape))
            moved[index] -= 2 * step
            columns.append((up - function(moved.view(shape))).flatten() / (2 * step))
    return backward, torch.stack(columns, 1)


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (rgb_to_ycc, (1, 3, 2, 2)),
        (lambda planes: ycc_to_rgb(planes[:, 0], planes[:, 1:]), (1, 3, 2, 2)),
        (lambda plane: downsample(plane, "4:2:0"), (1, 5, 7)),
        (lambda plane: downsample(plane, "4:2:2"), (1, 5, 7)),
        (lambda plane: upsample(plane, "4:2:0", size=(7, 9), upsampling="triangle"), (1, 4, 5)),
        (lambda plane: upsample(plane, "4:2:2", size=(4, 9), upsampling="triangle"), (1, 4, 5)),
        (lambda plane: upsample(plane, "4:2:0", size=(7, 9), upsampling="replicate"), (1, 4, 5)),
        (lambda plane: upsample(plane, "4:2:0", size=(1, 3), upsampling="triangle"), (1, 1, 2)),
    ],
)
def test_backward_is_the_transpose_of_the_linear_map(function, shape):
    backward, forward = adjoint(function, shape)
    assert (backward - forward).abs().max() < 1 / 30  # two roundings of a level over a step of 60


def float_reference(plane: Any, table: Any, gradient: str) -> Any:
    """The textbook round trip of a plane by autograd, in float64."""
    frequency = torch.arange(8, dtype=torch.float64)
    matrix = torch.cos((2 * frequency + 1) * frequency.unsqueeze(1) * torch.pi / 16) / 2
    matrix[0] /= 2**0.5
    height, width = plane.shape[1:]
    blocks = (plane - 128).view(-1, height // 8, 8, width // 8, 8).transpose(2, 3)
    steps = (matrix @ blocks @ matrix.T) / table
    whole = steps.round().detach()
    cubic = whole + (steps - whole) ** 3
    passed = {
        "identity": steps + (whole - steps).detach(),
        "cubic": cubic,
        "zero_bin": torch.where(whole == 0, cubic, steps + (whole - steps).detach()),
    }[gradient]
    back = matrix.T @ (passed * table) @ matrix
    return back.transpose(2, 3).reshape(plane.shape) + 128


@pytest.mark.parametrize("gradient", ["identity", "cubic", "zero_bin"])
def test_gradient_of_the_quantiser_is_the_textbook_one(gradient):
    plane = torch.tensor(scene(24, 32, seed=8)[..., 0]).float().unsqueeze(0).requires_grad_()
    table = torch.tensor(ijg_tables(50)[0]).view(1, 8, 8)
    weights = torch.rand((1, 24, 32), generator=torch.Generator().manual_seed(1))
    (ours,) = torch.autograd.grad((quantised(plane, table, gradient=gradient) * weights).sum(), plane)
    exact = plane.detach().double().requires_grad_()
    (expected,) = torch.autograd.grad((float_reference(exact, table[0], gradient) * weights).sum(), exact)
    # The integer DCT is off by up to a thousandth of a step, so that near a bin's edge cubic slopes differ a little.
    assert (ours - expected).abs().max() < 0.02 * expected.abs().max()


def test_zero_bin_stops_what_the_quantiser_removes():
    """A faint ripple in a fine frequency does not survive quality 30, so hardly any gradient asks for it."""
    rows, columns = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    ripple = torch.cos((2 * columns + 1) * 7 * torch.pi / 16)
    flat = (128 + ripple + 0 * rows).round().expand(1, 3, 16, 16).clone()
    tables = JpegTables.of_qualities([30], device=CPU)
    slopes = {}
    for gradient in ("identity", "zero_bin"):
        point = flat.clone().requires_grad_()
        (slope,) = torch.autograd.grad((jpeg_levels(point, tables, gradient=gradient)[0, 1] * ripple).sum(), point)
        slopes[gradient] = slope.abs().sum().item()
    assert slopes["zero_bin"] < 0.05 * slopes["identity"]


def test_gradient_passes_where_levels_are_clipped():
    white = torch.full((1, 3, 16, 16), 255.0, requires_grad=True)
    tables = JpegTables.of_qualities([75], device=CPU)
    jpeg_levels(white, tables, gradient="identity").sum().backward()
    assert torch.allclose(white.grad, torch.ones_like(white), atol=1e-3)


def test_levels_round_half_to_even_and_pass_the_gradient():
    pixels = torch.tensor([0.0, 0.5 / 255, 1.5 / 255, 0.9999, 1.0], requires_grad=True)
    levels = to_levels(pixels)
    assert levels.tolist() == [0, 0, 2, 255, 255]
    levels.sum().backward()
    assert pixels.grad.tolist() == [255.0] * 5


def test_a_lower_precision_of_products_changes_nothing():
    picture = scene(64, 64, seed=2, noisy=True)
    tables = JpegTables.of_qualities([85], device=CPU)
    torch.set_float32_matmul_precision("medium")
    try:
        ours = jpeg_levels(tensor_of(picture), tables)
    finally:
        torch.set_float32_matmul_precision("highest")
    np.testing.assert_array_equal(picture_of(ours[0]), opened(saved(picture, quality=85, subsampling="4:2:0")))
