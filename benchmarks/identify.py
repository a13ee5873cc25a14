"""How well `repost identify` names the network a file came from, and whether its probabilities hold.

    python benchmarks/identify.py [--shared DIR] [--count N] [--split judge|fit] [--json FILE]

1. Emulated uploads: each photograph becomes a camera's JPEG, a program's JPEG or a PNG (identify_corpus.py), goes
   through the main route of every bundled platform, and what comes back is identified by content alone. "strict": the
   likeliest platform is the one it came from. "alike": platforms whose emulation of the same upload has the very same
   signature (size, tables, subsampling, scans, markers) count as one answer, as nothing in the header tells them apart.
2. Real files that networks served, under DIR/data/platform_files, and the facts written down of 47 such files. The
   bundled profiles were made from these very files, so this shows that nothing contradicts them, and no more.
3. Files that nobody shared, and files of invented networks: how often "none of these" is the answer.
4. Reliability: probabilities against how often they came true, in the mixture that the stated prior describes.

The photographs judged are from other collections than those that anything was fitted to (--split fit shows these).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from environment import environment, print_environment
from identify_corpus import camera_jpeg, photographs, stranger, upload
from identify_facts import recorded
from repost.channel import emulate
from repost.core.errors import RepostError
from repost.estimation.identify.rank import NONE_PRIOR, UNSHARED_SHARE, Identification, identify
from repost.estimation.identify.signature import read_signature
from repost.media.read import read_picture
from repost.platforms import Profile, find_profile, list_profiles
from tables import print_table

SHARED = Path(__file__).resolve().parents[2] / "shared"
SPLITS = {"judge": ("open_wallpapers", "kodak", "bsds500"), "fit": ("ubuntu_wallpapers",)}
CHAIN, STEGO = "socialmediachain/samples", "stego_grad_project"
SERVED = (
    ("instagram", f"{STEGO}/Instagram/Posts/InstagramHigh.jpg"),
    ("linkedin", f"{STEGO}/LinkedIn/Article/__Img_01_S2_q90_posted.jpg"),
    ("linkedin", f"{STEGO}/LinkedIn/Post/LinkedinHigh.jpg"),
    ("linkedin", f"{STEGO}/LinkedIn/Post/DefaultPost.jpg"),
    ("twitter", f"{STEGO}/Twitter/Avatar/TwitterHigh.jpg"),
    ("twitter", f"{STEGO}/Twitter/Post/TwitterHigh.jpg"),
    ("telegram", f"{CHAIN}/D01_I_nat_0002.chain_1a75f9bb_1771477271.step1.telegram.jpg"),
    ("telegram", f"{CHAIN}/D02_I_nat_0002.chain_cafc29a9_1771468989.step1.telegram.jpg"),
    ("telegram", f"{CHAIN}/D05_I_nat_0002.chain_89dccff0_1771482843.step1.telegram.jpg"),
    ("discord", f"{CHAIN}/D01_I_nat_0002.chain_1a75f9bb_1771477474.step1.discord.jpg"),
    ("discord", f"{CHAIN}/D05_I_nat_0002.chain_89dccff0_1771482982.step2.discord.jpg"),
    ("slack", f"{CHAIN}/D02_I_nat_0002.chain_cafc29a9_1771469063.step1.slack.jpg"),
)
Z_95 = 1.959964


@dataclass(frozen=True, slots=True)
class Judged:
    """One file identified.

    Attributes:
        truth: The platform it came from; None for none of these.
        kind: Of upload or file.
        found: The answer.
        alike: Platforms that serve the same signature for the same upload, the truth among them.
        weight: In the mixture that the prior describes.
    """

    truth: str | None
    kind: str
    found: Identification
    alike: frozenset[str]
    weight: float = 1.0

    @property
    def rank(self) -> int:
        """Place of the truth among the platforms, from 1; platforms of equal probability share the better place."""
        mine = next(one.probability for one in self.found.candidates if one.platform == self.truth)
        return 1 + sum(one.probability > mine * (1 + 1e-9) for one in self.found.candidates)


class Identifier:
    """Identifies each content once."""

    def __init__(self) -> None:
        bundled = [listed.profile for listed in list_profiles() if listed.bundled]
        self.profiles = [profile for profile in bundled if profile.rules_for("image")]
        self._known: dict[str, Identification] = {}

    def of(self, data: bytes) -> Identification:
        """The answer for a file's bytes, by content alone."""
        key = hashlib.sha256(data).hexdigest()
        if key not in self._known:
            self._known[key] = identify(data, profiles=self.profiles)
        return self._known[key]


def emulated(paths: Iterable[Path], mains: list[Profile], identifier: Identifier, rng: random.Random) -> list[Judged]:
    """Uploads of photographs through every main route, and the uploads themselves as files nobody shared."""
    rows: list[Judged] = []
    paths = list(paths)
    for path in paths:
        kind, data = upload(path, rng)
        served = {main.platform: emulate(data, main).data for main in mains}
        signatures = {platform: _comparable(file) for platform, file in served.items()}
        share = (1 - NONE_PRIOR) / len(mains) / len(paths)
        for platform, file in served.items():
            alike = frozenset(other for other, its in signatures.items() if its == signatures[platform])
            rows.append(Judged(platform, kind, identifier.of(file), alike, share))
        rows.append(Judged(None, kind, identifier.of(data), frozenset(), NONE_PRIOR * UNSHARED_SHARE / len(paths)))
        invented = identifier.of(stranger(path, rng))
        rows.append(Judged(None, "stranger", invented, frozenset(), NONE_PRIOR * (1 - UNSHARED_SHARE) / len(paths)))
    return rows


def _comparable(data: bytes) -> object:
    """The signature without the size in bytes, which no profile fixes."""
    found = read_signature(data)
    return (found.format, found.size, found.coding, found.carries, found.lossless, found.rotated)


def main() -> None:
    """Measure and print every table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder that holds data/")
    parser.add_argument("--count", type=int, default=40, help="photographs")
    parser.add_argument("--split", choices=SPLITS, default="judge", help="which photographs")
    parser.add_argument("--json", type=Path, help="write the numbers here too")
    arguments = parser.parse_args()
    data = arguments.shared / "data"
    if not data.is_dir():
        print(f"nothing measured: no photographs at {data}")
        return
    rng = random.Random(f"identify {arguments.split}")
    identifier = Identifier()
    mains = [find_profile(name) for name in sorted({profile.platform for profile in identifier.profiles})]
    folders = [data / "photos" / name for name in SPLITS[arguments.split]]
    rows = emulated(photographs(folders, count=arguments.count, rng=rng), mains, identifier, rng)
    numbers = {"emulated": _print_emulated([row for row in rows if row.truth]), "reliability": _print_reliability(rows)}
    numbers["unshared"] = _print_unshared(rows, data, identifier, rng)
    numbers["real"] = _print_real(data, identifier) | _print_facts(data, identifier)
    print_environment()
    if arguments.json:
        content = {"environment": environment(), "photographs": arguments.count, **numbers}
        arguments.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _print_emulated(rows: list[Judged]) -> dict[str, str]:
    strict = [row.found.candidates[0].platform == row.truth for row in rows]
    alike = [row.found.candidates[0].platform in row.alike for row in rows]
    over_none = [row.found.none < row.found.candidates[0].probability for row in rows]
    possible = sum(1 / len(row.alike) for row in rows) / len(rows)
    print(f"Emulated uploads, main routes: n = {len(rows)}")
    by_platform: defaultdict[str, list[Judged]] = defaultdict(list)
    for row in rows:
        by_platform[str(row.truth)].append(row)
    table = []
    for platform, mine in sorted(by_platform.items()):
        right = sum(row.found.candidates[0].platform in row.alike for row in mine)
        exact = sum(row.found.candidates[0].platform == platform for row in mine)
        firsts = [(row.found.candidates[0].platform, row.alike) for row in mine]
        wrong = Counter(first for first, same in firsts if first not in same)
        answered_none = sum(not row.found.answer for row in mine)
        confused = ", ".join(f"{other} {count}" for other, count in wrong.most_common()) or "-"
        table.append([platform, str(len(mine)), str(exact), str(right), str(answered_none), confused])
    print_table(("platform", "n", "strict", "alike", "'none' answered", "taken for"), table)
    print("\nAlways alike (the same signature for every upload here): " + _groups(by_platform))
    found = {
        "top-1, strict": _share(strict),
        "most that strict can reach where networks serve the same": f"{100 * possible:.1f} %",
        "top-1, alike as one answer": _share(alike),
        "likeliest platform above 'none'": _share(over_none),
    }
    for kind in sorted({row.kind for row in rows}):
        of_kind = [ok for row, ok in zip(rows, alike, strict=True) if row.kind == kind]
        found[f"top-1, alike, {kind} uploads"] = _share(of_kind)
    for name, number in found.items():
        print(f"{name}: {number}")
    print(f"The intervals take files as independent, but they come from {len(rows) // len(by_platform)} uploads.")
    return found


def _groups(by_platform: dict[str, list[Judged]]) -> str:
    groups = {frozenset.intersection(*(row.alike for row in mine)) for mine in by_platform.values()}
    several = [" = ".join(sorted(group)) for group in groups if len(group) > 1]
    return "; ".join(sorted(several)) or "none"


def _print_reliability(rows: list[Judged]) -> dict[str, object]:
    """Every probability of 1 % and more against how often it came true; files weighed as in the prior."""
    edges = (0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 0.9, 0.97, 1.0001)
    said = [(row.found.none, row.truth is None, row.weight) for row in rows]
    said += [(one.probability, one.platform == row.truth, row.weight) for row in rows for one in row.found.candidates]
    print(f"\nReliability, in the mixture of the prior (half none of these): n = {len(rows)} files")
    table, error, total = [], 0.0, sum(weight for _, _, weight in said)
    for low, high in zip((0.0, *edges), edges, strict=False):
        inside = [one for one in said if low <= one[0] < high]
        mass = sum(weight for _, _, weight in inside)
        if not mass:
            continue
        mean = sum(probability * weight for probability, _, weight in inside) / mass
        true = sum(weight for _, came_true, weight in inside if came_true) / mass
        error += mass / total * abs(mean - true)
        table.append([f"{low:.2f}-{min(high, 1):.2f}", str(len(inside)), f"{mean:.3f}", f"{true:.3f}"])
    print_table(("probability", "n", "said", "came true"), table)
    tops = [_top(row) for row in rows]
    top_error = _expected_error(tops)
    loss = sum(-row.weight * math.log(max(_of_truth(row), 1e-12)) for row in rows) / sum(row.weight for row in rows)
    print(f"expected calibration error, all probabilities: {error:.4f}; of the likeliest: {top_error:.4f}")
    print(f"mean log loss: {loss:.3f} nats")
    return {"ece_all": error, "ece_top": top_error, "log_loss_nats": loss, "n": len(rows)}


def _of_truth(row: Judged) -> float:
    if row.truth is None:
        return row.found.none
    return next(one.probability for one in row.found.candidates if one.platform == row.truth)


def _top(row: Judged) -> tuple[float, bool, float]:
    best = row.found.candidates[0]
    if row.found.none >= best.probability:
        return row.found.none, row.truth is None, row.weight
    return best.probability, best.platform == row.truth, row.weight


def _expected_error(said: list[tuple[float, bool, float]], *, bins: int = 10) -> float:
    total = sum(weight for _, _, weight in said)
    error = 0.0
    for index in range(bins):
        inside = [one for one in said if index == min(bins - 1, int(one[0] * bins))]
        error += abs(sum((probability - came_true) * weight for probability, came_true, weight in inside)) / total
    return error


def _print_unshared(rows: list[Judged], data: Path, identifier: Identifier, rng: random.Random) -> dict[str, str]:
    """How often "none of these" is likelier than all networks together."""
    kinds: defaultdict[str, list[bool]] = defaultdict(list)
    for row in rows:
        if row.truth is None:
            name = "invented network" if row.kind == "stranger" else f"never shared, {row.kind}"
            kinds[name].append(not row.found.answer)
    for path in photographs([data / "photos" / "full_size", data / "photos" / "kodak"], count=12, rng=rng):
        kinds["never shared, as they lie (full_size, kodak)"].append(not identifier.of(path.read_bytes()).answer)
    for path in photographs([data / "photos" / "clothing_cc0"], count=40, rng=rng):
        picture = read_picture(path.read_bytes(), name=path.name).image.convert("RGB")
        kinds["never shared, camera, clothing_cc0"].append(not identifier.of(camera_jpeg(picture, rng)).answer)
    print("\n'None of these' answered (likelier than all networks together)")
    found = {name: _share(answers) for name, answers in sorted(kinds.items())}
    for name, number in found.items():
        print(f"  {name}: {number}")
    return found


def _print_real(data: Path, identifier: Identifier) -> dict[str, object]:
    rows: list[Judged] = []
    table = []
    for platform, name in SERVED:
        found = identifier.of((data / "platform_files" / name).read_bytes())
        rows.append(Judged(platform, "real", found, frozenset()))
        table.append(_line(rows[-1], Path(name).name[-44:]))
    print("\nReal files as served, by content alone (rank among platforms; equal probabilities share a rank)")
    print_table(("file", "from", "rank", "probability", "none", "likeliest"), table)
    top2 = _share([row.rank <= 2 for row in rows])
    print(f"in the top 2: {top2}")
    return {"files_top2": top2}


def _print_facts(data: Path, identifier: Identifier) -> dict[str, object]:
    rows: list[Judged] = []
    table = []
    for platform, label, signature in recorded(data / "platform_files" / "measured_profiles.json"):
        try:
            found = identify(signature, name="", profiles=identifier.profiles)
        except RepostError as error:
            print(f"left out: {label}: {error}")
            continue
        rows.append(Judged(platform, "facts", found, frozenset()))
        table.append(_line(rows[-1], label))
    print("\nFacts written down of served files")
    print_table(("case", "from", "rank", "probability", "none", "likeliest"), table)
    top1, top2 = _share([row.rank == 1 for row in rows]), _share([row.rank <= 2 for row in rows])
    print(f"first: {top1}\nin the top 2: {top2}")
    return {"facts_top1": top1, "facts_top2": top2}


def _line(row: Judged, label: str) -> list[str]:
    best = [f"{one.platform} {one.probability:.3f}" for one in row.found.candidates[:3]]
    return [label, str(row.truth), str(row.rank), f"{_of_truth(row):.3f}", f"{row.found.none:.3f}", ", ".join(best)]


def _share(outcomes: list[bool]) -> str:
    """A share with its 95 % Wilson interval."""
    n, hits = len(outcomes), sum(outcomes)
    if not n:
        return "n = 0"
    share = hits / n
    centre = (share + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
    half = Z_95 * math.sqrt(share * (1 - share) / n + Z_95**2 / (4 * n * n)) / (1 + Z_95**2 / n)
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return f"{hits}/{n} = {100 * share:.1f} % (95 %: {100 * low:.1f} to {100 * high:.1f} %)"


if __name__ == "__main__":
    main()
