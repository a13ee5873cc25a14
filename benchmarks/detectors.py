"""The detectors: published weights against numpy, their speed against plain PyTorch, and how they judge real clips.

    python benchmarks/detectors.py --shared ../shared/data [--rounds 15]

Speed is the processor's time on one thread, in rounds in which all take turns; the ratio of a round compares what ran
side by side; plain loops are given normalised pixels. Faces are what `repost faces` cuts out of every 30th frame: the
largest, as FaceForensics++ does, found by dlib, on parts and on the whole, and by YuNet. Frames of one video are one
observation, so that no interval is given over them.
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from detectors_plain import plain
from environment import print_environment
from repost.detectors import find_card, load
from repost.detectors.networks import NETWORKS, build
from repost.detectors.networks.xception import Xception
from repost.detectors.scorer import Deployed, Scorer
from repost.faces import DetectorChoice, FaceSettings, extract
from repost.metrics.intervals import wilson
from tables import print_table

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from keras_oracle import p_real, read_h5

PUBLISHED = {
    "meso4-df": "Meso4_DF", "meso4-f2f": "Meso4_F2F", "mesoinception4-df": "MesoInception_DF",
    "mesoinception4-f2f": "MesoInception_F2F",
}  # fmt: skip
CLIPS = {
    "FaceForensics++ c23, original": ("real", "icpr2020dfdc/original_sequences"),
    "FaceForensics++ c23, Deepfakes": ("fake", "icpr2020dfdc/manipulated_sequences/Deepfakes"),
    "FaceForensics++ c23, FaceSwap": ("fake", "icpr2020dfdc/manipulated_sequences/FaceSwap"),
    "LivePortrait's drivers, real": ("real", "liveportrait"),
}
EVERY = 30


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--rounds", type=int, default=15)
    parts = ("oracle", "clips", "speed")
    parser.add_argument("--parts", nargs="*", choices=parts, default=parts)
    parser.add_argument("--networks", nargs="*", choices=list(NETWORKS), default=list(NETWORKS), help="of the speed")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    weights = options.shared / "weights" / "mesonet"
    if "oracle" in options.parts:
        print_oracle(weights, options.shared / "videos")
    if "clips" in options.parts:
        yunet = next((options.shared / "weights" / "yunet").glob("*.onnx"))
        for finder in (DetectorChoice("dlib"), DetectorChoice("dlib-full"), DetectorChoice("yunet", yunet)):
            print_judgements(weights, options.shared, finder)
    if "speed" in options.parts:
        print_speed(options.rounds, options.networks)
    print_environment()


def print_oracle(weights: Path, videos: Path) -> None:
    """The 16 scores: four published weights, four crops."""
    from skimage import data

    clips = [sorted((videos / folder).rglob("*.mp4"))[0] for _, folder in list(CLIPS.values())[:3]]
    crops = [data.astronaut()[0:200, 120:320], *(next(_faces(clip, DetectorChoice())) for clip in clips)]
    rows, worst = [], 0.0
    for name, file in PUBLISHED.items():
        size = find_card(name).input.size_px
        pixels = [np.asarray(Image.fromarray(crop).resize((size, size), Image.Resampling.NEAREST)) for crop in crops]
        found = 1 / (1 + np.exp(load(name, weights / f"{file}.h5").score_pixels(crops)))
        expected = np.array([p_real(read_h5(weights / f"{file}.h5"), face / 255) for face in pixels])
        worst = max(worst, float(np.abs(found - expected).max()))
        rows.append([name, *(f"{value:.4f}" for value in found), f"{np.abs(found - expected).max():.1e}"])
    print("P(real) of four crops, and the largest difference to a forward pass by numpy in float64\n")
    print_table(["", "astronaut", "FF++ original", "FF++ Deepfakes", "FF++ FaceSwap", "difference"], rows)
    print(f"\n16 scores, largest difference {worst:.1e}; gate 1e-4: {'held' if worst < 1e-4 else 'MISSED'}\n")


def print_speed(rounds: int, networks: Sequence[str]) -> None:
    """Milliseconds a face, and times the time of ours."""
    for gradient in (False, True):
        what = "forward and the gradient to the pixels" if gradient else "forward"
        print(f"\n{what}: processor's ms a face on one thread, median of {rounds} rounds; times ours, 95 % of rounds\n")
        for name in networks:  # a table each, so that what is measured is kept
            rows = [_speed_row(name, rounds, gradient=gradient)]
            print_table(
                ["", "ours", "plain, channels last, one by one", "all at once", "plain, NCHW, one by one"], rows
            )
            print(flush=True)


def _speed_row(name: str, rounds: int, *, gradient: bool) -> list[str]:
    network, card = build(name).requires_grad_(requires_grad=False).eval(), find_card(name)  # type: ignore[arg-type]
    usual, nchw = plain(copy.deepcopy(network)), plain(copy.deepcopy(network))
    usual.to(memory_format=torch.channels_last)
    if isinstance(network, Xception):
        network.fuse()
    ours = Scorer(Deployed(network, card).ready_on("cpu"), card, weights_sha256="")
    count = 4 if isinstance(network, Xception) else 16
    faces = torch.rand(count, 3, card.input.size_px, card.input.size_px)
    last = (faces * 2 - 1).contiguous(memory_format=torch.channels_last)
    ways: list[tuple[Callable[[torch.Tensor], torch.Tensor], torch.Tensor, int]] = [
        (ours, faces.contiguous(memory_format=torch.channels_last), count),
        (usual, last, 1), (usual, last, count), (nchw, faces * 2 - 1, 1),
    ]  # fmt: skip
    taken = np.array([[_ms(way, gradient=gradient) / count for way in ways] for _ in range(rounds + 1)][1:])
    cells = [f"{np.median(taken[:, 0]):.2f}"]
    for column in range(1, len(ways)):
        ratios = taken[:, column] / taken[:, 0]
        low, high = np.quantile(ratios, [0.025, 0.975])
        cells.append(f"{np.median(taken[:, column]):.2f}  x{np.median(ratios):.2f} ({low:.2f}-{high:.2f})")
    return [f"{name} ({count} faces)", *cells]


def _ms(way: tuple[Callable[[torch.Tensor], torch.Tensor], torch.Tensor, int], *, gradient: bool) -> float:
    """The processor's time for all faces, so many at a time."""
    network, faces, at_once = way
    begin = time.process_time()
    with torch.inference_mode(mode=not gradient):
        for place in range(0, len(faces), at_once):
            part = faces[place : place + at_once].detach().requires_grad_(gradient)
            scores = network(part)
            if gradient:
                torch.autograd.grad(scores.sum(), part)
    return (time.process_time() - begin) * 1e3


def print_judgements(weights: Path, shared: Path, finder: DetectorChoice) -> None:
    """How often each published weight calls a face fake, of real and fake clips and of real photographs."""
    scorers = {name: load(name, weights / f"{file}.h5") for name, file in PUBLISHED.items()}
    rows = []
    for title, (label, folder) in CLIPS.items():
        clips = sorted((shared / "videos" / folder).rglob("*.mp4"))
        faces = [list(_faces(clip, finder)) for clip in clips]
        row = [f"{title} ({label}; {sum(map(len, faces))} faces of {len(clips)} videos)"]
        for scorer in scorers.values():
            shares = [float((scorer.score_pixels(of_clip) > 0).mean()) for of_clip in faces if of_clip]
            row.append(f"{np.mean(shares):.2f}")
        rows.append(row)
    photos = sorted((shared / "faces" / "celebahq").glob("*.*"))
    crops = [crop for photo in photos for crop in _faces(photo, finder)]
    row = [f"CelebA-HQ (real; {len(crops)} faces of {len(photos)} photographs)"]
    for scorer in scorers.values():
        hits = int((scorer.score_pixels(crops) > 0).sum())
        low, high = wilson(hits, len(crops))
        row.append(f"{hits / len(crops):.2f} ({low:.2f}-{high:.2f})")
    print(
        f"\nshare of faces called fake, placed by {finder.name}; mean over videos, of photographs the 95 % interval\n"
    )
    print_table(["", *scorers], [*rows, row])


def _faces(source: Path, finder: DetectorChoice) -> Iterator[NDArray[np.uint8]]:
    """The largest face of a photograph, or of sampled frames."""
    found = extract(source, FaceSettings(detector=finder), every=EVERY)
    yield from (frame.cut.pixels for frame in found if frame.cut is not None)


if __name__ == "__main__":
    main()
