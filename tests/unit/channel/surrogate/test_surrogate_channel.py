"""The differentiable channel against the exact one: the same rule, the same draws, the same pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch: Any = pytest.importorskip("torch")

import repost  # noqa: E402
from repost.channel import image  # noqa: E402
from repost.channel.surrogate import RepostTransform, SurrogateChannel  # noqa: E402
from repost.channel.surrogate.run import STEPS  # noqa: E402
from repost.core.errors import InvalidPixels, NoSurrogate, UsageError  # noqa: E402
from repost.platforms import Profile, list_profiles, steps  # noqa: E402

JPEG = {"op": "encode", "codec": "jpeg", "quality": 80}
LOSSY = ("webp", "avif", "heif")


def profile_of(*found: dict[str, Any], **rule: Any) -> Profile:
    return Profile.model_validate(
        {
            "platform": "tested",
            "observed": "2026",
            "summary": "for tests",
            "evidence": [{"kind": "inferred", "source": "tests"}],
            "rules": [
                *([{"media": "image", "name": "first", "steps": rule["steps"], "when": rule["when"]}] if rule else []),
                {"media": "image", "name": "only", "steps": list(found)},
            ],
        }
    )


def photo(height: int, width: int, *, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    waves = [128 + 90 * np.sin(rows * rng.uniform(0.02, 0.2) + columns * rng.uniform(0.02, 0.2)) for _ in range(3)]
    return (np.stack(waves, 2) + rng.normal(0, 4, (height, width, 3))).clip(0, 255).astype(np.uint8)


def tensor_of(*pictures: np.ndarray) -> Any:
    return torch.tensor(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255


def pixels_of(tensor: Any) -> np.ndarray:
    levels = tensor.detach().double() * 255
    assert (levels - levels.round()).abs().max() < 1e-4, "pixels leave the 8-bit grid"
    return levels.round().permute(1, 2, 0).numpy().astype(np.uint8)


def test_both_interpreters_know_the_same_steps():
    assert STEPS.keys() == image._STEPS.keys()


@pytest.mark.parametrize(
    "step",
    [
        {"op": "orient"},
        {"op": "colour"},
        {"op": "metadata", "icc": "srgb"},
        {"op": "decode", "upsampling": "replicate"},
        {"op": "overlay", "corner": "bottom_right", "width_px": 20, "height_px": 9},
        {"op": "client_save", "encode": {"op": "encode", "codec": "jpeg", "quality": 71}},
        {"op": "encode", "codec": "jpeg", "quality": 50, "quantiser": "half_even"},
        {"op": "encode", "codec": "png"},
        {"op": "encode", "codec": "webp", "lossless": True},
        *({"op": "resize", "fit": "width", "px": 70, "kernel": kernel} for kernel in steps.KERNELS["image"]),
        {"op": "resize", "fit": "cover", "width_px": 64, "height_px": 64, "upscale": True},
    ],
    ids=lambda step: "-".join(str(value) for value in step.values() if isinstance(value, str)),
)
def test_every_step_is_the_exact_channels_to_the_bit(step):
    found = profile_of(step, JPEG)
    pictures = [photo(93, 131, seed=seed) for seed in range(3)]
    shared = SurrogateChannel(found, seed=7).share(tensor_of(*pictures))
    for index, picture in enumerate(pictures):
        exact = repost.emulate(picture, found, seed=7)
        np.testing.assert_array_equal(pixels_of(shared.pixels[index]), exact.pixels)
        np.testing.assert_array_equal(shared.mask(index).numpy(), exact.mask)


BUNDLED = [
    listed.profile
    for listed in list_profiles()
    if listed.profile.rules_for("image") and listed.profile.platform != "weibo"  # Weibo's HEIF is approximated
]


@pytest.mark.parametrize("found", BUNDLED, ids=lambda found: found.id)
def test_bundled_profiles_agree_to_the_bit(found):
    pictures = [photo(240, 320, seed=seed) for seed in range(2)]
    shared = SurrogateChannel(found, seed=3).share(tensor_of(*pictures))
    for index, picture in enumerate(pictures):
        exact = repost.emulate(picture, found, seed=3)
        np.testing.assert_array_equal(pixels_of(shared.pixels[index]), exact.pixels)
        assert shared.plans[index].rule == exact.trace.rule


def test_pictures_taken_for_jpeg_agree_to_the_bit():
    transcodes = profile_of(JPEG, steps=[{"op": "transcode"}], when={"format": ["jpeg"]})
    picture = photo(61, 77)
    (ours,) = SurrogateChannel(transcodes, seed=1, upload_as="jpeg:85").share(tensor_of(picture)).pixels
    np.testing.assert_array_equal(
        pixels_of(ours), repost.emulate(picture, transcodes, seed=1, upload_as="jpeg:85").pixels
    )


def test_rules_on_bytes_and_draws_by_content_are_the_exact_ones():
    by_bytes = profile_of(
        {"op": "encode", "codec": "jpeg", "quality": {"choice": [30, 60, 90], "weights": [1, 1, 1]}},
        steps=[{"op": "resize", "fit": "width", "px": 50}, JPEG],
        when={"size_bytes": {"over": 3000}},
    )
    pictures = [photo(64, 64, seed=seed) if seed % 2 else np.full((64, 64, 3), 9 * seed, np.uint8) for seed in range(6)]
    shared = SurrogateChannel(by_bytes, seed=5).share(tensor_of(*pictures))
    assert {plan.rule for plan in shared.plans} == {"first", "only"}
    for picture, ours in zip(pictures, shared.pixels, strict=True):
        np.testing.assert_array_equal(pixels_of(ours), repost.emulate(picture, by_bytes, seed=5).pixels)


@pytest.mark.parametrize("codec", LOSSY)
def test_exact_forward_is_the_real_codec_with_a_gradient(codec):
    if codec == "heif":
        pytest.importorskip("pillow_heif")
    found = profile_of({"op": "encode", "codec": codec, "quality": 60})
    picture = photo(72, 88)
    pixels = tensor_of(picture).requires_grad_()
    ours = SurrogateChannel(found, seed=0, forward="exact")(pixels)
    np.testing.assert_array_equal(pixels_of(ours[0]), repost.emulate(picture, found, seed=0).pixels)
    ours.square().sum().backward()
    assert pixels.grad.abs().sum() > 0


def test_a_batch_served_at_several_sizes_comes_back_as_a_tuple():
    found = profile_of({"op": "resize", "fit": "width", "px": {"choice": [40, 50], "weights": [1, 1]}}, JPEG)
    channel = SurrogateChannel(found, seed=2)
    pixels = tensor_of(*(photo(64, 64, seed=seed) for seed in range(8)))
    assert {picture.shape[-1] for picture in channel.share(pixels).pixels} == {40, 50}
    with pytest.raises(UsageError, match=r"at 2 sizes, such as 40x40 and 50x50, expected one; call .share"):
        channel(pixels)


def test_draws_without_a_seed_follow_torch():
    found = profile_of({"op": "encode", "codec": "jpeg", "quality": {"choice": [10, 40, 90], "weights": [1, 1, 1]}})
    pixels = tensor_of(*(photo(16, 16, seed=seed) for seed in range(12)))
    channel = SurrogateChannel(found)
    torch.manual_seed(4)
    first, second = channel(pixels), channel(pixels)
    torch.manual_seed(4)
    assert torch.equal(channel(pixels), first)
    assert not torch.equal(first, second)


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (lambda: torch.rand(3, 8, 8), r"float32 \(3, 8, 8\)"),
        (lambda: torch.rand(1, 4, 8, 8), r"float32 \(1, 4, 8, 8\)"),
        (lambda: torch.rand(1, 3, 0, 8), r"float32 \(1, 3, 0, 8\)"),
        (lambda: torch.zeros(1, 3, 8, 8, dtype=torch.uint8), "uint8"),
        (lambda: np.zeros((1, 3, 8, 8), np.float32), "the type ndarray"),
        (lambda: torch.full((1, 3, 8, 8), 255.0), "numbers from 255 to 255"),
        (lambda: torch.full((1, 3, 8, 8), -0.01), "numbers from -0.01 to -0.01"),
        (lambda: torch.tensor([[[[float("nan")]], [[0.0]], [[0.0]]]]), "NaN"),
    ],
)
def test_what_is_no_batch_is_refused(pixels, said):
    for refuses in (SurrogateChannel("twitter"), RepostTransform("twitter")):
        with pytest.raises(InvalidPixels, match=f"got an array of .*{said}.*expected a floating-point tensor"):
            refuses(pixels())


def test_a_step_without_a_counterpart_is_named():
    palette = profile_of({"op": "encode", "codec": "png", "palette_colours": 32})
    with pytest.raises(NoSurrogate, match=r"rules.0.steps.0 \(encode png with 32 colours\) has no differentiable"):
        SurrogateChannel(palette)
    picture = photo(24, 24)
    ours = SurrogateChannel(palette, forward="exact", seed=0)(tensor_of(picture))
    np.testing.assert_array_equal(pixels_of(ours[0]), repost.emulate(picture, palette, seed=0).pixels)


@pytest.mark.parametrize("wrong", [{"forward": "real"}, {"gradient": "none"}, {"upload_as": "jpg"}])
def test_wrong_arguments_are_named(wrong):
    with pytest.raises(UsageError, match=r"got .*expected"):
        SurrogateChannel("twitter", **wrong)


def test_half_precision_goes_in_and_out():
    pixels = tensor_of(photo(32, 32)).to(torch.bfloat16)
    assert SurrogateChannel("facebook")(pixels).dtype == torch.bfloat16


def test_mixed_precision_leaves_the_channel_exact():
    found = profile_of({"op": "resize", "fit": "width", "px": 50}, JPEG)
    picture = photo(64, 80)
    pixels = tensor_of(picture).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        ours = SurrogateChannel(found, seed=0)(pixels)
        loss = ours.square().sum()
    np.testing.assert_array_equal(pixels_of(ours[0]), repost.emulate(picture, found, seed=0).pixels)
    loss.backward()
    alone = tensor_of(picture).requires_grad_()
    SurrogateChannel(found, seed=0)(alone).square().sum().backward()
    assert torch.allclose(pixels.grad, alone.grad, atol=1e-4)


class Constant(torch.nn.Module):
    """A residual that brightens by two levels."""

    def __init__(self) -> None:
        super().__init__()
        self.levels = torch.nn.Parameter(torch.tensor(2.0))

    def forward(self, pixels):
        return torch.zeros_like(pixels) + self.levels / 255


class TestResidual:
    def test_it_is_added_before_the_last_encode(self):
        steps = [{"op": "encode", "codec": "jpeg", "quality": 60}, {"op": "encode", "codec": "jpeg", "quality": 90}]
        picture = photo(48, 48)
        once = repost.emulate(picture, profile_of(steps[0])).pixels
        brighter = (once.astype(int) + 2).clip(0, 255).astype(np.uint8)
        expected = repost.emulate(brighter, profile_of(steps[1])).pixels
        ours = SurrogateChannel(profile_of(*steps), residual=Constant())(tensor_of(picture))
        np.testing.assert_array_equal(pixels_of(ours[0]), expected)

    def test_it_gets_a_gradient(self):
        channel = SurrogateChannel(profile_of(JPEG), residual=Constant(), gradient="identity")
        channel(tensor_of(photo(32, 32))).mean().backward()
        assert channel.residual.levels.grad.item() == pytest.approx(1 / 255, rel=0.01)

    @pytest.mark.parametrize("layer", [torch.nn.Conv2d(3, 3, 3), torch.nn.Conv2d(3, 1, 1)])
    def test_another_shape_is_refused(self, layer):
        channel = SurrogateChannel(profile_of(JPEG), residual=layer)
        with pytest.raises(UsageError, match=r"got a residual of shape .* for pictures of shape \(1, 3, 32, 32\)"):
            channel(tensor_of(photo(32, 32)))

    def test_pixels_on_another_device_are_refused(self):
        channel = SurrogateChannel(profile_of(JPEG), residual=Constant().to("meta"))
        with pytest.raises(UsageError, match=r"got pixels on cpu for a residual on meta.*move the channel"):
            channel(tensor_of(photo(32, 32)))


class TestTiles:
    def test_a_rule_by_number_is_followed_without_its_resizing(self):
        found = profile_of(
            JPEG,
            steps=[{"op": "resize", "fit": "width", "px": 640}, {"op": "encode", "codec": "jpeg", "quality": 40}],
            when={"width_px": {"over": 1000}},
        )
        tile = photo(64, 64)
        ours = SurrogateChannel(found, rule_index=0)(tensor_of(tile))
        expected = repost.emulate(tile, profile_of({"op": "encode", "codec": "jpeg", "quality": 40})).pixels
        np.testing.assert_array_equal(pixels_of(ours[0]), expected)

    def test_only_its_own_steps_need_a_counterpart(self):
        palette = {"op": "encode", "codec": "png", "palette_colours": 32}
        small = {"media": "image", "name": "small", "when": {"width_px": {"under": 9}}, "steps": [palette]}
        both = Profile.model_validate(profile_of(JPEG).model_dump() | {"rules": [small, *profile_of(JPEG).rules]})
        assert SurrogateChannel(both, rule_index=1)(tensor_of(photo(16, 16))).shape == (1, 3, 16, 16)
        with pytest.raises(NoSurrogate, match=r"rules.0.steps.0"):
            SurrogateChannel(both, rule_index=0)

    def test_a_rule_that_is_not_there_is_named(self):
        with pytest.raises(UsageError, match=r"got rule_index=9, expected one of \[0\]"):
            SurrogateChannel(profile_of(JPEG), rule_index=9)


class TestTransform:
    def test_every_picture_keeps_its_size_and_some_are_untouched(self):
        augment = torch.nn.Sequential(
            RepostTransform([profile_of({"op": "resize", "fit": "width", "px": 20}, JPEG), "wechat"], p=0.5)
        )
        pixels = tensor_of(*(photo(48, 56, seed=seed) for seed in range(24))).requires_grad_()
        torch.manual_seed(0)
        shared = augment(pixels)
        assert shared.shape == pixels.shape
        untouched = (shared == pixels).flatten(1).all(1).float().mean()
        assert 0.2 < untouched < 0.8
        shared.sum().backward()
        assert (pixels.grad.flatten(1).abs().sum(1) > 0).all()

    def test_torch_repeats_its_draws(self):
        augment = RepostTransform(["facebook", "wechat"], p=0.7)
        pixels = tensor_of(*(photo(32, 32, seed=seed) for seed in range(8)))
        torch.manual_seed(9)
        first = augment(pixels)
        torch.manual_seed(9)
        assert torch.equal(augment(pixels), first)

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
    def test_every_precision_is_enlarged_again(self, dtype):
        augment = RepostTransform(profile_of({"op": "resize", "fit": "width", "px": 20}, JPEG))
        pixels = tensor_of(photo(48, 56)).to(dtype).requires_grad_()
        shared = augment(pixels)
        assert (shared.dtype, shared.shape) == (dtype, pixels.shape)
        shared.float().sum().backward()
        assert pixels.grad.abs().sum() > 0

    def test_chances_and_platforms_are_checked(self):
        with pytest.raises(UsageError, match=r"p=1.5"):
            RepostTransform("twitter", p=1.5)
        with pytest.raises(UsageError, match="no platforms"):
            RepostTransform([])
