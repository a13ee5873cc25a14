"""The differentiable JPEG beside kornia's and a plain DiffJPEG: agreement with libjpeg, and speed.

    python benchmarks/surrogate.py [--device cuda] [--part agreement|exact|speed ...] [--threads 2] [--quick]
                                   [--published FOLDER] [--seed 0] [--json FILE]

Agreement: pictures of 1-64 by 1-64 px, a quarter of them noise and the others cut from photographs that scikit-image
and scikit-learn bring along, each at a quality of its own from 50 to 95 within one batch of a size, 4:2:0, against
Pillow's libjpeg. Every height and every width occurs equally often. DiffJPEG takes multiples of 16 only, so there is a
second table with those. What comes out is rounded to 8 bits before it is judged, as a
viewer's would be; a PSNR is that of all pixels of a row together.

Exact: `SurrogateChannel(..., forward="exact")` for each bundled profile against the exact channel.

Speed: forward and backward of 16x3x256x256, quality 75, in interleaved rounds; ratios are those of the same round.
`diffjpeg.py` is leaner than the code that the method is known by; with --published, a folder that holds that code
(DiffJPEG.py with a class of height, width, differentiable and quality), it is timed too, its weights frozen.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from diffjpeg import MULTIPLE_PX, diffjpeg
from environment import environment, print_environment
from peers import enter_peers, has_kornia
from photographs import photographs
from repost.channel.surrogate import jpeg
from repost.metrics.intervals import wilson
from spread import bootstrap
from surrogate_exact import report_exact
from surrogate_speed import QUALITY, SHAPE, report_speed
from tables import print_table

Codec: TypeAlias = Callable[[Tensor, Sequence[int]], Tensor]
Rgb8: TypeAlias = NDArray[np.uint8]
PARTS = ("agreement", "exact", "speed")
SIDES_PX = 64
QUALITIES = (50, 95)
BANDS = ((50, 64), (65, 79), (80, 89), (90, 95))
"""Of qualities, for the rows of a table."""
ASKED_DB = 49.0


def codecs() -> dict[str, Codec]:
    """Every differentiable JPEG at hand."""
    found: dict[str, Codec] = {"ours": jpeg}
    if has_kornia():
        from kornia.enhance import jpeg_codec_differentiable

        found[f"kornia {version('kornia')}"] = lambda pixels, qualities: jpeg_codec_differentiable(
            pixels, torch.tensor(qualities, dtype=pixels.dtype, device=pixels.device)
        )
    return found | {"DiffJPEG": diffjpeg}


def published(folder: Path, device: torch.device) -> dict[str, Codec]:
    """Somebody's DiffJPEG at the size and quality that is timed."""
    sys.path.insert(0, str(folder))
    layer = importlib.import_module("DiffJPEG").DiffJPEG(*SHAPE[2:], True, QUALITY)
    layer.to(device).requires_grad_(requires_grad=False)
    return {"DiffJPEG as published": lambda pixels, _qualities: layer(pixels)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--part", choices=PARTS, action="append", help="only this; repeatable")
    parser.add_argument("--threads", type=int, default=2, help="of torch on the CPU")
    parser.add_argument("--quick", action="store_true", help="few pictures and rounds, to try the script")
    parser.add_argument("--published", type=Path, help="folder with a DiffJPEG.py to time as well")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the numbers here too")
    arguments = parser.parse_args()
    enter_peers()
    torch.set_num_threads(arguments.threads)
    parts = arguments.part or PARTS
    device = torch.device(arguments.device)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    content: dict[str, Any] = {"environment": environment()}
    if "agreement" in parts:
        content["agreement"] = report_agreement(device, seed=arguments.seed, quick=arguments.quick)
    if "exact" in parts:
        content["exact"] = report_exact(photographs(), device, seed=arguments.seed, quick=arguments.quick)
    if "speed" in parts:
        timed = codecs() | (published(arguments.published, device) if arguments.published else {})
        content["speed"] = report_speed(timed, device, seed=arguments.seed, quick=arguments.quick)
    print_environment()
    if arguments.json:
        arguments.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Judged:
    """One picture that a surrogate and libjpeg both compressed."""

    codec: str
    noise: bool
    height_px: int
    width_px: int
    quality: int
    squared_error: float
    samples: int
    equal_pixels: int


def report_agreement(device: torch.device, *, seed: int, quick: bool) -> list[dict[str, Any]]:
    """Print how far each is from libjpeg."""
    rng = np.random.default_rng(seed)
    photos = photographs()
    every = [size for _ in range(1 if quick else 4) for size in _sizes(rng)]
    whole = [(16 * rows, 16 * columns) for rows in range(1, 5) for columns in range(1, 5)]
    names = codecs()
    anywhere = {name: codec for name, codec in names.items() if codec is not diffjpeg}
    judged = []
    for title, sizes, count, chosen in (
        (f"1-{SIDES_PX} x 1-{SIDES_PX} px", every, 8, anywhere),
        (f"multiples of {MULTIPLE_PX} px", whole, 8 if quick else 64, names),
    ):
        found = [one for size in sizes for one in _judge(chosen, photos, size, count, rng=rng, device=device)]
        print(f"\n{title}: {len(sizes)} sizes, n = {len(sizes) * count} pictures; beside libjpeg")
        _print_agreement(list(chosen), found)
        judged += found
    return [asdict(one) for one in judged]


def _sizes(rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Sizes in which every height and every width occurs once."""
    sides = np.arange(1, SIDES_PX + 1)
    return zip(rng.permutation(sides).tolist(), rng.permutation(sides).tolist(), strict=True)


def _judge(
    chosen: dict[str, Codec],
    photos: Sequence[Rgb8],
    size: tuple[int, int],
    count: int,
    *,
    rng: np.random.Generator,
    device: torch.device,
) -> Iterator[Judged]:
    """Compress a batch of one size, every picture at a quality of its own."""
    pictures = [_picture(photos, size, rng, noise=_is_noise(index)) for index in range(count)]
    qualities = [int(quality) for quality in rng.integers(QUALITIES[0], QUALITIES[1] + 1, count)]
    real = np.stack([pillow_jpeg(one, quality) for one, quality in zip(pictures, qualities, strict=True)])
    pixels = torch.tensor(np.stack(pictures)).permute(0, 3, 1, 2).to(device).float() / 255
    for name, codec in chosen.items():
        levels = (codec(pixels, qualities).detach() * 255).round().permute(0, 2, 3, 1).cpu().numpy()
        difference = levels.astype(np.float64) - real
        for index, (one, quality) in enumerate(zip(difference, qualities, strict=True)):
            equal = int((one == 0).all(-1).sum())
            yield Judged(name, _is_noise(index), *size, quality, float((one**2).sum()), one.size, equal)


def _is_noise(index: int) -> bool:
    return index % 4 == 0


def _picture(photos: Sequence[Rgb8], size: tuple[int, int], rng: np.random.Generator, *, noise: bool) -> Rgb8:
    height, width = size
    if noise:
        return rng.integers(0, 256, (height, width, 3), np.uint8)
    photo = photos[rng.integers(len(photos))]
    top, left = (int(rng.integers(side - part + 1)) for side, part in zip(photo.shape, size, strict=False))
    return photo[top : top + height, left : left + width]


def _print_agreement(names: Sequence[str], judged: Sequence[Judged]) -> None:
    rows = []
    for name in names:
        mine = [one for one in judged if one.codec == name]
        photos = [one for one in mine if not one.noise]
        for low, high in BANDS:
            rows.append([f"{name}, photographs", f"{low}-{high}", *_agreement(photos, low, high)])
        noise = [one for one in mine if one.noise]
        rows.append([f"{name}, noise", f"{QUALITIES[0]}-{QUALITIES[1]}", *_agreement(noise, *QUALITIES)])
        rows.append([f"{name}, all", f"{QUALITIES[0]}-{QUALITIES[1]}", *_agreement(mine, *QUALITIES)])
    head = ("4:2:0", "quality", "n", "PSNR dB", "95 % interval", "worst dB", "equal pixels", "equal pictures", "95 %")
    print_table(head, rows)
    ours = [one for one in judged if one.codec == "ours"]
    met = min(_psnr([one]) for one in ours) >= ASKED_DB
    print(f"ours: asked >= {ASKED_DB:g} dB on every picture: {'met' if met else 'MISSED'}")


def _agreement(judged: Sequence[Judged], low: int, high: int) -> list[str]:
    chosen = [one for one in judged if low <= one.quality <= high]
    errors = np.array([one.squared_error for one in chosen])
    samples = np.array([one.samples for one in chosen])
    least, most = bootstrap(len(chosen), lambda drawn: _psnr_of(errors[drawn].sum(1), samples[drawn].sum(1)))
    equal = sum(one.squared_error == 0 for one in chosen)
    share = wilson(equal, len(chosen))
    return [
        str(len(chosen)),
        _decibel(_psnr(chosen)),
        "equal" if np.isinf(least) else f"{least:.2f}-{most:.2f}",
        _decibel(min(_psnr([one]) for one in chosen)),
        f"{sum(one.equal_pixels for one in chosen) / (samples.sum() // 3):.4f}",
        f"{equal / len(chosen):.4f}",
        f"{share[0]:.4f}-{share[1]:.4f}",
    ]


def _psnr(chosen: Sequence[Judged]) -> float:
    errors, samples = (np.array([getattr(one, name) for one in chosen]) for name in ("squared_error", "samples"))
    return float(_psnr_of(errors.sum(), samples.sum()))


def _psnr_of(squared_error: NDArray[Any], samples: NDArray[Any]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):  # infinity where all is equal
        return 10 * np.log10(255**2 * samples / squared_error)


def _decibel(value: float) -> str:
    return "equal" if np.isinf(value) else f"{value:.2f}"


def pillow_jpeg(picture: Rgb8, quality: int) -> Rgb8:
    """What Pillow reads of a picture it wrote as JPEG 4:2:0."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality, subsampling=2)
    return np.asarray(Image.open(file).convert("RGB"))


if __name__ == "__main__":
    main()
