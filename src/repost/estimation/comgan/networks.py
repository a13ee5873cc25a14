"""The residual that ComGAN learns, and the discriminator it is trained against."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional


class ResidualUNet(nn.Module):
    """What is to be added to a picture: a small U-Net whose last layer starts at zero.

    Args:
        widths: Channels at full, half and quarter size, and so on; at least one.
    """

    def __init__(self, widths: tuple[int, ...] = (24, 48, 96)) -> None:
        super().__init__()
        self.widths = widths
        self.first = nn.Conv2d(3, widths[0], 3, padding=1)
        self.downs = nn.ModuleList(nn.Conv2d(wide, wider, 2, stride=2) for wide, wider in itertools.pairwise(widths))
        self.encoders = nn.ModuleList(_Block(width) for width in widths)
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(wider, wide, 2, stride=2) for wide, wider in itertools.pairwise(widths)
        )
        self.decoders = nn.ModuleList(_Block(width) for width in widths[:-1])
        self.last = nn.Conv2d(widths[0], 3, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    def forward(self, pixels: Tensor) -> Tensor:
        """The residual.

        Args:
            pixels: RGB, shape (n, 3, height, width), in [0, 1]; any size.

        Returns:
            Same shape; all zero before training.
        """
        height, width = pixels.shape[2:]
        whole = 2 ** len(self.downs)
        found = functional.pad(pixels - 0.5, (0, -width % whole, 0, -height % whole), mode="replicate")
        found = found.contiguous(memory_format=torch.channels_last)  # a quarter faster on a CPU
        found = self.encoders[0](self.first(found))
        skipped: list[Tensor] = []
        for down, encode in zip(self.downs, list(self.encoders)[1:], strict=True):
            skipped.append(found)
            found = encode(down(found))
        for up, decode, skip in zip(reversed(self.ups), reversed(self.decoders), reversed(skipped), strict=True):
            found = decode(up(found) + skip)
        return self.last(found)[..., :height, :width].contiguous()


class _Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(width, width, 3, padding=1)
        self.two = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, found: Tensor) -> Tensor:
        return found + self.two(functional.leaky_relu(self.one(functional.leaky_relu(found, 0.2)), 0.2))


class PatchDiscriminator(nn.Module):
    """Whether each patch of a served picture is real, given what was uploaded (PatchGAN; Isola et al., 2017).

    Args:
        width: Channels of the first layer; two more layers double them.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(6, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(4 * width, 1, 3, padding=1),
        )

    def forward(self, original: Tensor, served: Tensor) -> Tensor:
        """Score patches of about 22 px.

        Args:
            original: RGB, shape (n, 3, height, width), in [0, 1], sides of 4 px or more.
            served: The same, real or made.

        Returns:
            Shape (n, 1, height / 4, width / 4); above zero for real.
        """
        return self.layers(torch.cat((original, served), 1) - 0.5)
