"""How near the differentiable approximations of WebP, AVIF and HEIF come to the real codecs.

    python benchmarks/approximations.py [--calibrate] [--side PX] [--shared DIR]

Prints, for each codec and quality, mean PSNR over the judging pictures between the approximation and the real file,
between the real file and the source, and between the approximation and the source; and by how much the last two differ
on a picture, as a standard deviation. Judged on the centres of the Kodak photographs at hand. With --calibrate it finds
the quantiser steps in `repost.channel.surrogate.approximate` on seven photographs of scikit-image and scikit-learn: for
each plane the step at which its mean PSNR against the source, measured after decoding, is the real codec's.

Files are written as the exact channel writes them, at the steps' default efforts.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import skimage.data
import torch
from PIL import Image
from sklearn.datasets import load_sample_image

from environment import print_environment
from repost.channel.encode import Attachments, encode
from repost.channel.surrogate.approximate import QUALITIES, Codec, approximate, requantise
from repost.media.picture import Picture
from repost.media.read import NO_LIMIT, read_picture
from repost.platforms.steps import EncodeAvif, EncodeHeif, EncodeWebp
from tables import print_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from repost.platforms.steps import ImageEncode

SHARED = Path(__file__).resolve().parents[2] / "shared"
CODECS: tuple[Codec, ...] = ("webp", "avif", "heif")
JUDGED = range(10, 101, 10)
BISECTIONS, ALTERNATIONS = 14, 3
LEAST_STEP, LARGEST_STEP = 0.25, 400.0


def calibration_photographs(side_px: int) -> Tensor:
    """Centres of seven photographs that come with scikit-image and scikit-learn, as levels."""
    data = skimage.data
    photographs = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket(), data.stereo_motorcycle()[0]]
    photographs += [load_sample_image("china.jpg"), load_sample_image("flower.jpg")]
    return _levels([_centre(photograph, side_px) for photograph in photographs])


def judging_photographs(shared: Path, side_px: int) -> Tensor:
    """Centres of Kodak's photographs, as levels."""
    paths = sorted((shared / "data" / "photos" / "kodak").glob("*.png"))
    return _levels([_centre(np.asarray(Image.open(path).convert("RGB")), side_px) for path in paths])


def _centre(pixels: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    side = min(side_px, height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]


def _levels(pictures: Sequence[NDArray[np.uint8]]) -> Tensor:
    return torch.as_tensor(np.stack(pictures)).permute(0, 3, 1, 2).float()


def written(levels: Tensor, codec: Codec, quality: int) -> Tensor:
    """What comes back from real files."""
    found: list[NDArray[np.uint8]] = []
    for one in levels:
        image = Image.fromarray(one.permute(1, 2, 0).to(torch.uint8).numpy())
        data = encode(Picture(image), _step(codec, quality), quality=quality, attachments=Attachments())
        found.append(read_picture(data, name="the file", max_pixels=NO_LIMIT).rgb8())
    return _levels(found)


def _step(codec: Codec, quality: int) -> ImageEncode:
    if codec == "webp":
        return EncodeWebp(op="encode", codec="webp", quality=quality)
    if codec == "avif":
        return EncodeAvif(op="encode", codec="avif", quality=quality)
    return EncodeHeif(op="encode", codec="heif", quality=quality)


def psnr_db(first: Tensor, second: Tensor) -> Tensor:
    """One number for each picture."""
    return 10 * torch.log10(255**2 / (first - second).square().mean(dim=(1, 2, 3)).clamp(min=1e-3))


def judge(codec: Codec, source: Tensor) -> list[list[str]]:
    """One row for each quality."""
    rows: list[list[str]] = []
    for quality in JUDGED:
        real = written(source, codec, quality)
        near = approximate(source, codec=codec, quality=torch.full((len(source),), quality))
        between, lost, lost_too = psnr_db(near, real), psnr_db(real, source), psnr_db(near, source)
        numbers = [float(values.mean()) for values in (between, lost, lost_too, lost_too - lost)]
        rows.append([f"{codec} {quality}", *(f"{number:.2f}" for number in (*numbers, float((lost_too - lost).std())))])
    return rows


def calibrate(codec: Codec, source: Tensor) -> tuple[list[float], list[float]]:
    """Luma and chroma steps at each of `QUALITIES`."""
    steps: tuple[list[float], list[float]] = ([], [])
    for quality in QUALITIES:
        real = written(source, codec, quality)
        found = [1.0, 1.0]
        for _ in range(ALTERNATIONS):
            for plane in (0, 1):
                found[plane] = _bisect(partial(_excess_db, codec, source, real, found, plane))
        for column, step in zip(steps, found, strict=True):
            column.append(float(f"{step:.3g}"))
    return steps


def _excess_db(codec: Codec, source: Tensor, real: Tensor, known: Sequence[float], plane: int, step: float) -> float:
    """How much nearer to the source the approximation's plane is than the real one's, given a trial step for it."""
    steps = [step if index == plane else other for index, other in enumerate(known)]
    luma, chroma = (torch.full((len(source),), value) for value in steps)
    near = requantise(source, (luma, chroma), codec=codec)
    first, second, reference = (_plane(levels, plane) for levels in (near, real, source))
    return float((psnr_db(first, reference) - psnr_db(second, reference)).mean())


def _plane(levels: Tensor, plane: int) -> Tensor:
    """Luma, or both chroma planes at a quarter of the samples, as BT.601 has them."""
    red, green, blue = levels.unbind(dim=1)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    if plane == 0:
        return luma.unsqueeze(1)
    chroma = torch.stack([(blue - luma) / 1.772, (red - luma) / 1.402], dim=1)
    return torch.nn.functional.avg_pool2d(chroma, 2)


def _bisect(excess: Callable[[float], float]) -> float:
    """The step at which the excess is zero; it falls as the step grows."""
    low, high = LEAST_STEP, LARGEST_STEP
    for _ in range(BISECTIONS):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return (low * high) ** 0.5


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description="Compare the approximations with the real codecs.")
    parser.add_argument("--calibrate", action="store_true", help="find the steps instead")
    parser.add_argument("--side", type=int, default=384, help="side of the centres, px")
    parser.add_argument("--shared", type=Path, default=SHARED)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with torch.no_grad():
        if arguments.calibrate:
            source = calibration_photographs(min(arguments.side, 288))
            for codec in CODECS:
                luma, chroma = calibrate(codec, source)
                print(f"{codec}\n  luma_steps={tuple(luma)},\n  chroma_steps={tuple(chroma)},", flush=True)
        else:
            source = judging_photographs(arguments.shared, arguments.side)
            rows = [row for codec in CODECS for row in judge(codec, source)]
            head = [
                "codec, quality",
                "approx-real dB",
                "real-source dB",
                "approx-source dB",
                "difference dB",
                "spread dB",
            ]
            print(f"{len(source)} pictures of {source.shape[3]}x{source.shape[2]} px")
            print_table(head, rows)
    print_environment()


if __name__ == "__main__":
    main()
