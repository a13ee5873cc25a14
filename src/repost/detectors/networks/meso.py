"""MesoNet's two networks, each as its authors published it and as its best-known rewrite for PyTorch has it.

Source: D. Afchar, V. Nozick, J. Yamagishi, I. Echizen, MesoNet, WIFS 2018, and the structure of their classifiers.py
(github.com/DariusAf/MesoNet). The rewrite (github.com/HongguLiu/MesoNet-Pytorch), which DeepfakeBench and Adversarial
Deepfakes use, is another network: no bias in its convolutions, one normalisation for two layers, two outputs, and no
ReLU within its inception modules.

When a network is evaluated, a normalisation's factor goes into the convolution before it, through ReLU and maximum, and
its shift is added after pooling: the same numbers but for rounding, in two thirds of the time.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812 - as everyone calls it
from torch import Tensor, nn

_LEAK = 0.1  # of LeakyReLU, classifiers.py
_KERAS_EPSILON, _KERAS_MOMENTUM = 1e-3, 0.01  # Keras' defaults; its momentum of .99 is PyTorch's .01


def _keras_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=_KERAS_EPSILON, momentum=_KERAS_MOMENTUM)


def _conv(inputs: int, outputs: int, kernel: int, *, bias: bool, dilation: int = 1) -> nn.Conv2d:
    """A convolution that keeps the size."""
    return nn.Conv2d(inputs, outputs, kernel, padding=dilation * (kernel // 2), dilation=dilation, bias=bias)


def halve(features: Tensor) -> Tensor:
    """The maximum of every 2 x 2 block.

    Args:
        features: (n, channels, rows, columns), rows and columns even.

    Returns:
        (n, channels, rows / 2, columns / 2): `max_pool2d(features, 2)`.

    Convention:
        On a CPU channels-last maps of few channels take `max_pool2d` four to ten times as long as these two steps,
        whose gradient takes longer than its.
    """
    if features.requires_grad:
        return F.max_pool2d(features, 2)
    rows = torch.maximum(features[:, :, ::2], features[:, :, 1::2])
    return torch.maximum(rows[..., ::2], rows[..., 1::2])


def _foldable(norm: nn.BatchNorm2d) -> bool:
    """Whether a normalisation is a positive factor and a shift, as those of all published weights are."""
    return not norm.training and bool((norm.weight >= 0).all())


def _affine(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """The factor and the shift of a normalisation that is evaluated."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    factor = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    return factor, norm.bias - factor * norm.running_mean


def _scaled(conv: nn.Conv2d, features: Tensor, factor: Tensor) -> Tensor:
    """A convolution whose outputs are multiplied."""
    weight, bias = conv.weight * factor[:, None, None, None], None if conv.bias is None else conv.bias * factor
    return F.conv2d(features, weight, bias, padding=conv.padding, dilation=conv.dilation)


def _stage(features: Tensor, conv: nn.Conv2d, norm: nn.BatchNorm2d, *, halvings: int = 1) -> Tensor:
    """Convolution, ReLU, normalisation, and the maximum of 2 x 2 or 4 x 4 blocks."""
    if _foldable(norm) and not features.requires_grad:  # to fold costs more than it saves on the way back
        factor, shift = _affine(norm)
        features = F.relu(_scaled(conv, features, factor), inplace=True)
    else:
        features, shift = norm(F.relu(conv(features))), None
    for _ in range(halvings):
        features = halve(features)
    return features if shift is None else features + shift[:, None, None]


class _Classifier(nn.Module):
    """The two dense layers behind 16 maps of 8 x 8."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.5)
        self.fc1 = nn.Linear(16 * 8 * 8, 16)
        self.fc2 = nn.Linear(16, outputs)

    def classify(self, flat: Tensor) -> Tensor:
        hidden = F.leaky_relu(self.fc1(self.dropout(flat)), _LEAK)
        return self.fc2(self.dropout(hidden))


class Meso4(_Classifier):
    """The authors' Meso4: pixels in [0, 1], (n, 3, 256, 256), to (n, 1), the logit of "real".

    Convention:
        LeakyReLU stands between the dense layers, as classifiers.py says. The published files of Meso4, unlike those of
        MesoInception-4, list no such layer; as it has no weights, Keras loads them into that network all the same.
    """

    def __init__(self) -> None:
        super().__init__(outputs=1)
        self.conv1, self.bn1 = _conv(3, 8, 3, bias=True), _keras_norm(8)
        self.conv2, self.bn2 = _conv(8, 8, 5, bias=True), _keras_norm(8)
        self.conv3, self.bn3 = _conv(8, 16, 5, bias=True), _keras_norm(16)
        self.conv4, self.bn4 = _conv(16, 16, 5, bias=True), _keras_norm(16)

    def forward(self, pixels: Tensor) -> Tensor:
        """Score normalised faces."""
        features = _stage(pixels, self.conv1, self.bn1)
        features = _stage(features, self.conv2, self.bn2)
        features = _stage(features, self.conv3, self.bn3)
        features = _stage(features, self.conv4, self.bn4, halvings=2)
        return self.classify(_keras_flat(features))


class Meso4SharedNorm(_Classifier):
    """The rewrite of Meso4: pixels in [-1, 1], (n, 3, 256, 256), to two logits (n, 2)."""

    def __init__(self) -> None:
        super().__init__(outputs=2)
        self.conv1, self.bn1 = _conv(3, 8, 3, bias=False), nn.BatchNorm2d(8)
        self.conv2, self.bn2 = _conv(8, 8, 5, bias=False), nn.BatchNorm2d(16)
        self.conv3 = _conv(8, 16, 5, bias=False)
        self.conv4 = _conv(16, 16, 5, bias=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Score normalised faces."""
        features = _stage(pixels, self.conv1, self.bn1)
        features = _stage(features, self.conv2, self.bn1)
        features = _stage(features, self.conv3, self.bn2)
        features = _stage(features, self.conv4, self.bn2, halvings=2)
        return self.classify(features.flatten(1))


class Inception(nn.Module):
    """Four branches of growing reach (1, 3, 5 and 7 pixels), normalised together and halved.

    Args:
        inputs: Channels that go in.
        widths: Channels of each branch.
        bias: Whether convolutions have one.
        activation: After every convolution: ReLU, or nothing.
        norm: Makes the normalisation of so many channels.
    """

    def __init__(
        self,
        inputs: int,
        widths: tuple[int, int, int, int],
        *,
        bias: bool,
        activation: Callable[[Tensor], Tensor],
        norm: Callable[[int], nn.BatchNorm2d],
    ) -> None:
        super().__init__()
        self._widths, self._activation = list(widths), activation
        self.conv1 = _conv(inputs, widths[0], 1, bias=bias)
        self.conv2_1 = _conv(inputs, widths[1], 1, bias=bias)
        self.conv2_2 = _conv(widths[1], widths[1], 3, bias=bias)
        self.conv3_1 = _conv(inputs, widths[2], 1, bias=bias)
        self.conv3_2 = _conv(widths[2], widths[2], 3, bias=bias, dilation=2)
        self.conv4_1 = _conv(inputs, widths[3], 1, bias=bias)
        self.conv4_2 = _conv(widths[3], widths[3], 3, bias=bias, dilation=3)
        self.bn = norm(sum(widths))

    def forward(self, features: Tensor) -> Tensor:
        """Half the size, and as many channels as the branches have together."""
        if _foldable(self.bn):
            return self._folded(features)
        act = self._activation
        branches = [
            act(self.conv1(features)),
            act(self.conv2_2(act(self.conv2_1(features)))),
            act(self.conv3_2(act(self.conv3_1(features)))),
            act(self.conv4_2(act(self.conv4_1(features)))),
        ]
        return halve(self.bn(torch.cat(branches, 1)))

    def _folded(self, features: Tensor) -> Tensor:
        """The same when evaluated: what reads the input at one pixel is one convolution, and maps are halved apart."""
        factor, shift = _affine(self.bn)
        factors = torch.split(factor, self._widths)
        entries = (self.conv1, self.conv2_1, self.conv3_1, self.conv4_1)
        weights = [self.conv1.weight * factors[0][:, None, None, None], *(entry.weight for entry in entries[1:])]
        biases = [entry.bias for entry in entries if entry.bias is not None]
        bias = torch.cat([biases[0] * factors[0], *biases[1:]]) if biases else None
        entered = self._activation(F.conv2d(features, torch.cat(weights), bias))
        first, *others = torch.split(entered, self._widths, 1)
        reaching = zip((self.conv2_2, self.conv3_2, self.conv4_2), others, factors[1:], strict=True)
        branches = [self._activation(_scaled(conv, part, factor)) for conv, part, factor in reaching]
        return torch.cat([halve(branch) for branch in (first, *branches)], 1) + shift[:, None, None]


class MesoInception4(_Classifier):
    """The authors' MesoInception-4: pixels in [0, 1], (n, 3, 256, 256), to (n, 1), the logit of "real"."""

    def __init__(self) -> None:
        super().__init__(outputs=1)
        self.inception1 = Inception(3, (1, 4, 4, 2), bias=True, activation=F.relu, norm=_keras_norm)
        self.inception2 = Inception(11, (2, 4, 4, 2), bias=True, activation=F.relu, norm=_keras_norm)
        self.conv3, self.bn3 = _conv(12, 16, 5, bias=True), _keras_norm(16)
        self.conv4, self.bn4 = _conv(16, 16, 5, bias=True), _keras_norm(16)

    def forward(self, pixels: Tensor) -> Tensor:
        """Score normalised faces."""
        features = self.inception2(self.inception1(pixels))
        features = _stage(features, self.conv3, self.bn3)
        features = _stage(features, self.conv4, self.bn4, halvings=2)
        return self.classify(_keras_flat(features))


class MesoInception4SharedNorm(_Classifier):
    """The rewrite of MesoInception-4: pixels in [-1, 1], (n, 3, 256, 256), to two logits (n, 2)."""

    def __init__(self) -> None:
        super().__init__(outputs=2)
        self.inception1 = Inception(3, (1, 4, 4, 2), bias=False, activation=_as_it_is, norm=nn.BatchNorm2d)
        self.inception2 = Inception(11, (2, 4, 4, 2), bias=False, activation=_as_it_is, norm=nn.BatchNorm2d)
        self.conv1, self.bn1 = _conv(12, 16, 5, bias=False), nn.BatchNorm2d(16)
        self.conv2 = _conv(16, 16, 5, bias=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Score normalised faces."""
        features = self.inception2(self.inception1(pixels))
        features = _stage(features, self.conv1, self.bn1)
        features = _stage(features, self.conv2, self.bn1, halvings=2)
        return self.classify(features.flatten(1))


def _as_it_is(features: Tensor) -> Tensor:
    return features


def _keras_flat(features: Tensor) -> Tensor:
    """Flat as Keras flattens: by row, column, channel."""
    return features.permute(0, 2, 3, 1).flatten(1)
