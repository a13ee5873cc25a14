"""Learn what a network does to pictures from pairs: a small torch model, beside doing nothing, on unseen sources."""

import sys
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from repost.pairs.dataset import PairedDataset, PairSettings, Split, to_tensors
from repost.pairs.dataset_manifest import from_manifest
from repost.pairs.dataset_records import PairListing
from repost.pairs.published import from_published

EPOCHS = 3


class Residual(torch.nn.Module):
    """Adds what it has learnt to the picture; before it has learnt anything it adds nothing."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        last = torch.nn.Conv2d(width, 3, 3, padding=1)
        torch.nn.init.zeros_(last.weight)
        torch.nn.init.zeros_(last.bias)
        self.layers = torch.nn.Sequential(torch.nn.Conv2d(3, width, 3, padding=1), torch.nn.ReLU(), last)

    def forward(self, original: torch.Tensor) -> torch.Tensor:
        """Original in, transmitted out: float32 NCHW RGB in [0, 1]."""
        return original + self.layers(original)


def load(listing: PairListing, split: Split) -> PairedDataset:
    """One part of the sources; both pictures of a training pair are flipped together."""
    settings = PairSettings(split=split, size="original", flip_chance=0.5 if split == "train" else 0.0, seed=1)
    return PairedDataset(listing, settings, transform=to_tensors)


@torch.no_grad()
def mean_error(model: torch.nn.Module, data: PairedDataset) -> float:
    """Mean absolute error over all pairs, in grey levels."""
    errors = [(model(pair.original[None]) - pair.transmitted[None]).abs().mean().item() * 255 for pair in data]
    return sum(errors) / len(errors)


def main(folder: Path) -> None:
    """Train on pairs that `repost pairs recover` made, or on the published data set."""
    listing = from_manifest(folder) if (folder / "pairs.json").is_file() else from_published(folder)
    train, held_out = load(listing, "train"), load(listing, "validation")
    if not len(train) or not len(held_out):
        sys.exit(f"{len(listing.records)} pairs are too few to hold some out")
    model = Residual()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    loader = DataLoader(train, batch_size=8, shuffle=True, num_workers=2, persistent_workers=True)
    for epoch in range(EPOCHS):
        train.set_epoch(epoch)  # other flips; the workers see it, too
        for original, transmitted, _attributes, _platforms in loader:
            optimiser.zero_grad()
            (model(original) - transmitted).abs().mean().backward()
            optimiser.step()
        learnt, nothing = mean_error(model, held_out), mean_error(torch.nn.Identity(), held_out)
        print(f"epoch {epoch}: {learnt:.3f} grey levels off on held-out sources, {nothing:.3f} without")


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit(f"usage: python {sys.argv[0]} FOLDER, pairs from `repost pairs recover` or the published data set")
    torch.manual_seed(1)
    main(Path(sys.argv[1]))
