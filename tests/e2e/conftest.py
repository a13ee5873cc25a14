from pathlib import Path

import pytest
import skimage.data
from PIL import Image

PROFILE = """
platform = "{name}"
observed = "2024"
summary = "a network for tests"
evidence = [{{ kind = "inferred", source = "this test" }}]
[[rules]]
media = "image"
name = "every image"
steps = [
  {{ op = "orient" }},
  {{ op = "resize", fit = "long_side", px = 200 }},
  {{ op = "encode", codec = "jpeg", quality = {{ choice = [60, 70, 80, 90] }} }},
]
"""


@pytest.fixture(scope="session")
def networks(tmp_path_factory) -> list[Path]:
    """Two profiles of the test's own, alike but for their names."""
    folder = tmp_path_factory.mktemp("networks")
    for name in ("alpha", "beta"):
        (folder / f"{name}.toml").write_text(PROFILE.format(name=name))
    return [folder / "alpha.toml", folder / "beta.toml"]


@pytest.fixture
def photos(tmp_path) -> Path:
    """A small folder of photographs with one inside a folder of its own."""
    folder = tmp_path / "photos"
    (folder / "trip").mkdir(parents=True)
    picture = Image.fromarray(skimage.data.coffee())
    for index, name in enumerate(["a.jpg", "b.jpg", "trip/c.jpg", "trip/d.png"]):
        picture.crop((index * 20, 0, index * 20 + 300, 200)).save(folder / name)
    return folder
