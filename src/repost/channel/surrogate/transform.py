"""Networks as an augmentation of batches, on any device."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from repost.channel.surrogate.arguments import check_pixels
from repost.channel.surrogate.channel import Forward, SurrogateChannel
from repost.channel.surrogate.quantiser import Gradient
from repost.core.errors import UsageError
from repost.platforms import Profile


class RepostTransform(nn.Module):
    """Shares every picture of a batch on a network drawn for it, and gives it back at the size it had.

    Goes into an `nn.Sequential` beside torchvision's or kornia's transforms. All draws come from torch's generator of
    the CPU, so that `torch.manual_seed` repeats them.

    Args:
        platforms: A platform, or several of which each picture is given one: names, paths to TOML profiles, or
            Profiles.
        p: The chance that a picture is shared at all; else it comes back unchanged.
        forward: As in `SurrogateChannel`.
        gradient: As in `SurrogateChannel`.
        upload_as: As in `SurrogateChannel`.

    Example:
        >>> import torch
        >>> from repost.channel.surrogate import RepostTransform
        >>> augment = torch.nn.Sequential(RepostTransform(["facebook", "twitter"], p=0.5))
        >>> tuple(augment(torch.rand(4, 3, 64, 64)).shape)
        (4, 3, 64, 64)
    """

    def __init__(
        self,
        platforms: str | Path | Profile | Sequence[str | Path | Profile],
        *,
        p: float = 1.0,
        forward: Forward = "surrogate",
        gradient: Gradient = "zero_bin",
        upload_as: str = "png",
    ) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise UsageError(f"got p={p}, expected a chance from 0 to 1")
        named = [platforms] if isinstance(platforms, str | Path | Profile) else list(platforms)
        if not named:
            raise UsageError("got no platforms, expected at least one, such as 'facebook'")
        self.p = p
        self.channels = nn.ModuleList(
            SurrogateChannel(name, forward=forward, gradient=gradient, upload_as=upload_as) for name in named
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """Share a batch.

        Args:
            pixels: RGB, shape (n, 3, height, width), floating point in [0, 1].

        Returns:
            Same shape, type and device. Pictures that come back at another size are brought to their own again
            (bicubic, antialiased where they shrink), and so leave the 8-bit grid; what a network crops is stretched.

        Raises:
            InvalidPixels: Anything else than such a batch.
        """
        check_pixels(pixels)
        shared = torch.rand(len(pixels)) < self.p
        drawn = torch.where(shared, torch.randint(len(self.channels), (len(pixels),)), -1)
        result = list(pixels.unbind(0))
        for number, channel in enumerate(self.channels):
            members = [index for index, chosen in enumerate(drawn) if chosen == number]
            if not members:
                continue
            assert isinstance(channel, SurrogateChannel)
            for index, picture in zip(members, channel.share(pixels[members]).pixels, strict=True):
                result[index] = _at_size(picture, pixels.shape[-2:])
        return torch.stack(result)

    def extra_repr(self) -> str:
        """What torch prints of the layer."""
        return f"p={self.p}"


def _at_size(picture: Tensor, size: torch.Size) -> Tensor:
    if picture.shape[-2:] == size:
        return picture
    # In float32: a CPU has no antialiased resizing in half precision.
    whole = picture.unsqueeze(0) if picture.dtype == torch.float64 else picture.unsqueeze(0).float()
    resized = functional.interpolate(
        whole, size=(size[0], size[1]), mode="bicubic", antialias=True, align_corners=False
    )
    return resized.squeeze(0).clamp(0, 1).to(picture.dtype)
