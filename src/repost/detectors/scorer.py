"""A detector that is ready: faces in, the logit of "fake" out, whatever the network's own conventions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - as everyone calls it
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from repost.core.errors import InvalidPixels
from repost.detectors.card import DetectorCard, HeadFacts, InputFacts

_FILTERS = {
    "nearest": Image.Resampling.NEAREST, "bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC,
}  # fmt: skip
_PIXELS_ON_CPU = 2 * 256 * 256
"""At most in one batch of several faces, of the sizes tried the fastest: maps of more leave the cache."""
_BATCH_ON_GPU = 64


class Deployed(nn.Module):
    """A network with what its card says around it: resizing, normalising, and which output is fake.

    Args:
        network: It takes normalised pixels and gives its own outputs.
        card: Says how.
    """

    def __init__(self, network: nn.Module, card: DetectorCard) -> None:
        super().__init__()
        self.network = network
        self._input, self._head = card.input, card.head
        self.register_buffer("_mean", torch.tensor(card.input.mean)[:, None, None], persistent=False)
        self.register_buffer("_std", torch.tensor(card.input.std)[:, None, None], persistent=False)

    def ready_on(self, device: str) -> Self:
        """Bring it to a device, for evaluation.

        Args:
            device: In PyTorch's words.

        Returns:
            Itself.
        """
        for parameter in self.network.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        return self.eval().to(torch.device(device))

    def forward(self, faces: Tensor) -> Tensor:
        """Score faces of one size.

        Args:
            faces: float32 (n, 3, height, width), RGB in [0, 1].

        Returns:
            (n,), the logit of "fake", with a gradient to the faces.

        Convention:
            Resized as Pillow does (antialiased, edges of pixels aligned) but without rounding to 8 bits, so that there
            is a gradient; `Scorer.score_pixels` rounds, as whoever deploys a detector does.
        """
        faces = _resized(faces, self._input)
        if self._input.mean != (0, 0, 0) or self._input.std != (1, 1, 1):
            faces = (faces - self.get_buffer("_mean")) / self.get_buffer("_std")
        outputs = self.network(faces.contiguous(memory_format=torch.channels_last))
        return _logit_of_fake(outputs, self._head)


class Scorer:
    """A detector with its weights.

    Args:
        module: The whole way from pixels to the logit of "fake".
        card: What is known about it.
        weights_sha256: Of the file of weights.

    Attributes:
        module: As given; `faces` to (n,), differentiable, any size, without a limit on memory.
        card: As given.
        weights_sha256: As given.
    """

    def __init__(self, module: nn.Module, card: DetectorCard, *, weights_sha256: str) -> None:
        self.module, self.card, self.weights_sha256 = module, card, weights_sha256

    def __call__(self, faces: Tensor) -> Tensor:
        """Score faces of one size, a few at a time.

        Args:
            faces: float32 (n, 3, height, width), RGB in [0, 1], on the scorer's device.

        Returns:
            (n,), the logit of "fake": log P(fake) / P(real). It has a gradient to the faces where they ask for one; who
            needs none calls this in `torch.inference_mode()`.

        Raises:
            InvalidPixels: Not float32 (n, 3, height, width) with at least one pixel.
        """
        dtype = next(self.module.parameters()).dtype  # who made the module double, as for exact slopes, gives doubles
        if faces.ndim != 4 or faces.shape[1] != 3 or 0 in faces.shape[2:] or faces.dtype != dtype:
            expected = f"{str(dtype).removeprefix('torch.')} (n, 3, height, width), RGB in [0, 1], at least one pixel"
            raise InvalidPixels(got=f"{faces.dtype} {tuple(faces.shape)}", expected=expected)
        if not len(faces):
            return faces.new_zeros(0)
        # Not slices: the gradient of each would be as large as all faces together.
        return torch.cat([self.module(part) for part in torch.split(faces, self._batch_on(faces.device))])

    def score_pixels(self, faces: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
        """Score faces of any sizes as a deployed detector does: resized by Pillow, rounded to 8 bits.

        Args:
            faces: Each uint8, HWC, RGB.

        Returns:
            float64 (n,), the logit of "fake".

        Raises:
            InvalidPixels: A face is not uint8 HWC RGB.
        """
        scores: list[NDArray[np.float64]] = []
        with torch.inference_mode():
            for batch in self._batches(faces):
                scores.append(self(batch).double().cpu().numpy())
        return np.concatenate(scores) if scores else np.zeros(0)

    def _batch_on(self, device: torch.device) -> int:
        """How many faces at a time."""
        return max(1, _PIXELS_ON_CPU // self.card.input.size_px**2) if device.type == "cpu" else _BATCH_ON_GPU

    def _batches(self, faces: Sequence[NDArray[np.uint8]]) -> Iterator[Tensor]:
        """Resized, and in memory only so many at a time."""
        device = next(self.module.buffers()).device
        count = self._batch_on(device)
        for begin in range(0, len(faces), count):
            resized = np.stack([_resized_by_pillow(face, self.card.input) for face in faces[begin : begin + count]])
            # On its way as bytes, and channels last as it is.
            yield torch.as_tensor(resized).to(device).permute(0, 3, 1, 2).float().div(255)


def _resized(faces: Tensor, to: InputFacts) -> Tensor:
    size = (to.size_px, to.size_px)
    if faces.shape[2:] == size:
        return faces
    if to.resize == "nearest":
        return F.interpolate(faces, size, mode="nearest-exact")
    resized = F.interpolate(faces, size, mode=to.resize, antialias=True, align_corners=False)
    return resized.clamp(0, 1) if to.resize == "bicubic" else resized


def _resized_by_pillow(face: NDArray[np.uint8], to: InputFacts) -> NDArray[np.uint8]:
    if face.dtype != np.uint8 or face.ndim != 3 or face.shape[2] != 3 or face.size == 0:
        raise InvalidPixels(got=f"{face.dtype} {face.shape}")
    if face.shape[:2] == (to.size_px, to.size_px):
        return face
    return np.asarray(Image.fromarray(face).resize((to.size_px, to.size_px), _FILTERS[to.resize]))


def _logit_of_fake(outputs: Tensor, head: HeadFacts) -> Tensor:
    """Of two logits the difference; of a sigmoid, whose logit speaks of class 1, the logit or its opposite."""
    if head.kind == "sigmoid":
        return outputs[:, 0] if head.fake_index == 1 else -outputs[:, 0]
    return outputs[:, head.fake_index] - outputs[:, 1 - head.fake_index]
