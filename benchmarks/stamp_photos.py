"""Lay out the photographs of the stamp: for training, for validation, for calibration, for the test, disjoint.

    python benchmarks/stamp_photos.py ../shared/data build/stamp

writes folders of links (and of frames, as PNG). Only photographs whose licence allows weights to be shipped are trained
with: wallpapers and clothing under CC0, public domain or the Unsplash licence, frames of clips under the MIT and Apache
licences.
"""

from __future__ import annotations

import argparse
import random
import shutil
from pathlib import Path

from PIL import Image

PICTURES = {".jpg", ".jpeg", ".png"}
FRAMES_OF_A_CLIP = 6
CLIPS = ("liveportrait", "sam2")


def main() -> None:
    """Write the folders."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    told = parser.parse_args()
    for part, paths in parts(told.data).items():
        folder = told.out / part
        shutil.rmtree(folder, ignore_errors=True)  # of an earlier call; whatever else is in OUT stays
        folder.mkdir(parents=True)
        for path in paths:
            (folder / f"{path.parent.name}_{path.name}").symlink_to(path.resolve())
        print(f"{part}: {len(paths)} photographs")
    print(f"train: {_write_frames(told.data / 'videos', told.out / 'train')} frames of clips")


def parts(data: Path) -> dict[str, list[Path]]:
    """Which photograph serves for what.

    Args:
        data: Folder with `photos` and `faces`.

    Returns:
        Paths by part.
    """
    photos = data / "photos"
    wallpapers, clothing, diverse = (
        _shuffled(photos / name) for name in ("open_wallpapers", "clothing_cc0", "ubuntu_wallpapers")
    )
    other = [path for name in ("bsds500", "kodak") for path in _shuffled(photos / name)]
    return {
        "train": wallpapers[:49] + clothing[:120],
        "validation": wallpapers[49:] + clothing[120:140],
        "calibration": clothing[140:] + diverse[:60],
        "test": diverse[60:] + _shuffled(data / "faces" / "celebahq"),
        "looked_at": other,
        "negatives": _shuffled(photos / "clothing_cc0_256"),
    }


def _shuffled(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES)
    random.Random(0).shuffle(found)
    return found


def _write_frames(videos: Path, folder: Path) -> int:
    """Frames at equal distances, of every clip."""
    written = 0
    for clip in sorted(path for name in CLIPS for path in (videos / name).rglob("*.mp4")):
        frames = list(_frames(clip))
        for index in range(FRAMES_OF_A_CLIP):
            frame = frames[len(frames) * index // FRAMES_OF_A_CLIP]
            frame.save(folder / f"{clip.stem}_{index}.png")
            written += 1
    return written


def _frames(clip: Path) -> list[Image.Image]:
    import av

    with av.open(str(clip)) as container:
        every = max(1, (container.streams.video[0].frames or 240) // (2 * FRAMES_OF_A_CLIP))
        return [frame.to_image() for number, frame in enumerate(container.decode(video=0)) if number % every == 0]


if __name__ == "__main__":
    main()
