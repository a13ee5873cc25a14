"""The two networks of a stamp, as they are trained."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_CONTRAST = 4.0  # brings luma about its middle to unit scale
_FLOOR, _FULL = 0.3, 0.08
_DARKENING = 0.35


class Block(nn.Sequential):
    """Convolution, batch normalisation (folded on export), ReLU."""

    def __init__(self, channels: int, filters: int, *, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(channels, filters, 3, stride, 1, bias=False),
            nn.BatchNorm2d(filters, momentum=0.05),
            nn.ReLU(inplace=True),
        )


class Unet(nn.Module):
    """Two levels at a half and a quarter of the grid.

    Args:
        planes: Of the grid's resolution, that go in.
        width: Channels at half resolution; twice as many at a quarter.
        depth: Blocks at each level.
    """

    def __init__(self, planes: int, width: int, depth: int) -> None:
        super().__init__()
        fine = [Block(4 * planes, width), *(Block(width, width) for _ in range(depth - 1))]
        coarse = [Block(width, 2 * width, stride=2), *(Block(2 * width, 2 * width) for _ in range(depth))]
        joined = [Block(3 * width, width), *(Block(width, width) for _ in range(depth - 1))]
        self.fine, self.coarse, self.joined = nn.Sequential(*fine), nn.Sequential(*coarse), nn.Sequential(*joined)
        self.out = nn.Conv2d(width, 4, 3, 1, 1)

    def forward(self, planes: Tensor) -> Tensor:
        """One plane from several.

        Args:
            planes: (n, planes, rows, columns), both multiples of 4.

        Returns:
            (n, 1, rows, columns).
        """
        halved = functional.pixel_unshuffle(planes, 2).contiguous(memory_format=torch.channels_last)
        fine = self.fine(halved)
        coarse = functional.interpolate(self.coarse(fine), scale_factor=2.0, mode="nearest")
        return functional.pixel_shuffle(self.out(self.joined(torch.cat([coarse, fine], 1))), 2)


class Embedder(nn.Module):
    """A key's carrier made to fit a picture: the carrier plus what the network adds, squashed and masked.

    It begins as the masked carrier alone.

    Args:
        width: Channels of the network at half resolution.
    """

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.net = Unet(3, width, 1)
        nn.init.zeros_(self.net.out.weight)
        nn.init.zeros_(self.net.out.bias)  # pyright: ignore[reportArgumentType] - there is one

    def forward(self, mean: Tensor, deviation: Tensor, carrier: Tensor) -> Tensor:
        """The residual as a share of the cap.

        Args:
            mean: (n, 1, rows, columns), luma of the cells in [0, 1].
            deviation: Its standard deviation within the cells.
            carrier: The key's tile laid over the grid, of root mean square 1.

        Returns:
            (n, 1, rows, columns), at most `mask` in absolute value.
        """
        planes = torch.cat([_CONTRAST * (mean - 0.5), 2 * _CONTRAST * deviation, carrier], 1)
        return torch.tanh(0.9 * (carrier + self.net(planes).float())) * mask(mean, deviation)


class Extractor(nn.Module):
    """An estimate of the residual from a picture alone.

    Args:
        width: Channels of the network at half resolution.
        depth: Blocks at each level.
    """

    def __init__(self, width: int = 32, depth: int = 2) -> None:
        super().__init__()
        self.net = Unet(1, width, depth)

    def forward(self, mean: Tensor) -> Tensor:
        """Estimate the residual.

        Args:
            mean: (n, 1, rows, columns), luma of the cells in [0, 1].

        Returns:
            (n, 1, rows, columns), of no particular scale.
        """
        return self.net(_CONTRAST * (mean - 0.5))


def mask(mean: Tensor, deviation: Tensor) -> Tensor:
    """How much of the cap each cell may take, after what it hides.

    Activity is the contrast against the neighbourhood's mean, at the stamp's own scale, and half of that inside the
    cells, of which less hides a coarse pattern. Smooth shading has none of either: there faces and skies show ripples
    first. The least within three cells counts, so that an edge does not open the smooth side of it; very bright and
    very dark cells take less. The constants were tried with Butteraugli: a mask that follows texture more closely cost
    detection and did not look better.

    Args:
        mean: (n, 1, rows, columns), luma of the cells in [0, 1].
        deviation: Its standard deviation within the cells.

    Returns:
        (n, 1, rows, columns) in (0, 1].
    """
    contrast = mean - _box(mean, 5)
    activity = (_box(contrast.square(), 3) + 0.5 * _box(deviation.square(), 3) + 1e-12).sqrt()
    quiet = _box(-functional.max_pool2d(_padded(-activity, 3), 7, 1), 5)
    brightness = 1 - _DARKENING * (2 * _box(mean, 5) - 1).square()
    return (_FLOOR + quiet / _FULL).clamp(max=1.0) * brightness


def _box(plane: Tensor, side: int) -> Tensor:
    return functional.avg_pool2d(_padded(plane, side // 2), side, 1)


def _padded(plane: Tensor, by: int) -> Tensor:
    return functional.pad(plane, (by, by, by, by), mode="replicate")
