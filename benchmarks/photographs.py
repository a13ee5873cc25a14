"""Real photographs that come with scikit-image and scikit-learn, as far as those are installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_FILES = (
    ("skimage", "data", ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")),
    ("sklearn", "datasets/images", ("china.jpg", "flower.jpg")),
)


def photographs() -> list[NDArray[np.uint8]]:
    """RGB arrays of several hundred px."""
    found = []
    for module, folder, names in _FILES:
        spec = importlib.util.find_spec(module)
        for location in (spec.submodule_search_locations or ()) if spec else ():
            paths = (Path(location) / folder / name for name in names)
            found += [np.asarray(Image.open(path).convert("RGB")) for path in paths if path.is_file()]
    return found
