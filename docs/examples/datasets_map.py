"""A whole dataset shared once, with `datasets.map`: a seed makes the result the same for any number of processes."""

from pathlib import Path

from datasets import Dataset, Features, Value
from datasets import Image as ImageFeature

from repost import Repost


def main(folder: Path) -> None:
    """Share every photograph of a folder as a data set."""
    photos = Dataset.from_dict(
        {"image": [str(path) for path in sorted(folder.glob("*.jpg"))]}, features=Features({"image": ImageFeature()})
    )
    share = Repost(["facebook", "twitter"], seed=7)

    def shared(row: dict) -> dict:
        served = share(row["image"].convert("RGB"))
        return {"image": served, "width_px": served.width}

    features = Features({"image": ImageFeature(), "width_px": Value("int32")})
    result = photos.map(shared, features=features, num_proc=2)
    print(result)
    print("widths:", result["width_px"][:])


if __name__ == "__main__":
    import sys

    if len(sys.argv) != 2 or not list(Path(sys.argv[1]).glob("*.jpg")):
        sys.exit(f"usage: python {sys.argv[0]} FOLDER, a folder with *.jpg files")
    main(Path(sys.argv[1]))
