"""The program in docs/examples runs as it is, and learns something."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "train_on_pairs.py"


@pytest.mark.slow
def test_the_example_learns_what_the_network_does(tmp_path):
    pytest.importorskip("torch")
    for folder in ("original_images", "transmission_images/facebook"):
        (tmp_path / folder).mkdir(parents=True)
    names = [f"{number:06d}.png" for number in range(60)]
    for number, name in enumerate(names):
        pixels = np.random.default_rng(number).integers(40, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "original_images" / name)
        Image.fromarray(pixels - 30).save(tmp_path / "transmission_images/facebook" / name)
    rows = "".join(f"{name} 1\n" for name in names)
    (tmp_path / "attributes.txt").write_text(f"{len(names)}\nMale\n{rows}")
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), str(tmp_path)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr[-2000:]
    learnt, nothing = map(float, re.findall(r"(\d+\.\d+)", done.stdout.splitlines()[-1]))
    assert nothing == pytest.approx(30)
    assert learnt < 25
