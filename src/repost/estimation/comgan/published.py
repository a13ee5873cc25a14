"""The generator published with DF-RAP, so that its weights can be read.

Reference: Qu et al., "DF-RAP: A Robust Adversarial Perturbation for Defending Against Deepfakes in Real-World Social
Network Scenarios" (2024); layer names and shapes are those of the published state dicts.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from repost.core.errors import UsageError

_STRIDE = 16
"""Four halvings."""


class PublishedGenerator(nn.Module):
    """DF-RAP's U-Net of widths 32 to 512 with a Tanh at its end, 10.2 million parameters.

    Convention: it was trained, and is run by its authors, with statistics of each picture (training mode); in
    evaluation mode its instance norms use running statistics, and the pictures differ. `load_published` leaves it in
    training mode.
    """

    def __init__(self) -> None:
        super().__init__()
        widths = (32, 64, 128, 256, 512)
        self.conv1 = nn.Sequential(nn.Conv2d(3, widths[0], 3, padding=1, bias=False))
        for level in range(2, 6):
            wide, wider = widths[level - 2 : level]
            setattr(self, f"conv{level}", nn.Sequential(_NormedBlock(wide, wider)))
            up = nn.ConvTranspose2d(wider, wide, 4, 2, 1, bias=False)
            setattr(self, f"upsample{level}{level - 1}", nn.Sequential(up, nn.ReLU()))
            setattr(self, f"conv{level - 1}m", nn.Sequential(_NormedBlock(wider, wide)))
        self.conv0 = nn.Sequential(nn.Conv2d(widths[0], 3, 3, padding=1), nn.Tanh())
        self.max_pool = nn.MaxPool2d(2)

    def forward(self, pixels: Tensor) -> Tensor:
        """The picture as it comes back, before the JPEG that follows.

        Args:
            pixels: RGB, shape (n, 3, height, width), in [0, 1]; sides that are multiples of 16.

        Returns:
            The same form. (The published network maps [-1, 1] to [-1, 1]; this class converts.)

        Raises:
            UsageError: Sides that are no multiples of 16.
        """
        height, width = pixels.shape[2:]
        if height % _STRIDE or width % _STRIDE:
            raise UsageError(f"got pictures of {width}x{height}, expected sides that are multiples of {_STRIDE}")
        found = [self.conv1(2 * pixels - 1)]
        for level in range(2, 6):
            found.append(self._part(f"conv{level}")(self.max_pool(found[-1])))
        up = found.pop()
        for level in range(5, 1, -1):
            up = torch.cat((self._part(f"upsample{level}{level - 1}")(up), found.pop()), 1)
            up = self._part(f"conv{level - 1}m")(up)
        return (self.conv0(up) + 1) / 2

    def _part(self, name: str) -> nn.Module:
        return self.get_submodule(name)


class _NormedBlock(nn.Module):
    def __init__(self, wide: int, wider: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before in (wide, wider):
            layers += [
                nn.Conv2d(before, wider, 3, padding=1, bias=False),
                nn.InstanceNorm2d(wider, affine=True, track_running_stats=True),
                nn.ReLU(),
            ]
        self.main = nn.Sequential(*layers[:-1])
        self.conv1x1 = nn.Conv2d(wide, wider, 1, bias=False)

    def forward(self, found: Tensor) -> Tensor:
        return self.conv1x1(found) + self.main(found)
