import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from repost.channel.resample import resample
from repost.channel.sizes import Placement
from repost.channel.surrogate import resize as resizing
from repost.channel.surrogate.resize import resize
from repost.core.errors import UnsupportedMedia, UsageError

PILLOW = ("lanczos", "bicubic", "bilinear", "box")
KERNELS = (*PILLOW, "area", "box_gm")


def drawn(width, height, seed, count=1):
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def as_levels(pixels):
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float()


def exact(pixels, placement, kernel):
    return as_levels(np.stack([np.asarray(resample(Image.fromarray(one), placement, kernel=kernel)) for one in pixels]))


def whole(levels, size):
    return Placement(size, (0, 0, levels.shape[3], levels.shape[2]))


@st.composite
def cases(draw):
    width, height, *size = (draw(st.integers(1, 200)) for _ in range(4))
    left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    boxes = st.tuples(st.just(left), st.just(top), st.integers(left + 1, width), st.integers(top + 1, height))
    box = draw(st.one_of(st.just((0, 0, width, height)), boxes))
    halved = (max(1, (box[2] - box[0]) // 2), max(1, (box[3] - box[1]) // 2))
    kept = draw(st.sampled_from([None, 0, 1]))
    size = [box[2 + side] - box[side] if kept == side else size[side] for side in (0, 1)]
    size = draw(st.one_of(st.just((size[0], size[1])), st.just(halved)))
    return (width, height), Placement(size, box)


@pytest.mark.parametrize("kernel", KERNELS)
@settings(max_examples=60, deadline=None)
@given(case=cases(), seed=st.integers(0, 2**32 - 1))
def test_equals_the_exact_channel(kernel, case, seed):
    """Oracle: Pillow itself, and `resample`; sides from 1 to 200 px, boxes, one side kept, exact halves."""
    (width, height), placement = case
    pixels = drawn(width, height, seed)
    assert torch.equal(resize(as_levels(pixels), placement, kernel=kernel), exact(pixels, placement, kernel))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("size", [(1023, 682), (3000, 17), (64, 900)])
def test_large_pictures_equal_the_exact_channel(kernel, size):
    """Many blocks, both ways; extremes only, so that clipping between the passes matters."""
    pixels = (drawn(1500, 61, 3) > 127).astype(np.uint8) * 255
    placement = Placement(size, (0, 0, 1500, 61))
    assert torch.equal(resize(as_levels(pixels), placement, kernel=kernel), exact(pixels, placement, kernel))


@pytest.mark.parametrize("kernel", PILLOW)
@pytest.mark.parametrize(("source", "size"), [((60, 200), (50, 180)), ((60, 200), (50, 179)), ((2, 244), (53, 231))])
def test_the_order_of_the_passes_is_pillows(kernel, source, size):
    """At, above and far from where Pillow 13 and 12.3 begin with the rows."""
    pixels = (drawn(*source, 4) > 127).astype(np.uint8) * 255
    placement = Placement(size, (0, 0, *source))
    assert torch.equal(resize(as_levels(pixels), placement, kernel=kernel), exact(pixels, placement, kernel))


@pytest.mark.parametrize("kernel", KERNELS)
def test_pictures_of_a_batch_do_not_touch(kernel):
    pixels = drawn(40, 30, 1, count=3)
    placement = Placement((27, 50), (2, 3, 39, 30))
    assert torch.equal(resize(as_levels(pixels), placement, kernel=kernel), exact(pixels, placement, kernel))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("size", [(20, 15), (31, 77), (90, 20), (40, 11)])
def test_gradient_is_that_of_the_linear_map(kernel, size, monkeypatch):
    """Oracle: float64 autograd through the responses to unit impulses, whatever the blocks."""
    monkeypatch.setattr(resizing, "_BLOCK_PX", 7)
    levels = as_levels(drawn(40, 30, 5)).requires_grad_()
    placement = Placement(size, (4, 2, 40, 29))
    weights = torch.randn(1, 3, size[1], size[0], generator=torch.Generator().manual_seed(0))
    (resize(levels, placement, kernel=kernel) * weights).sum().backward()
    source = levels.detach().double().requires_grad_()
    across, down = (responses(side, placement, axis, kernel) for axis, side in enumerate((40, 30)))
    (torch.einsum("yh,nchw,xw->ncyx", down, source, across) * weights).sum().backward()
    assert levels.grad is not None
    assert source.grad is not None
    torch.testing.assert_close(levels.grad.double(), source.grad, atol=2e-5, rtol=1e-5)


def responses(side, placement, axis, kernel):
    """Dense (target, source) weights: Pillow's floating-point path, or the mean response to one bright pixel."""
    start, stop = placement.box[axis], placement.box[axis + 2]
    if kernel in PILLOW:
        impulses = Image.fromarray(np.eye(side, dtype=np.float32))
        box = (start, 0, stop, side)
        method = getattr(Image.Resampling, kernel.upper())
        return torch.tensor(np.asarray(impulses.resize((placement.size[axis], side), method, box=box)).T).double()
    if kernel == "area":
        edges = np.arange(placement.size[axis] + 1) * ((stop - start) / placement.size[axis]) + start
        shares = [
            [max(0, min(edges[t + 1], s + 1) - max(edges[t], s)) / (edges[1] - edges[0]) for s in range(side)]
            for t in range(placement.size[axis])
        ]
        return torch.tensor(shares, dtype=torch.float64)
    bright = [np.full((1, side, 3), 0, np.uint8) for _ in range(side)]
    for pixel, picture in enumerate(bright):
        picture[:, pixel] = 255
    row = Placement((placement.size[axis], 1), (start, 0, stop, 1))
    lit = np.stack([np.asarray(resample(Image.fromarray(one), row, kernel=kernel))[0, :, 0] > 0 for one in bright])
    return torch.tensor(lit.T / lit.T.sum(1, keepdims=True))


@pytest.mark.parametrize("kernel", KERNELS)
def test_gradient_is_the_adjoint_of_the_map(kernel):
    """<Wx, y> = <x, W'y> with the weights themselves, without rounding."""
    plan = resizing._plan((50, 60), Placement((37, 80), (3, 0, 50, 59)), kernel)
    generator = torch.Generator().manual_seed(1)
    (first_column, last_column), (first_row, last_row) = plan.used
    x = torch.randn(2, 3, last_row - first_row, last_column - first_column, generator=generator)
    y = torch.randn(2, 3, 80, 37, generator=generator)
    share = 2.0**-22 if kernel in PILLOW else 1.0
    through = linear([(axis, weights * share) for axis, weights in plan.weights], x)
    torch.testing.assert_close((through * y).sum(), (x * linear(plan.adjoint, y)).sum(), atol=2e-3, rtol=1e-4)


def linear(passes, values):
    plain = {"multiply": resizing._float32_product, "finish": resizing._as_it_is}
    for axis, weights in passes:
        values = resizing._in_blocks(weights.tocsr(), values, axis=axis, **plain)
    return values


def test_what_lies_outside_the_box_has_no_gradient_unless_it_weighs():
    levels = as_levels(drawn(40, 30, 5)).requires_grad_()
    resize(levels, Placement((10, 10), (20, 10, 40, 30)), kernel="box").sum().backward()
    assert levels.grad is not None
    assert (levels.grad[..., :20] == 0).all()
    assert (levels.grad[..., 10:, 20:] > 0).all()


def test_what_is_only_cut_out_keeps_its_gradient():
    levels = as_levels(drawn(9, 8, 5)).requires_grad_()
    cut = resize(levels, Placement((3, 4), (2, 1, 5, 5)), kernel="spline")
    assert torch.equal(cut, levels[..., 1:5, 2:5])
    cut.sum().backward()
    assert levels.grad is not None
    assert levels.grad.sum() == cut.numel()


def test_autocast_changes_nothing():
    pixels = drawn(60, 50, 1)
    levels = as_levels(pixels)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        served = resize(levels, whole(levels, (33, 20)), kernel="lanczos")
    assert torch.equal(served, exact(pixels, whole(levels, (33, 20)), "lanczos"))


def test_kernels_for_video_are_refused_by_name():
    levels = torch.zeros(1, 3, 8, 8)
    with pytest.raises(UnsupportedMedia, match="kernel 'swscale_bicubic'"):
        resize(levels, whole(levels, (4, 4)), kernel="swscale_bicubic")


@pytest.mark.parametrize("levels", [torch.zeros(3, 8, 8), torch.zeros(1, 3, 8, 8, dtype=torch.uint8)])
def test_other_tensors_are_refused(levels):
    with pytest.raises(UsageError, match="expected NCHW float32"):
        resize(levels, Placement((4, 4), (0, 0, 8, 8)), kernel="lanczos")


def test_a_region_outside_the_picture_is_refused():
    with pytest.raises(UsageError, match="inside 8x8 px"):
        resize(torch.zeros(1, 3, 8, 8), Placement((4, 4), (0, 0, 9, 8)), kernel="lanczos")
