"""How visible a stamp is by Butteraugli, with the program of Debian's package libjxl-devtools."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from repost.core.errors import RepostError
from repost.stamp.evaluation.marker import Marker
from repost.stamp.evaluation.splits import Photo

PROGRAM = "butteraugli_main"


def butteraugli(marker: Marker, photos: Sequence[Photo]) -> dict[str, float] | str:
    """Butteraugli distances of stamped photographs, as saved in PNG.

    Args:
        marker: Who stamps.
        photos: The photographs; one that the marker refuses is left out.

    Returns:
        "median", "worst" (the greatest) and "count"; or why there are none.
    """
    if shutil.which(PROGRAM) is None:
        return f"not measured: {PROGRAM} is not installed (Debian: apt install libjxl-devtools)"
    found = []
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "cover.png", Path(folder) / "stamped.png"
        for photo in photos:
            with Image.open(photo.path) as opened:
                cover = np.asarray(opened.convert("RGB"))
            try:
                stamped = marker.stamp(cover)
            except RepostError:
                continue
            Image.fromarray(cover).save(before, compress_level=1)
            Image.fromarray(stamped).save(after, compress_level=1)
            found.append(_distance(before, after))
    if not found:
        return "not measured: every photograph was refused"
    return {"median": float(np.median(found)), "worst": max(found), "count": len(found)}


def _distance(before: Path, after: Path) -> float:
    """The maximum over the picture, which the program prints first."""
    said = subprocess.run([PROGRAM, before, after], check=True, capture_output=True, text=True).stdout
    number = re.match(r"\s*([0-9.]+)", said)
    assert number is not None, said
    return float(number[1])
