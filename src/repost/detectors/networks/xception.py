"""Xception, as the deepfake detectors built on it have it.

Source: F. Chollet, Xception, CVPR 2017; names and details of the weights that FaceForensics++, timm (legacy_xception)
and DeepfakeBench descend from, R. Cadene's pretrained-models: no padding in the first two convolutions, ReLU before
each separable convolution but the first, maximum pooling of 3 x 3 at the end of blocks that shrink.
"""

from __future__ import annotations

import itertools

import torch.nn.functional as F  # noqa: N812 - as everyone calls it
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


class SeparableConv(nn.Module):
    """A convolution within channels, 3 x 3, and one across them, 1 x 1."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """The same size."""
        return self.pointwise(self.conv1(features))


class Block(nn.Module):
    """Separable convolutions beside a shortcut.

    Args:
        channels: Before the first, between all, and after the last of them.
        stride: 2 halves the size.
        rectified: Whether it begins with ReLU.
    """

    def __init__(self, channels: tuple[int, ...], *, stride: int = 1, rectified: bool = True) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for place, (inputs, outputs) in enumerate(itertools.pairwise(channels)):
            if place or rectified:
                layers.append(nn.ReLU(inplace=place > 0))  # the first would change what the shortcut gets
            layers += [SeparableConv(inputs, outputs), nn.BatchNorm2d(outputs)]
        if stride > 1:
            layers.append(nn.MaxPool2d(3, stride, 1))
        self.rep = nn.Sequential(*layers)
        self.skip: nn.Module | None = None
        if stride > 1:
            self.skip = nn.Conv2d(channels[0], channels[-1], 1, stride, bias=False)
            self.skipbn: nn.Module = nn.BatchNorm2d(channels[-1])

    def forward(self, features: Tensor) -> Tensor:
        """The sum of both ways."""
        shortcut = features if self.skip is None else self.skipbn(self.skip(features))
        return self.rep(features).add_(shortcut)


class Xception(nn.Module):
    """Pixels in [-1, 1], (n, 3, side, side), usually 299, to logits (n, classes).

    Args:
        classes: 2 for real and fake.

    Convention:
        With two classes 276 tensors, 20,811,050 parameters. Names are those of Cadene's weights with `last_linear`.
    """

    def __init__(self, classes: int = 2) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 32, 3, stride=2, bias=False), nn.BatchNorm2d(32)
        self.conv2, self.bn2 = nn.Conv2d(32, 64, 3, bias=False), nn.BatchNorm2d(64)
        self.block1 = Block((64, 128, 128), stride=2, rectified=False)
        self.block2 = Block((128, 256, 256), stride=2)
        self.block3 = Block((256, 728, 728), stride=2)
        for number in range(4, 12):
            self.add_module(f"block{number}", Block((728, 728, 728, 728)))
        self.block12 = Block((728, 728, 1024), stride=2)
        self.conv3, self.bn3 = SeparableConv(1024, 1536), nn.BatchNorm2d(1536)
        self.conv4, self.bn4 = SeparableConv(1536, 2048), nn.BatchNorm2d(2048)
        self.last_linear = nn.Linear(2048, classes)

    def forward(self, pixels: Tensor) -> Tensor:
        """Score normalised faces."""
        features = F.relu(self.bn1(self.conv1(pixels)), inplace=True)
        features = F.relu(self.bn2(self.conv2(features)), inplace=True)
        for number in range(1, 13):
            features = self.get_submodule(f"block{number}")(features)
        features = F.relu(self.bn3(self.conv3(features)), inplace=True)
        features = F.relu(self.bn4(self.conv4(features)), inplace=True)
        return self.last_linear(features.mean((2, 3)))

    def fuse(self) -> None:
        """Put every normalisation into the convolution before it; afterwards the network can only be evaluated.

        The outputs are the same but for rounding. A network of twenty million weights does this once and not at every
        call, as the small ones do.
        """
        self.eval()
        for parent in list(self.modules()):
            children = dict(parent.named_children())
            for name, norm in children.items():
                conv = children.get(_convolution_before(name))
                if isinstance(norm, nn.BatchNorm2d) and conv is not None:
                    _fuse(parent, _convolution_before(name), conv, norm)
                    setattr(parent, name, nn.Identity())


def _convolution_before(norm: str) -> str:
    """The name of what a normalisation follows: "conv3" of "bn3", "skip" of "skipbn", "1" of "2"."""
    if norm.isdigit():
        return str(int(norm) - 1)
    return norm.removesuffix("bn") if norm.endswith("bn") else norm.replace("bn", "conv")


def _fuse(parent: nn.Module, name: str, conv: nn.Module, norm: nn.BatchNorm2d) -> None:
    if isinstance(conv, SeparableConv):
        parent, name, conv = conv, "pointwise", conv.pointwise
    assert isinstance(conv, nn.Conv2d)
    setattr(parent, name, fuse_conv_bn_eval(conv, norm))
