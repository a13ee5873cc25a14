"""The differentiable channel: a profile's steps on a batch of tensors, with gradients."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor, nn

from repost.channel.sizes import overlay_region
from repost.channel.surrogate.arguments import check_choice, check_device, check_pixels
from repost.channel.surrogate.plan import Plan, check_surrogates, content_matters, plan_batch
from repost.channel.surrogate.quantiser import Gradient
from repost.channel.surrogate.rounding import to_levels
from repost.channel.surrogate.run import How, run_plans, save_first
from repost.core.errors import UsageError
from repost.core.seeding import SEED_BITS
from repost.media.upload import check_upload_as
from repost.platforms import Profile, resolve, steps

Forward: TypeAlias = Literal["surrogate", "exact"]


@dataclass(frozen=True, slots=True)
class SharedBatch:
    """What a network serves for a batch.

    Attributes:
        pixels: One tensor (3, height, width) in [0, 1] for each picture, on the 8-bit grid; sizes may differ.
        plans: What was done to each.
    """

    pixels: tuple[Tensor, ...]
    plans: tuple[Plan, ...]

    def mask(self, index: int) -> Tensor:
        """Where a picture's content is unknown (overlays): bool, (height, width), True where nothing is known."""
        width, height = self.plans[index].size
        mask = torch.zeros((height, width), dtype=torch.bool, device=self.pixels[index].device)
        for drawn in self.plans[index].steps:
            if isinstance(drawn.step, steps.Overlay):
                left, top, right, bottom = overlay_region(drawn.step, (width, height))
                mask[top:bottom, left:right] = True
        return mask


class SurrogateChannel(nn.Module):
    """A social network as a differentiable layer.

    Its JPEG and its resizing give the exact channel's pixels to the bit on any device; WebP, AVIF and HEIF are
    approximated unless `forward` is "exact". Gradients are those of the steps without their rounding, but for the
    quantiser of the codecs, whose slope is `gradient`.

    Args:
        platform: A name such as "facebook", a path to a TOML profile, or a Profile.
        forward: "surrogate", or "exact" for the output of the real codecs with the surrogate's gradient
            (straight-through; codecs run on the CPU).
        gradient: Slope of the quantiser's rounding: "zero_bin", "identity" or "cubic"; see `quantiser.slope`.
        seed: Decides what is drawn from distributions, together with each picture's content, as in
            `repost.emulate`. None draws afresh in every call, from torch's generator of the CPU.
        upload_as: What the pictures are taken for: "png", or "jpeg:95" to save them so first.
        residual: A network, such as ComGAN's, that stands for what the profile does not know: it is given the picture
            before the last encode, (n, 3, height, width) in [0, 1], and what it returns is added there.
        rule_index: The rule to follow whatever its conditions say, without its resizing: for tiles of larger pictures.
            None takes the first rule that matches.

    Raises:
        ProfileNotFound: No platform of that name.
        InvalidProfile: The profile file is wrong.
        NoSurrogate: A step of the profile has no differentiable counterpart.
        UsageError: Any other argument is none of those named.

    Example:
        >>> import torch
        >>> from repost.channel.surrogate import SurrogateChannel
        >>> share = SurrogateChannel("facebook")
        >>> photo = torch.rand(2, 3, 64, 64, requires_grad=True)
        >>> share(photo).mean().backward()
        >>> tuple(photo.grad.shape)
        (2, 3, 64, 64)
    """

    def __init__(
        self,
        platform: str | Path | Profile,
        *,
        forward: Forward = "surrogate",
        gradient: Gradient = "zero_bin",
        seed: int | None = None,
        upload_as: str = "png",
        residual: nn.Module | None = None,
        rule_index: int | None = None,
    ) -> None:
        super().__init__()
        check_choice("forward", forward, get_args(Forward))
        check_choice("gradient", gradient, get_args(Gradient))
        check_upload_as(upload_as)
        self.profile = resolve(platform)
        self.how = How(exact=forward == "exact", gradient=gradient)
        rules = [index for index, _ in self.profile.rules_for("image")]
        if rule_index is not None and rules and rule_index not in rules:
            raise UsageError(
                f"got rule_index={rule_index}, expected one of {rules}, the image rules of {self.profile.id}"
            )
        check_surrogates(self.profile, exact=self.how.exact, rule_index=rule_index)
        self.seed, self.upload_as, self.rule_index = seed, upload_as, rule_index
        self.residual = residual

    def forward(self, pixels: Tensor) -> Tensor:
        """Share a batch whose pictures come out at one size.

        Args:
            pixels: RGB, shape (n, 3, height, width), floating point in [0, 1]; rounded to 8 bits first, as every
                upload is.

        Returns:
            What a viewer sees: same type and device, on the 8-bit grid (to the bit in float32; half precision cannot
            hold every level); the network may change the size.

        Raises:
            InvalidPixels: Anything else than such a batch.
            UsageError: The network serves pictures of this batch at different sizes; use `share`.
        """
        shared = self.share(pixels)
        sizes = sorted({plan.size for plan in shared.plans})
        if len(sizes) > 1:
            raise UsageError(
                f"{self.profile.id} serves pictures of this batch at {len(sizes)} sizes, such as "
                f"{sizes[0][0]}x{sizes[0][1]} and {sizes[1][0]}x{sizes[1][1]}, expected one; "
                "call .share(pixels).pixels, which is a tuple"
            )
        return torch.stack(shared.pixels)

    def share(self, pixels: Tensor) -> SharedBatch:
        """Share a batch and say what was done.

        Args:
            pixels: As in `forward`.

        Raises:
            InvalidPixels: As in `forward`.
        """
        check_pixels(pixels)
        check_device(self.residual, pixels)
        levels = to_levels(pixels.float())
        plans = self.plan(levels)
        if self.upload_as != "png":
            levels = save_first(levels, int(self.upload_as.removeprefix("jpeg:")), how=self.how)
        ways: dict[tuple[object, ...], list[int]] = defaultdict(list)
        for index, plan in enumerate(plans):
            ways[plan.way].append(index)
        served: dict[int, Tensor] = {}
        for members in ways.values():
            part = levels if len(ways) == 1 else levels[members]
            done = self._served(part, [plans[index] for index in members])
            served.update(zip(members, (done / 255).to(pixels.dtype).unbind(0), strict=True))
        return SharedBatch(tuple(served[index] for index in range(len(plans))), plans)

    def plan(self, levels: Tensor) -> tuple[Plan, ...]:
        """Draw what is done to every picture.

        Args:
            levels: Shape (n, 3, height, width), whole levels 0-255.
        """
        count, _, height, width = levels.shape
        seeds = [self.seed] * count if self.seed is not None else _fresh_seeds(count)
        if self.seed is None and not content_matters(self.profile):
            # Only the size matters: a black picture stands for all, and nothing is copied from the device.
            levels = torch.zeros((1, 3, height, width)).expand(count, -1, -1, -1)
        return plan_batch(levels, self.profile, seeds=seeds, upload_as=self.upload_as, rule_index=self.rule_index)

    def _served(self, levels: Tensor, plans: Sequence[Plan]) -> Tensor:
        if self.residual is None:
            return run_plans(levels, plans, how=self.how)
        before, after = zip(*(plan.at_last_encode() for plan in plans), strict=True)
        known = run_plans(levels, before, how=self.how) / 255
        added = self.residual(known)
        if added.shape != known.shape:
            raise UsageError(
                f"got a residual of shape {tuple(added.shape)} for pictures of shape {tuple(known.shape)}, expected "
                "the same; the network must return what is to be added, at the size it is given"
            )
        changed = known + added
        return run_plans(to_levels(changed.float()), after, how=self.how)

    def extra_repr(self) -> str:
        """What torch prints of the layer."""
        forward = "exact" if self.how.exact else "surrogate"
        return f"{self.profile.id}, forward={forward}, gradient={self.how.gradient}, seed={self.seed}"


def _fresh_seeds(count: int) -> list[int]:
    return [int(seed) for seed in torch.randint(2**SEED_BITS - 1, (count,))]
