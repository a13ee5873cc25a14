"""The differentiable channel for video: real codecs forward, an approximate gradient backward."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import get_args

import torch
from torch import Tensor, nn

from repost.channel.surrogate.arguments import check_choice, check_pixels
from repost.channel.surrogate.clip import read_served, write_upload
from repost.channel.surrogate.pixels import levels_of, rgb8_of
from repost.channel.surrogate.quantiser import Gradient
from repost.channel.surrogate.rounding import to_levels
from repost.channel.surrogate.straight_through import straight_through
from repost.channel.surrogate.video_gradient import coded, quantiser_steps, scaled, source_frames
from repost.channel.trace import Trace
from repost.channel.video.emulate import emulate_video
from repost.channel.video.plan import Plan, exact_rate, plan_video
from repost.core.errors import NoSurrogate, UsageError
from repost.core.seeding import SEED_BITS
from repost.platforms import Profile, resolve

_EXPECTED = "floating-point (frames, 3, height, width) RGB in [0, 1], one clip of at least one frame and one pixel"


@dataclass(frozen=True, slots=True)
class SharedClip:
    """What a network serves for a clip.

    Attributes:
        pixels: Shape (frames, 3, height, width) in [0, 1], on the 8-bit grid; number and size of frames are the
            network's.
        trace: What was done.
        source_frames: Which frame of the upload each served frame shows, from 0.
    """

    pixels: Tensor
    trace: Trace
    source_frames: tuple[int, ...]


class SurrogateVideoChannel(nn.Module):
    """A social network as a differentiable layer for clips.

    Forward, a clip is written as an upload, shared by the exact video channel and decoded: rules, draws, sizes, frame
    rates and codecs are the real ones. The upload is H.264 in MP4 without sound and without loss but for chroma, which
    becomes 4:2:0 (odd sizes keep theirs, and the network makes them even); conditions on its bitrate or file size see
    those of lossless video. Codecs run on the CPU, through files in a temporary folder that are gone afterwards.

    Backward, the gradient is that of scaling, 4:2:0 chroma and a quantiser, and goes to the frames that are shown; see
    `video_gradient` for what is approximate.

    Args:
        platform: A name such as "example/video", a path to a TOML profile, or a Profile.
        fps: Frames per second of the clips; 29.97 and its like are taken for the fractions that they are short for.
        gradient: Slope of the quantiser's rounding: "zero_bin", "identity" or "cubic"; see `quantiser.slope`.
        seed: Decides what is drawn from distributions, together with the clip's content. None draws afresh in every
            call, from torch's generator of the CPU.

    Raises:
        ProfileNotFound: No platform of that name.
        InvalidProfile: The profile file is wrong.
        NoSurrogate: The profile has no rules for video.
        UsageError: Any other argument is none of those named.

    Example:
        >>> import torch
        >>> from repost.channel.surrogate import SurrogateVideoChannel
        >>> share = SurrogateVideoChannel("example/video", fps=60)
        >>> clip = torch.rand(8, 3, 64, 96, requires_grad=True)
        >>> served = share(clip)  # at most 30 frames a second
        >>> served.mean().backward()
        >>> tuple(served.shape), tuple(clip.grad.shape)
        ((4, 3, 64, 96), (8, 3, 64, 96))
    """

    def __init__(
        self,
        platform: str | Path | Profile,
        *,
        fps: float = 25.0,
        gradient: Gradient = "zero_bin",
        seed: int | None = None,
    ) -> None:
        super().__init__()
        check_choice("gradient", gradient, get_args(Gradient))
        self.profile = resolve(platform)
        if not self.profile.rules_for("video"):
            raise NoSurrogate(
                self.profile.id, step="every rule", reason="it is for images", remedy="use SurrogateChannel for images"
            )
        self.fps = _rate(fps)
        self.gradient: Gradient = gradient
        self.seed = seed

    def forward(self, pixels: Tensor) -> Tensor:
        """Share a clip.

        Args:
            pixels: RGB frames, shape (frames, 3, height, width), floating point in [0, 1]; rounded to 8 bits first.

        Returns:
            The frames a viewer sees, on the 8-bit grid: same type and device, number and size of the network's choice.

        Raises:
            InvalidPixels: Anything else than such a clip.
            EncodeFailed: A codec refused the size or the frame rate.
            OutputUnwritable: The temporary folder is full.
        """
        return self.share(pixels).pixels

    def share(self, pixels: Tensor) -> SharedClip:
        """Share a clip and say what was done.

        Args:
            pixels: As in `forward`.

        Raises:
            RepostError: As in `forward`.
        """
        check_pixels(pixels, expected=_EXPECTED)
        levels = to_levels(pixels.float())
        seed = int(torch.randint(2**SEED_BITS - 1, (1,))) if self.seed is None else self.seed
        with tempfile.TemporaryDirectory(prefix="repost-") as scratch:
            upload = write_upload(Path(scratch) / "upload.mp4", rgb8_of(levels), fps=self.fps)
            plan = plan_video(upload, self.profile, seed=seed)
            emulated = emulate_video(upload, self.profile, Path(scratch) / "served", seed=seed)
            served = read_served(emulated.path)
        shown = source_frames(served.times_s, fps=self.fps, served_fps=plan.filter.fps, count=len(pixels))
        result = levels_of(served.pictures, like=levels)
        if levels.requires_grad:
            frames = levels.index_select(0, torch.tensor(shown, device=levels.device))
            steps = quantiser_steps(emulated.trace, served)
            result = straight_through(self._surrogate(frames, upload.facts.pixel_format, plan, steps), result)
        return SharedClip((result / 255).to(pixels.dtype), emulated.trace, shown)

    def _surrogate(self, frames: Tensor, uploaded_format: str, plan: Plan, steps: tuple[float, ...] | None) -> Tensor:
        formats = [uploaded_format]
        if plan.settings is not None:  # else the file was passed on
            frames = scaled(frames, plan.filter)
            formats.append(plan.settings.pixel_format)
        whole = all("444" in name for name in formats)
        return coded(frames, steps, gradient=self.gradient, subsampling="4:4:4" if whole else "4:2:0")

    def extra_repr(self) -> str:
        """What torch prints of the layer."""
        return f"{self.profile.id}, fps={float(self.fps):g}, gradient={self.gradient}, seed={self.seed}"


_MOST_FPS = 1000
"""Beyond any network's and any clip's; codecs and containers hold about a million times as much."""


def _rate(fps: float) -> Fraction:
    rate = exact_rate(fps) if 0 < fps <= _MOST_FPS else Fraction(0)
    if not rate:
        raise UsageError(
            f"got fps={fps!r}, expected frames per second above 0 and up to {_MOST_FPS}, such as 25 or 29.97"
        )
    return rate
