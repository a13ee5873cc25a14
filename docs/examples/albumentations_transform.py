"""A network as an Albumentations transform, among others in a Compose."""

import os
from pathlib import Path

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask the internet for its newest version

import albumentations as A  # noqa: N812
import numpy as np
from PIL import Image

from repost import Repost


class Share(A.ImageOnlyTransform):
    """Put the image through a network; Albumentations decides how often."""

    def __init__(self, platforms: list[str], p: float = 0.5) -> None:
        super().__init__(p=p)
        self.share = Repost(platforms)

    def apply(self, img: np.ndarray, **_: object) -> np.ndarray:
        """Share one picture: uint8 HWC RGB in and out."""
        return self.share(img)


def main(folder: Path) -> None:
    """Augment every photograph of a folder."""
    transform = A.Compose([A.HorizontalFlip(p=0.5), Share(["facebook", "wechat"], p=1.0), A.Resize(224, 224)])
    for path in sorted(folder.glob("*.jpg")):
        image = np.array(Image.open(path).convert("RGB"))
        print(path.name, transform(image=image)["image"].shape)


if __name__ == "__main__":
    import sys

    if len(sys.argv) != 2 or not list(Path(sys.argv[1]).glob("*.jpg")):
        sys.exit(f"usage: python {sys.argv[0]} FOLDER, a folder with *.jpg files")
    main(Path(sys.argv[1]))
