"""How many tiles `repost pairs recover` finds again, how many wrong ones it accepts, and how long it takes.

    python benchmarks/recovery.py [--photos DIR] [--sheets 40] [--seed 0] [--part true|wrong|full ...]
                                  [--condition NAME ...] [--json FILE]

Small photographs are stitched into sheets; every sheet is renamed, shuffled and put through one condition: JPEG of
quality 55-94 (in rows of their own WebP, HEIC and AVIF of that quality; HEIC needs pillow-heif), and before it a resize
to 640-1440 px with one of four kernels, the 4:5 crop of Instagram, quarter turns, flat padding, a watermark in a
corner, or several of these. A tile counts when all of it is in the download; tiles under the watermark do not. It is
wrong when it came from another sheet or was cut more than 1 px of the download away from its place, and then it must
not be accepted.

Wrong downloads: sheets of other photographs; the right photographs in another order; sheets and single tiles replaced
by look-alikes: moved by 2, 3 or 8 px, enlarged by 2 or 5 %, mirrored, or with a patch of 48 px from elsewhere. Half of
them come back as JPEG, half as WebP.

The pictures judged are none of those the constants were set on (wallpapers of Ubuntu, the first 400 faces).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from environment import environment, print_environment
from recovery_scenes import (
    LOOK_ALIKES,
    PHOTOS,
    QUALITIES,
    SHEET_PX,
    TILE_PX,
    TURNS,
    Truth,
    judged_photographs,
    look_alike,
    middle,
    serve,
    with_room,
)
from repost.core.extras import require
from repost.metrics.intervals import wilson
from repost.pairs.downloads import list_downloads, luma_of, rgb_of
from repost.pairs.manifest import PairManifest, Sheet, SheetManifest, TilePair, load_pairs
from repost.pairs.match import Matcher
from repost.pairs.recover import recover
from repost.pairs.sheets import make_sheets, settings_for
from tables import print_table

PARTS = ("true", "wrong", "full")
CONDITIONS = (
    "plain", "resize", "crop", "turn", "pad", "watermark", "resize crop turn", "resize pad turn", "crop resize pad",
    "webp", "resize webp", "heic", "resize heic", "avif", "resize avif",
)  # fmt: skip
CONVERTED = {"webp": {}, "heic": {}, "avif": {"speed": 8}}
"""Encoder settings beside the quality; AVIF at its default speed would take most of the time."""


@dataclass(slots=True)
class Score:
    """Counts of one condition."""

    name: str
    sheets: int = 0
    sheets_found: int = 0
    tiles_visible: int = 0
    tiles_found: int = 0
    accepted: int = 0
    wrong: int = 0
    seconds: float = 0.0
    seconds_to_find: float = 0.0
    refusals: dict[str, int] = field(default_factory=dict)


def main() -> None:
    """Run every condition and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=PHOTOS, help="folder that holds faces/ and photos/, or images")
    parser.add_argument("--sheets", type=int, default=40, help="sheets for each condition")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", choices=PARTS, action="append", help="only this; repeatable")
    parser.add_argument("--condition", choices=CONDITIONS, action="append", help="of true downloads; repeatable")
    parser.add_argument("--json", type=Path, help="write the numbers here too")
    arguments = parser.parse_args()
    require("pillow_heif", extra="heif").register_heif_opener()
    paths = judged_photographs(arguments.photos)
    if not paths:
        print(f"nothing measured: no photographs at {arguments.photos}")
        return
    rng = random.Random(arguments.seed)
    rng.shuffle(paths)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), paths, arguments.sheets, rng)
        parts = arguments.part or PARTS
        scores = [bench.condition(name) for name in arguments.condition or CONDITIONS if "true" in parts]
        fakes = [bench.foreign(), bench.reordered()] if "wrong" in parts else []
        fakes += [bench.look_alikes(kind) for kind in LOOK_ALIKES if "wrong" in parts]
        planted = [bench.planted(kind) for kind in LOOK_ALIKES if "wrong" in parts]
        timed = [bench.timed(name) for name in ("plain", "resize", "crop", "resize crop turn") if "full" in parts]
    report(scores, fakes, planted, timed)
    if arguments.json:
        groups = {"conditions": scores, "wrong_sheets": fakes, "planted_tiles": planted, "full_sheets": timed}
        content = {"environment": environment()} | {k: [asdict(score) for score in v] for k, v in groups.items()}
        arguments.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


class Bench:
    """Makes sheets, plays the network, recovers and counts."""

    def __init__(self, folder: Path, photos: Sequence[Path], sheets: int, rng: random.Random) -> None:
        self.folder, self.photos, self.sheets, self.rng = folder, list(photos), sheets, rng
        self.used = 0
        self.runs = 0

    def condition(self, name: str) -> Score:
        """True downloads of one kind."""
        run = self._upload(self.sheets)
        truths: dict[str, tuple[Sheet, Truth]] = {}
        for sheet in run.manifest.sheets:
            image = Image.open(run.upload / sheet.file).convert("RGB")
            served, truth = self._serve(run, image, name)
            truths[served] = (sheet, truth)
        return self._count(run, name, truths)

    def timed(self, name: str) -> Score:
        """The same with sheets of the largest size, for the time alone."""
        run = self._upload(8, full=True)
        truths: dict[str, tuple[Sheet, Truth]] = {}
        for sheet in run.manifest.sheets:
            image = Image.open(run.upload / sheet.file).convert("RGB")
            served, truth = self._serve(run, image, name)
            truths[served] = (sheet, truth)
        score = self._count(run, name, truths)
        score.seconds_to_find = _seconds_to_find(run)
        return score

    def foreign(self) -> Score:
        """Downloads of sheets of other photographs."""
        run, other = self._upload(self.sheets // 2), self._upload(self.sheets // 2)
        for sheet in other.manifest.sheets:
            self._serve(run, Image.open(other.upload / sheet.file).convert("RGB"), self.rng.choice(["plain", "webp"]))
        return self._count(run, "sheets of other photographs", {})

    def reordered(self) -> Score:
        """Downloads of sheets with the same photographs in another order."""
        run = self._upload(self.sheets // 2, least_tiles=2)
        for sheet in run.manifest.sheets:
            image = Image.open(run.upload / sheet.file).convert("RGB")
            boxes = [tile.box.edges for tile in sheet.tiles]
            moved = image.copy()
            order = list(range(len(boxes)))
            while any(place == index for place, index in enumerate(order)):
                self.rng.shuffle(order)
            for index, box in zip(order, boxes, strict=True):
                moved.paste(image.crop(boxes[index]), box[:2])
            self._serve(run, moved, self.rng.choice(["plain", "webp"]))
        return self._count(run, "the same in another order", {})

    def look_alikes(self, kind: str) -> Score:
        """Downloads of sheets of which every tile is replaced by a look-alike."""
        run = self._upload(max(6, self.sheets // 5))
        for sheet in run.manifest.sheets:
            image = Image.open(run.upload / sheet.file).convert("RGB")
            for tile in sheet.tiles:
                image.paste(look_alike(self.rng, self.photos, run.originals[tile.source_id], kind), tile.box.edges[:2])
            self._serve(run, image, self.rng.choice(["plain", "webp"]))
        return self._count(run, f"every tile {kind}", {})

    def planted(self, kind: str) -> Score:
        """True downloads in which one tile in six is replaced by a look-alike; only those are counted."""
        run = self._upload(max(8, self.sheets // 2), least_tiles=4)
        score = Score(f"one tile in six {kind}", sheets=len(run.manifest.sheets))
        replaced: set[tuple[str, str]] = set()
        for sheet in run.manifest.sheets:
            image = Image.open(run.upload / sheet.file).convert("RGB")
            for index in self.rng.sample(range(len(sheet.tiles)), max(1, len(sheet.tiles) // 6)):
                tile = sheet.tiles[index]
                image.paste(look_alike(self.rng, self.photos, run.originals[tile.source_id], kind), tile.box.edges[:2])
                replaced.add((sheet.id, tile.source_id))
            self._serve(run, image, self.rng.choice(["plain", "webp"]))
        pairs = recover(run.upload, run.downloads, out=run.out)
        score.sheets_found, score.tiles_visible = len(pairs.files), len(replaced)
        score.wrong = sum((pair.sheet_id, pair.source_id) in replaced for pair in pairs.tiles)
        score.accepted = score.wrong
        return score

    def _upload(self, count: int, *, full: bool = False, least_tiles: int = 1) -> Run:
        """Sheets of photographs not used before, as far as there are enough."""
        self.runs += 1
        run = Run(self.folder / f"run{self.runs}")
        run.sources.mkdir(parents=True)
        run.downloads.mkdir()
        columns, rows = SHEET_PX[0] // TILE_PX, SHEET_PX[1] // TILE_PX
        settings = settings_for("facebook", tile_px=TILE_PX, format="jpeg")  # PNG would take most of the time to write
        wanted = count * columns * rows if full else round(count * (columns + 1) * (rows + 1) / 4)
        for _ in range(wanted):
            path = self.photos[self.used % len(self.photos)]
            name = f"{self.used:06d}.bmp"
            self.used += 1
            run.originals[name] = with_room(path)
            middle(run.originals[name]).save(run.sources / name)
        seed = self.rng.randrange(1 << 30)
        if full:
            run.manifest = _full_sheets(run, seed)
            return run
        made = make_sheets([run.sources], run.upload, platform="facebook", settings=settings, seed=seed)
        kept = tuple(sheet for sheet in made.sheets if len(sheet.tiles) >= least_tiles)
        run.manifest = made.model_copy(update={"sheets": kept})
        return run

    def _serve(self, run: Run, image: Image.Image, condition: str) -> tuple[str, Truth]:
        """Write what a network gives back under a name that says nothing."""
        served, truth = serve(self.rng, image, condition.split())
        name = hashlib.sha256(f"{self.runs} {self.rng.random()}".encode()).hexdigest()[:12]
        quality = self.rng.randint(*QUALITIES)
        for codec, settings in CONVERTED.items():
            if codec in condition.split():
                served.save(run.downloads / f"{name}.{codec}", quality=quality, **settings)
                return f"{name}.{codec}", truth
        served.save(run.downloads / f"{name}.jpg", quality=quality, subsampling=self.rng.choice([0, 2, 2]))
        return f"{name}.jpg", truth

    def _count(self, run: Run, name: str, truths: dict[str, tuple[Sheet, Truth]]) -> Score:
        start = time.process_time()
        pairs = recover(run.upload, run.downloads, out=run.out)
        score = Score(name, sheets=len(run.manifest.sheets), seconds=time.process_time() - start)
        names = {pair.sheet_id: pair for pair in load_pairs(run.out).files}
        visible = {
            (sheet.id, index)
            for sheet, truth in truths.values()
            for index in range(len(sheet.tiles))
            if truth.visible(sheet, index)
        }
        tile_count = sum(len(sheet.tiles) for sheet in run.manifest.sheets)
        score.tiles_visible = len(visible) if truths else tile_count
        for pair in pairs.tiles:
            file = names[pair.sheet_id]
            sheet, truth = truths.get(file.download_name, (None, Truth()))
            index = int(pair.id.rpartition("_")[2])
            right = sheet is not None and sheet.id == pair.sheet_id and file.registration.rotation == truth.turn_back
            if right:
                edges = truth.edges(sheet, index)
                right = all(abs(a - b) <= 1 for a, b in zip(pair.transmitted_box.edges, edges, strict=True))
                right = right and _is_cut_from(run.out, pair.transmitted, file.download, truth, pair)
            score.accepted += 1
            score.wrong += not right
            score.tiles_found += right and (pair.sheet_id, index) in visible
        score.sheets_found = len(pairs.files)
        score.refusals = _refusals(pairs, visible)
        return score


class Run:
    """The folders of one run."""

    def __init__(self, folder: Path) -> None:
        self.sources, self.upload = folder / "sources", folder / "upload"
        self.downloads, self.out = folder / "downloads", folder / "pairs"
        self.originals: dict[str, Image.Image] = {}
        self.manifest: SheetManifest


def _full_sheets(run: Run, seed: int) -> SheetManifest:
    from repost.pairs import sheets as part

    whole = (SHEET_PX[0] // TILE_PX, SHEET_PX[1] // TILE_PX)
    drawn: Callable[..., object] = part.draw_grids
    part.draw_grids = lambda count, _settings, _rng: [whole] * (count // (whole[0] * whole[1]))
    try:
        settings = settings_for("facebook", tile_px=TILE_PX)
        return make_sheets([run.sources], run.upload, platform="facebook", settings=settings, seed=seed)
    finally:
        part.draw_grids = drawn


def _seconds_to_find(run: Run) -> float:
    """Processor time to read sheets and downloads, match, register and verify, without writing pairs."""
    start = time.process_time()
    sheets = run.manifest.sheets
    matcher = Matcher(
        [[tile.box for tile in sheet.tiles] for sheet in sheets],
        lambda index: luma_of(rgb_of((run.upload / sheets[index].file).read_bytes(), name="sheet")),
        held=len(sheets),
    )
    for download in list_downloads(run.downloads):
        matcher.find(luma_of(rgb_of(download.path.read_bytes(), name=download.name)))
    return time.process_time() - start


def _is_cut_from(out: Path, transmitted: str, download: str, truth: Truth, pair: TilePair) -> bool:
    """Whether the tile's pixels are those of the download at the box, independently of the code that cut it."""
    with Image.open(out / download) as opened:
        image = opened.convert("RGB")
    if truth.turn_back:
        image = image.transpose(TURNS[truth.turn_back])
    cut = np.asarray(image.crop(pair.transmitted_box.edges))
    with Image.open(out / transmitted) as tile:
        return bool(np.array_equal(np.asarray(tile), cut))


def _refusals(pairs: PairManifest, visible: set[tuple[str, int]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in pairs.problems:
        if row.tile_index is None or (row.sheet_id, row.tile_index) in visible:
            reason = row.kind
            if row.kind == "tile_rejected":
                words = "".join(letter for letter in row.reason if not letter.isdigit())
                reason = " ".join(words.split()[:5])
            counts[reason] = counts.get(reason, 0) + 1
    return counts


def report(scores: list[Score], fakes: list[Score], planted: list[Score], timed: list[Score]) -> None:
    """Print the tables."""
    head = ("sheets", "tiles", "found", "share", "95 % interval", "wrong", "s/sheet")
    if scores:
        jpegs = _total("all JPEG", [score for score in scores if not set(CONVERTED) & set(score.name.split())])
        print_table(("true downloads", *head), [_found_row(score) for score in (*scores, jpegs)])
        for score in scores:
            if score.refusals:
                print(f"  not found, {score.name}: {score.refusals}")
    if fakes:
        rows = [_wrong_row(score) for score in (*fakes, *planted, _total("all", [*fakes, *planted]))]
        print_table(("wrong downloads", "sheets", "tiles offered", "accepted", "95 % upper"), rows)
    if timed:
        rows = [[*_found_row(score), f"{score.seconds_to_find / max(1, score.sheets):.3f}"] for score in timed]
        print_table(("sheets of 1280x2048", *head, "to find"), rows)
    every = [*scores, *timed, *fakes, *planted]
    offered, wrong = sum(score.tiles_visible for score in every), sum(score.wrong for score in every)
    print(f"\nwrong pairs accepted: {wrong} of {offered} tiles (95 % interval up to {wilson(wrong, offered)[1]:.2%})")
    print("seconds of processor time of one process: all of it, and without copying files and writing PNG ('to find')")
    print_environment()


def _total(name: str, scores: list[Score]) -> Score:
    total = Score(name)
    for score in scores:
        for key in ("sheets", "sheets_found", "tiles_visible", "tiles_found", "accepted", "wrong", "seconds"):
            setattr(total, key, getattr(total, key) + getattr(score, key))
    return total


def _found_row(score: Score) -> list[str]:
    low, high = wilson(score.tiles_found, score.tiles_visible)
    return [
        score.name,
        f"{score.sheets_found}/{score.sheets}",
        str(score.tiles_visible),
        str(score.tiles_found),
        f"{score.tiles_found / max(1, score.tiles_visible):.4f}",
        f"{low:.4f}-{high:.4f}",
        str(score.wrong),
        f"{score.seconds / max(1, score.sheets):.3f}",
    ]


def _wrong_row(score: Score) -> list[str]:
    upper = wilson(score.wrong, score.tiles_visible)[1]
    return [score.name, str(score.sheets), str(score.tiles_visible), str(score.accepted), f"{upper:.4f}"]


if __name__ == "__main__":
    main()
