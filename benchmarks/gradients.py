"""Whether gradients through a differentiable JPEG are of use: attacks that are to outlive the real codec.

    python benchmarks/gradients.py --prepare build/faces.npz [--folder UTKFACE]
    python benchmarks/gradients.py --faces build/faces.npz [--device cuda] [--train-seconds 45] [--train-steps N]
                                   [--seeds 5] [--attacked 64] [--threads 2] [--quick] [--json FILE]

Four networks are trained here from UTKFace at 64 px: a classifier of sex, a small StarGAN, a U-Net editor trained as
AttGAN, and the autoencoder of Deepfakes with men and women as its two identities. Held-out files are attacked by
projected gradient ascent (bound 0.05 and step 0.01 on [-1, 1], random start) through nothing and through each
differentiable JPEG, its quality drawn for each face and step from 60, 71, 75, 80, 85, 90 and 92; starts and draws are
the same for all. The attacked faces are rounded to 8 bits and saved by Pillow as JPEG 4:2:0, and what the network makes
of them is compared with what it makes of the face without an attack after the same codec.

"straight-through" is the real codec's pixels with a gradient of 1; "identity", "cubic" and "zero_bin" are ours.
Intervals over seeds are Student's, over faces bootstrapped; each network is trained once. UTKFace and what is trained
on it are for research and not part of this project.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from environment import environment, print_environment
from gradients_attack import Attack, Attacked, loops
from gradients_faces import FACES, HELD_OUT, Faces, load, prepare
from gradients_report import as_json, print_asked, print_ratios, print_target
from gradients_targets import TARGETS, Budget, Target, train_target
from peers import enter_peers
from repost.metrics.intervals import share_in_words


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is done: what a GPU does in a few minutes, a CPU in some hours, or enough to try the script."""

    train_seconds: float
    batch: int
    attacked: int
    seeds: int
    steps: tuple[int, ...]


EXTENTS = {
    "cuda": Extent(45, 64, 64, 5, (10, 30)),
    "cpu": Extent(300, 16, 16, 5, (10, 30)),
    "quick": Extent(4, 8, 4, 2, (2,)),
}


def main() -> None:
    """Train, attack, judge and print."""
    arguments = _arguments()
    if arguments.prepare:
        arguments.prepare.parent.mkdir(parents=True, exist_ok=True)
        prepare(arguments.folder, arguments.prepare)
        return
    enter_peers()
    start = time.perf_counter()
    torch.set_num_threads(arguments.threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    device = torch.device(arguments.device)
    extent = EXTENTS["quick" if arguments.quick else device.type]
    known, held_out = load(arguments.faces, device, seed=arguments.seed)
    budget = Budget(
        arguments.train_seconds or extent.train_seconds, arguments.train_steps, extent.batch, arguments.seed
    )
    print(f"{len(known)} faces to train on, {HELD_OUT} held out; {_device_name(device)}")
    targets = {name: train_target(name, known, budget) for name in TARGETS}
    for target in targets.values():
        print(_about(target, targets["classifier"], held_out))
    rows: list[Attacked] = []
    for target in targets.values():
        faces = _attacked_faces(target, held_out, arguments.attacked or extent.attacked)
        attack = Attack(target, faces, seeds=range(arguments.seeds or extent.seeds))
        mine = [attack.run(name, loop, steps=steps) for steps in extent.steps for name, loop in loops().items()]
        print_target(attack, mine)
        rows += mine
    ratios = print_ratios(rows, [name for name, target in targets.items() if target.is_generator])
    print_asked(ratios)
    print(f"\n{_device_name(device)}; {time.perf_counter() - start:.0f} s in all")
    print_environment()
    if arguments.json:
        content = {"environment": environment(), "device": _device_name(device), "ratios": ratios}
        content["training"] = [_facts(target) for target in targets.values()]
        content["attacks"] = [as_json(one) for one in rows]
        arguments.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prepare", type=Path, metavar="OUT", help="write the faces to this .npz and stop")
    parser.add_argument("--folder", type=Path, default=FACES, help="of UTKFace, for --prepare")
    parser.add_argument("--faces", type=Path, default=Path("build/faces.npz"), help="what --prepare wrote")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=2, help="of torch on the CPU")
    parser.add_argument("--train-seconds", type=float, help="for each network; 45 on a GPU, 300 on a CPU")
    parser.add_argument("--train-steps", type=int, help="for each network instead, which repeats a run")
    parser.add_argument("--seeds", type=int, help="of the attack; 5")
    parser.add_argument("--attacked", type=int, help=f"faces, at most {HELD_OUT}; 64 on a GPU, 16 on a CPU")
    parser.add_argument("--quick", action="store_true", help="next to no training and few faces, to try the script")
    parser.add_argument("--seed", type=int, default=0, help="of the split and of training")
    parser.add_argument("--json", type=Path, help="write the numbers here too")
    return parser.parse_args()


def _attacked_faces(target: Target, held_out: Faces, count: int) -> Faces:
    """The first held-out faces; of those a classifier has right, so that there is an answer to flip."""
    if target.is_generator:
        return held_out[:count]
    return held_out[_right(target, held_out.pixels, held_out.labels, held_out.sex).nonzero().squeeze(1)[:count]]


@torch.no_grad()
def _right(classifier: Target, pixels: Tensor, labels: Tensor, wanted: Tensor) -> Tensor:
    return classifier.output(pixels, labels).argmax(1) == wanted


@torch.no_grad()
def _about(target: Target, classifier: Target, held_out: Faces) -> str:
    """One line: how it was trained and what it does to held-out faces."""
    trained = f"{target.name}: {target.parameters / 1e6:.2f} M weights, {target.steps} steps in {target.seconds:.0f} s"
    if not target.is_generator:
        right = int(_right(target, held_out.pixels, held_out.labels, held_out.sex).sum())
        return f"{trained}; right on held-out faces: {share_in_words(right, len(held_out))}"
    edited = target.output(held_out.pixels, held_out.labels)
    turned = int(_right(classifier, edited, held_out.labels, 1 - held_out.sex).sum())
    change = (edited - held_out.pixels).square().mean().item()
    other = share_in_words(turned, len(held_out))
    return f"{trained}; changes held-out faces by L2 {change:.3f}, of the other sex to the classifier: {other}"


def _facts(target: Target) -> dict[str, Any]:
    return {"name": target.name, "steps": target.steps, "seconds": target.seconds, "parameters": target.parameters}


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"


if __name__ == "__main__":
    main()
