"""Shared photographs in a torch DataLoader: every worker and every epoch draws its own networks and qualities."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from repost import Repost


class Photos(Dataset):
    def __init__(self, folder: Path, share: Repost, side_px: int = 224) -> None:
        self.files = sorted(folder.glob("*.jpg"))
        self.share = share
        self.side_px = side_px

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> torch.Tensor:
        photo = Image.open(self.files[index]).convert("RGB")
        served = self.share(photo)  # networks resize: crop or resize after sharing, as a real viewer would get it
        served = served.resize((self.side_px, self.side_px))
        return torch.from_numpy(np.array(served)).permute(2, 0, 1).float() / 255


def main(folder: Path) -> None:
    """Load the photographs of a folder, shared anew each time."""
    share = Repost(["facebook", "twitter", "instagram"], p=0.8)
    loader = DataLoader(Photos(folder, share), batch_size=4, num_workers=2, shuffle=True)
    for epoch in range(2):
        for batch in loader:
            print(f"epoch {epoch}: {tuple(batch.shape)}, mean {batch.mean():.3f}")


if __name__ == "__main__":
    import sys

    if len(sys.argv) != 2 or not list(Path(sys.argv[1]).glob("*.jpg")):
        sys.exit(f"usage: python {sys.argv[0]} FOLDER, a folder with *.jpg files")
    main(Path(sys.argv[1]))
