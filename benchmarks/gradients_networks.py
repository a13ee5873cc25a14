"""Small networks to attack, of 64-px faces in [-1, 1]."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm


class StarGenerator(nn.Module):
    """StarGAN's generator, half as wide: labels as planes, residual blocks, instance normalisation."""

    def __init__(self, labels: int = 2, width: int = 32, blocks: int = 4) -> None:
        super().__init__()
        layers: list[nn.Module] = [*_normed(nn.Conv2d(3 + labels, width, 7, padding=3, bias=False))]
        for factor in (1, 2):
            layers += _normed(nn.Conv2d(width * factor, 2 * width * factor, 4, 2, 1, bias=False))
        layers += [_Residual(4 * width) for _ in range(blocks)]
        for factor in (4, 2):
            layers += _normed(nn.ConvTranspose2d(width * factor, width * factor // 2, 4, 2, 1, bias=False))
        self.layers = nn.Sequential(*layers, nn.Conv2d(width, 3, 7, padding=3), nn.Tanh())

    def forward(self, pixels: Tensor, labels: Tensor) -> Tensor:
        """Faces with other labels."""
        return self.layers(torch.cat((pixels, _planes(labels, pixels)), 1))


class UNetEditor(nn.Module):
    """A U-Net as in AttGAN: labels join at the bottleneck, skip connections at 8 and 16 px, group normalisation."""

    def __init__(self, labels: int = 2, width: int = 48) -> None:
        super().__init__()
        sides = (3, width, 2 * width, 4 * width, 4 * width)
        self.down = nn.ModuleList(_grouped(nn.Conv2d(a, b, 4, 2, 1)) for a, b in pairwise(sides))
        inputs = (sides[4] + labels, 4 * width + sides[3], 2 * width + sides[2], width)
        outputs = (4 * width, 2 * width, width, width)
        self.up = nn.ModuleList(_grouped(nn.Conv2d(a, b, 3, padding=1)) for a, b in zip(inputs, outputs, strict=True))
        self.last = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, pixels: Tensor, labels: Tensor) -> Tensor:
        """Faces with other labels."""
        kept = [pixels]
        for layer in self.down:
            kept.append(layer(kept[-1]))
        found = torch.cat((kept[4], _planes(labels, kept[4])), 1)
        for layer, skip in zip(self.up, (kept[3], kept[2], None, None), strict=True):
            found = layer(functional.interpolate(found, scale_factor=2.0, mode="nearest"))
            found = found if skip is None else torch.cat((found, skip), 1)
        return torch.tanh(self.last(found))


class Critic(nn.Module):
    """A patch discriminator that also tells the labels."""

    def __init__(self, labels: int = 2, width: int = 48) -> None:
        super().__init__()
        sides = (3, width, 2 * width, 4 * width, 8 * width)
        layers: list[nn.Module] = []
        for a, b in pairwise(sides):
            layers += [spectral_norm(nn.Conv2d(a, b, 4, 2, 1)), nn.LeakyReLU(0.1)]
        self.layers = nn.Sequential(*layers)
        self.real = spectral_norm(nn.Conv2d(sides[-1], 1, 3, padding=1))
        self.labels = nn.Conv2d(sides[-1], labels, 4)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """How real each patch looks, and the logits of the labels."""
        found = self.layers(pixels)
        return self.real(found), self.labels(found).flatten(1)


class Swapper(nn.Module):
    """The autoencoder of Deepfakes: one encoder, a dense bottleneck, a decoder for each of two identities."""

    def __init__(self, width: int = 64, bottleneck: int = 512) -> None:
        super().__init__()
        sides = (3, width, 2 * width, 4 * width, 8 * width)
        convolutions = [nn.Conv2d(a, b, 5, 2, 2) for a, b in pairwise(sides)]
        inner = 8 * width * 16
        self.encoder = nn.Sequential(
            *(layer for one in convolutions for layer in (one, nn.LeakyReLU(0.1))),
            nn.Flatten(),
            nn.Linear(inner, bottleneck),
            nn.Linear(bottleneck, inner),
            nn.Unflatten(1, (8 * width, 4, 4)),
            *_shuffled(8 * width, 4 * width),
        )
        self.decoders = nn.ModuleList(
            nn.Sequential(
                *_shuffled(4 * width, 2 * width),
                *_shuffled(2 * width, width),
                *_shuffled(width, width // 2),
                nn.Conv2d(width // 2, 3, 5, padding=2),
                nn.Tanh(),
            )
            for _ in range(2)
        )

    def forward(self, pixels: Tensor, identity: Tensor) -> Tensor:
        """Faces as the decoders of these identities (n,), 0 or 1, draw them."""
        found = self.encoder(pixels)
        first, second = (decoder(found) for decoder in self.decoders)
        return torch.where(identity.view(-1, 1, 1, 1) > 0.5, second, first)


class Classifier(nn.Module):
    """A residual network of two classes, with batch normalisation."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        self.blocks = nn.Sequential(*(_Halving(width << level) for level in range(3)))
        self.last = nn.Linear(8 * width, 2)

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits."""
        return self.last(self.blocks(self.first(pixels)).mean((2, 3)))


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        first, second = (nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(2))
        self.layers = nn.Sequential(*_normed(first), second, nn.InstanceNorm2d(width, affine=True))

    def forward(self, found: Tensor) -> Tensor:
        return found + self.layers(found)


class _Halving(nn.Module):
    """Twice the channels at half the size."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, 2 * width, 3, 2, 1, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.Conv2d(2 * width, 2 * width, 3, padding=1, bias=False),
            nn.BatchNorm2d(2 * width),
        )
        self.short = nn.Conv2d(width, 2 * width, 1, 2, bias=False)

    def forward(self, found: Tensor) -> Tensor:
        return functional.relu(self.layers(found) + self.short(found))


def _normed(convolution: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
    return [convolution, nn.InstanceNorm2d(convolution.out_channels, affine=True), nn.ReLU()]


def _grouped(convolution: nn.Conv2d) -> nn.Module:
    return nn.Sequential(convolution, nn.GroupNorm(8, convolution.out_channels), nn.LeakyReLU(0.1))


def _shuffled(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, 4 * outputs, 3, padding=1), nn.LeakyReLU(0.1), nn.PixelShuffle(2)]


def _planes(labels: Tensor, like: Tensor) -> Tensor:
    return labels.view(*labels.shape, 1, 1).expand(-1, -1, *like.shape[2:])
