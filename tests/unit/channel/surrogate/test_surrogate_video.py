"""The differentiable video channel against the exact one, and its gradient against what real codecs do."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from scipy.fft import dctn, idctn

torch: Any = pytest.importorskip("torch")

from clips import make_clip  # noqa: E402
from repost.channel.surrogate import SurrogateVideoChannel  # noqa: E402
from repost.channel.surrogate.blocks import as_quantised  # noqa: E402
from repost.channel.surrogate.clip import read_served, write_upload  # noqa: E402
from repost.channel.surrogate.video_gradient import coded, quantiser_steps  # noqa: E402
from repost.channel.video.emulate import emulate_video  # noqa: E402
from repost.core.errors import EncodeFailed, InvalidPixels, NoSurrogate, UnsupportedMedia, UsageError  # noqa: E402
from repost.media.video.frames import read_stream_coding  # noqa: E402
from repost.platforms import Profile, resolve  # noqa: E402


def encode(crf: float = 28, **fields: Any) -> dict[str, Any]:
    step = {"op": "encode", "codec": "h264", "preset": "veryfast", "rate": {"mode": "crf", "crf": crf}}
    return step | fields


def at_bitrate(bits_per_pixel_s: float, **fields: Any) -> dict[str, Any]:
    return encode(rate={"mode": "abr", "bits_per_pixel_s": bits_per_pixel_s, "passes": 2}, **fields)


SHORT_SIDE_36 = {"op": "resize", "fit": "short_side", "px": 36, "kernel": "bicubic", "multiple_of": 2}
COVER = {"op": "resize", "fit": "cover", "width_px": 40, "height_px": 40, "kernel": "bicubic"}
CAP_15 = {"op": "frame_rate", "fps": 15}
PASSED_ON = {"op": "passthrough"}


def profile_of(*steps: dict[str, Any], media: str = "video", when: dict[str, Any] | None = None) -> Profile:
    rules = [{"media": media, "name": "every", "steps": list(steps)}]
    if when:
        rules.insert(0, {"media": media, "name": "some", "when": when, "steps": [PASSED_ON]})
    return Profile.model_validate(
        {
            "platform": "tested",
            "observed": "2026",
            "summary": "for tests",
            "evidence": [{"kind": "inferred", "source": "tests"}],
            "rules": rules,
        }
    )


def waves(count: int = 16, size: tuple[int, int] = (96, 64), *, noise: float = 2.0) -> Any:
    """A clip of coloured waves that drift, with grain: (count, 3, height, width)."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[: size[1], : size[0]]
    speeds = rng.uniform(0.05, 0.3, (3, 2))
    frames = [
        [128 + 70 * np.sin(down * (rows + index) + across * (columns + 2 * index)) for down, across in speeds]
        for index in range(count)
    ]
    levels = np.array(frames) + rng.normal(0, noise, (count, 3, size[1], size[0]))
    return torch.tensor(levels.round().clip(0, 255)).float() / 255


def pictures_of(clip: Any) -> list[np.ndarray]:
    levels = clip.detach().double() * 255
    assert (levels - levels.round()).abs().max() < 1e-4, "pixels leave the 8-bit grid"
    return list(levels.round().permute(0, 2, 3, 1).numpy().astype(np.uint8))


@pytest.mark.parametrize(
    ("found", "fps"),
    [
        ("example/video", 25),
        ("example/video", 60),
        (profile_of(encode()), 25),
        (profile_of(encode(b_frames=2, preset="medium")), 29.97),
        (profile_of(at_bitrate(3)), 25),
        (profile_of(CAP_15, encode()), 25),
        (profile_of({"op": "frame_rate", "fps": 30, "cap": False}, encode()), 24),
        (profile_of(SHORT_SIDE_36, encode()), 25),
        (profile_of(COVER, CAP_15, encode(pixel_format="yuv420p10le")), 25),
        (profile_of(encode(codec="hevc", preset="ultrafast")), 25),
        (profile_of(encode(codec="vp9", preset="8"), {"op": "container", "format": "webm"}), 25),
        (profile_of(encode(codec="av1", preset="12")), 25),
        (profile_of(encode(rate={"mode": "quality", "psnr_db": 36})), 25),
        (profile_of(encode({"choice": [20, 28, 40], "weights": [1, 1, 1]})), 25),
        (profile_of(encode(), when={"bitrate_bps": {"over": 1000}}), 25),
        (profile_of(PASSED_ON), 25),
    ],
)
@pytest.mark.parametrize("size", [(96, 64), (95, 61)])
def test_frames_are_the_exact_channels(found, fps, size, tmp_path):
    clip = waves(16, size)
    shared = SurrogateVideoChannel(found, fps=fps, seed=5).share(clip)
    rate = Fraction(30000, 1001) if fps == 29.97 else Fraction(fps)
    upload = write_upload(tmp_path / "upload.mp4", pictures_of(clip), fps=rate)
    exact = emulate_video(upload, resolve(found), tmp_path / "served", seed=5)
    with av.open(str(exact.path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    np.testing.assert_array_equal(pictures_of(shared.pixels), frames)
    assert shared.trace == exact.trace
    assert len(shared.source_frames) == len(frames)


def test_a_story_is_the_exact_channels(tmp_path):
    clip = waves(2)
    shared = SurrogateVideoChannel("example/story", seed=0).share(clip)
    upload = write_upload(tmp_path / "upload.mp4", pictures_of(clip), fps=Fraction(25))
    exact = emulate_video(upload, resolve("example/story"), tmp_path / "served.mp4", seed=0)
    np.testing.assert_array_equal(pictures_of(shared.pixels), read_served(exact.path).pictures)
    assert shared.pixels.shape == (2, 3, 1280, 720)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs the ffmpeg program")
@pytest.mark.parametrize("steps", [(encode(),), (SHORT_SIDE_36, encode())])
def test_ffmpeg_decodes_the_same_frames(steps, tmp_path):
    clip, found = waves(), profile_of(*steps)
    upload = write_upload(tmp_path / "upload.mp4", pictures_of(clip), fps=Fraction(25))
    path = emulate_video(upload, found, tmp_path / "served.mp4", seed=0).path
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    output = subprocess.run(command, capture_output=True, check=True).stdout
    ours = pictures_of(SurrogateVideoChannel(found, seed=0)(clip))
    np.testing.assert_array_equal(np.frombuffer(output, np.uint8).reshape(np.shape(ours)), ours)


def test_the_upload_loses_nothing_but_chroma(tmp_path):
    """BT.709 of limited range by its definition, ITU-R BT.709-6 item 3; libswscale is within 0.51 of it."""
    pictures = pictures_of(waves(3))
    upload = write_upload(tmp_path / "upload.mp4", pictures, fps=Fraction(25))
    assert (upload.facts.frame_count, upload.facts.fps, upload.facts.duration_s) == (3, 25, 0.12)
    with av.open(str(upload.path)) as container:
        for frame, picture in zip(container.decode(video=0), pictures, strict=True):
            planes = frame.to_ndarray()
            rgb = picture / 255
            luma = rgb @ (0.2126, 0.7152, 0.0722)
            assert np.abs(planes[:64] - (16 + 219 * luma)).max() < 0.51
            for channel, span, plane in ((2, 1.8556, planes[64:80]), (0, 1.5748, planes[80:])):
                chroma = 128 + 224 * (rgb[..., channel] - luma) / span
                means = chroma.reshape(32, 2, 48, 2).mean((1, 3))
                errors = plane.reshape(32, 48) - means
                assert np.abs(errors).max() < 2
                assert abs(errors.mean()) < 0.5


def test_an_upload_of_odd_sides_keeps_its_chroma(tmp_path):
    odd = write_upload(tmp_path / "odd.mp4", pictures_of(waves(2, (95, 61))), fps=Fraction(25))
    assert (odd.facts.pixel_format, odd.facts.width_px, odd.facts.height_px) == ("yuv444p", 95, 61)


def test_draws_depend_on_the_seed_and_can_be_repeated():
    found, clip = profile_of(encode({"choice": list(range(18, 46)), "weights": [1] * 28})), waves(8)
    seeded = SurrogateVideoChannel(found, seed=3)
    assert torch.equal(seeded(clip), seeded(clip))
    fresh = SurrogateVideoChannel(found)
    torch.manual_seed(0)
    first, second = fresh.share(clip), fresh.share(clip)
    torch.manual_seed(0)
    assert fresh.share(clip).trace == first.trace
    assert first.trace.steps != second.trace.steps


@pytest.mark.parametrize(
    ("fps", "served"),
    [(25, 15), (60, 30), (50, 20), (25, 24), (24, 23.976), (12, 30), (29.97, 30), (7.3, 11.1), (25, None)],
)
def test_gradients_go_to_the_frames_that_are_shown(fps, served):
    """Every frame has a brightness of its own, so that the served ones tell which they are."""
    clip = torch.stack([torch.full((3, 32, 48), (16 + 6 * index) / 255) for index in range(32)]).requires_grad_()
    rate = [] if served is None else [{"op": "frame_rate", "fps": served, "cap": False}]
    shared = SurrogateVideoChannel(profile_of(*rate, encode(4)), fps=fps, gradient="identity").share(clip)
    seen = [round((255 * frame.mean().item() - 16) / 6) for frame in shared.pixels]
    assert list(shared.source_frames) == seen
    shared.pixels.sum().backward()
    expected = torch.bincount(torch.tensor(seen), minlength=32).float()
    torch.testing.assert_close(clip.grad, expected.view(-1, 1, 1, 1).expand_as(clip), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("gradient", ["identity", "cubic", "zero_bin"])
@pytest.mark.parametrize("steps", [(encode(),), (SHORT_SIDE_36, at_bitrate(3)), (COVER, CAP_15, encode(35))])
def test_gradients_are_finite_and_present(gradient, steps):
    clip = waves().requires_grad_()
    shared = SurrogateVideoChannel(profile_of(*steps), gradient=gradient, seed=0).share(clip)
    (shared.pixels * torch.rand(shared.pixels.shape)).sum().backward()
    assert clip.grad.isfinite().all()
    shown = sorted(set(shared.source_frames))
    assert (clip.grad[shown].flatten(1).norm(dim=1) > 1).all()
    assert clip.grad.flatten(1).norm(dim=1).count_nonzero() == len(shown)


@pytest.mark.parametrize("size", [(96, 64), (96, 60), (95, 61)])
def test_the_mean_of_a_file_passed_on_has_the_gradient_of_a_mean(size):
    clip = waves(2, size).requires_grad_()
    SurrogateVideoChannel(profile_of(PASSED_ON))(clip).mean().backward()
    torch.testing.assert_close(clip.grad, torch.full_like(clip, 1 / clip.numel()), rtol=1e-4, atol=0)


@pytest.mark.parametrize(
    "steps",
    [
        (encode(2),),
        (SHORT_SIDE_36, encode(2)),
        (COVER, encode(2)),
        *((SHORT_SIDE_36 | {"kernel": kernel}, encode(2)) for kernel in ("lanczos", "bilinear", "area", "spline")),
        (SHORT_SIDE_36 | {"px": 90, "upscale": True}, encode(2)),
        (SHORT_SIDE_36, encode(2, codec="vp9", preset="8")),
        (SHORT_SIDE_36, encode(2, codec="hevc", preset="ultrafast")),
    ],
)
def test_the_gradient_foretells_what_a_change_does_to_real_files(steps):
    """Where the codec is nearly lossless, a change of the clip moves the served frames as the gradient says."""
    share = SurrogateVideoChannel(profile_of(*steps), gradient="identity", seed=0)
    clip = (0.25 + 0.5 * waves(noise=0)).requires_grad_()
    change = torch.sin(torch.arange(96) / 5) * torch.cos(torch.arange(64).view(-1, 1) / 7) * 0.1
    change = change * torch.tensor((1.0, 0.2, -0.6)).view(3, 1, 1)
    with torch.no_grad():
        moved = (share(clip + change) - share(clip - change)) / 2
    (share(clip) * moved).sum().backward()
    foretold, measured = (clip.grad * change).sum(), moved.square().sum()
    assert foretold == pytest.approx(measured.item(), rel=0.06)


def test_planes_are_quantised_in_the_codes_of_bt709():
    """A plain colour has nothing but DC coefficients, 8 times the codes of ITU-R BT.709-6 item 3."""
    codes, step = np.array((100.0, 110.0, 150.0)), 7.3
    luma = np.array((0.2126, 0.7152, 0.0722))
    red, _, blue = np.eye(3)
    to_codes = np.stack([219 * luma, 224 * (blue - luma) / 1.8556, 224 * (red - luma) / 1.5748]) / 255
    to_rgb = np.linalg.inv(to_codes)
    colour = torch.tensor(to_rgb @ (codes - (16, 128, 128))).float()
    frames = colour.view(1, 3, 1, 1).repeat(1, 1, 16, 16).requires_grad_()
    coded(frames, (step,), gradient="cubic").sum().backward()
    values = 8 * codes / step
    slopes = 3 * (values - values.round()) ** 2
    expected = to_codes.T @ (slopes * (to_rgb.T @ np.ones(3)))
    np.testing.assert_allclose(frames.grad[0, :, 5, 5].numpy(), expected, rtol=1e-3)


@pytest.mark.parametrize("gradient", ["cubic", "zero_bin"])
def test_a_quantisers_slope_is_that_of_its_coefficients(gradient):
    rng = np.random.default_rng(0)
    plane, incoming, steps = rng.uniform(0, 255, (2, 16, 24)), rng.normal(size=(2, 16, 24)), (3.0, 90.0)
    tensor = torch.tensor(plane, requires_grad=True)
    result = as_quantised(tensor, torch.tensor(steps, dtype=torch.float64), gradient=gradient)
    assert torch.equal(result, tensor)
    result.backward(torch.tensor(incoming))
    for index, step in enumerate(steps):
        for top in range(0, 16, 8):
            for left in range(0, 24, 8):
                block = np.s_[index, top : top + 8, left : left + 8]
                values = dctn(plane[block], norm="ortho") / step
                slopes = 3 * (values - values.round()) ** 2
                if gradient == "zero_bin":
                    slopes[values.round() != 0] = 1
                expected = idctn(dctn(incoming[block], norm="ortho") * slopes, norm="ortho")
                np.testing.assert_allclose(tensor.grad[block].numpy(), expected, atol=1e-9)


def test_quantisation_parameters_are_those_the_encoder_used(tmp_path):
    constant = make_clip(tmp_path / "a.mp4", options={"x264-params": "qp=22:ipratio=1:pbratio=1"})
    assert read_served(constant).qps == (22.0,) * 24
    varied = make_clip(tmp_path / "b.mp4", options={"crf": "30", "preset": "medium"})
    qps, coding = np.array(read_served(varied).qps), read_stream_coding(varied)
    for kind in set(coding.kinds):
        ours = qps[[one == kind for one in coding.kinds]].mean()
        assert ours == pytest.approx(coding.mean_qp(kind))


def steps_of(found, tmp_path):
    upload = write_upload(tmp_path / "upload.mp4", pictures_of(waves(4)), fps=Fraction(25))
    emulated = emulate_video(upload, found, tmp_path / "served", seed=0)
    served = read_served(emulated.path)
    return served, quantiser_steps(emulated.trace, served)


def test_the_step_doubles_every_six_qp(tmp_path):
    served, found = steps_of(profile_of(encode(30, preset="medium")), tmp_path)
    np.testing.assert_allclose(found, [2 ** ((qp - 4) / 6) for qp in served.qps])
    assert 24 < min(found) < max(found) < 64  # of QP 32 to 40
    _, hevc = steps_of(profile_of(encode(28, codec="hevc", preset="ultrafast")), tmp_path)
    assert hevc == pytest.approx((16.0,) * 4)


@pytest.mark.parametrize(
    "steps",
    [
        (PASSED_ON,),
        (at_bitrate(9, codec="hevc", preset="ultrafast"),),
        (encode(codec="vp9", preset="8"),),
        (encode(codec="av1", preset="12"),),
    ],
)
def test_no_step_is_made_up_where_none_is_known(steps, tmp_path):
    assert steps_of(profile_of(*steps), tmp_path)[1] is None


def features(seed: int) -> Any:
    """A small network of random weights that gives a clip one number."""
    generator = torch.Generator().manual_seed(seed)
    first, second = (torch.randn(shape, generator=generator) / 6 for shape in ((8, 3, 3, 3), (8, 8, 3, 3)))
    last = torch.randn(8, generator=generator)
    layer = torch.nn.functional.conv2d
    return lambda clip: layer(layer(clip - 0.5, first, stride=2).relu(), second, stride=2).relu().mean((0, 2, 3)) @ last


@pytest.mark.parametrize("steps", [(SHORT_SIDE_36, encode()), (CAP_15, at_bitrate(3))])
def test_five_steps_of_descent_survive_the_real_channel(steps):
    share, limit = SurrogateVideoChannel(profile_of(*steps), seed=0), 8 / 255
    clip = waves()
    for seed in range(3):
        loss, moved = features(seed), clip.clone()
        for _ in range(5):
            moved.requires_grad_()
            (gradient,) = torch.autograd.grad(loss(share(moved)), moved)
            moved = (moved.detach() - limit / 3 * gradient.sign()).clamp(clip - limit, clip + limit).clamp(0, 1)
        before = loss(share(clip))
        noises = [limit * torch.randn(clip.shape).sign() for _ in range(3)]
        by_chance = max(before - loss(share((clip + noise).clamp(0, 1))) for noise in noises)
        assert before - loss(share(moved)) > 3 * max(by_chance, 1e-3)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
def test_the_type_of_the_input_comes_back(dtype):
    clip = waves(4).to(dtype).requires_grad_()
    served = SurrogateVideoChannel(profile_of(encode()), seed=0)(clip)
    served.float().mean().backward()
    assert (served.dtype, clip.grad.dtype) == (dtype, dtype)


def test_no_graph_is_made_where_none_is_asked_for():
    share = SurrogateVideoChannel(profile_of(encode()), seed=0)
    assert not share(waves(2)).requires_grad
    with torch.no_grad():
        assert not share(waves(2).requires_grad_()).requires_grad


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_result_goes_back_to_the_device():
    share, clip = SurrogateVideoChannel(profile_of(SHORT_SIDE_36, encode()), seed=0), waves(4)
    ours, theirs = clip.clone().requires_grad_(), clip.cuda().requires_grad_()
    here, there = share(ours), share(theirs)
    assert there.device == theirs.device
    assert torch.equal(here, there.cpu())
    here.square().mean().backward()
    there.square().mean().backward()
    torch.testing.assert_close(theirs.grad.cpu(), ours.grad)


@pytest.mark.parametrize(
    "clip",
    [
        torch.zeros(0, 3, 64, 96),
        torch.zeros(3, 64, 96),
        torch.zeros(4, 1, 64, 96),
        torch.zeros(2, 4, 3, 64, 96),
        torch.zeros(4, 3, 64, 96, dtype=torch.uint8),
        torch.full((1, 3, 8, 8), 1.01),
        torch.full((1, 3, 8, 8), torch.nan),
    ],
)
def test_what_is_no_clip_is_refused(clip):
    with pytest.raises(
        InvalidPixels, match=r"expected floating-point \(frames, 3, height, width\).*at least one frame"
    ):
        SurrogateVideoChannel(profile_of(encode()))(clip)


@pytest.mark.parametrize("fps", [0, -25, 1e-9, 1001, float("inf"), float("nan")])
def test_frame_rates_out_of_range_are_refused(fps):
    with pytest.raises(UsageError, match="expected frames per second above 0 and up to 1000"):
        SurrogateVideoChannel(profile_of(encode()), fps=fps)


def test_a_profile_for_images_is_refused():
    with pytest.raises(NoSurrogate, match="it is for images; use SurrogateChannel"):
        SurrogateVideoChannel("facebook")
    with pytest.raises(UsageError, match="expected one of identity"):
        SurrogateVideoChannel(profile_of(encode()), gradient="steep")


@pytest.mark.parametrize(
    ("steps", "fps", "error"),
    [
        ((encode(profile="baseline", pixel_format="yuv444p"),), 25, EncodeFailed),
        (({"op": "frame_rate", "fps": 60, "cap": False}, encode()), 0.001, UnsupportedMedia),
        ((encode(),), 25, None),
        ((at_bitrate(3),), 25, None),
        ((at_bitrate(3, codec="hevc", preset="ultrafast"),), 25, None),
    ],
)
def test_no_file_is_left_behind(steps, fps, error, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    share, clip = SurrogateVideoChannel(profile_of(*steps), fps=fps), waves(4).requires_grad_()
    if error is None:
        share(clip)
    else:
        with pytest.raises(error):
            share(clip)
    assert not list(tmp_path.iterdir())


def test_a_single_frame_and_the_smallest_clip():
    share = SurrogateVideoChannel(profile_of(encode()), seed=0)
    assert share(waves(1)).shape == (1, 3, 64, 96)
    clip = torch.rand(2, 3, 1, 1, requires_grad=True)
    served = share(clip)
    served.sum().backward()
    assert served.shape == (2, 3, 2, 2)  # what the exact channel makes of it
    assert clip.grad.isfinite().all()


def test_it_says_what_it_is():
    assert repr(SurrogateVideoChannel("example/video", fps=29.97, seed=1)) == (
        "SurrogateVideoChannel(example/video@2026-11, fps=29.97, gradient=zero_bin, seed=1)"
    )
