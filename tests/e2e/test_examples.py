"""The programs in docs/examples run as they are."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
NEEDS = {"torch_dataloader.py": "torch", "albumentations_transform.py": "albumentations", "datasets_map.py": "datasets"}

TRIED_ELSEWHERE = {"train_on_pairs.py"}  # it needs pairs: tests/unit/pairs/test_dataset_example.py


def test_every_example_is_tried():
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(NEEDS) | TRIED_ELSEWHERE


@pytest.mark.slow
@pytest.mark.parametrize("name", NEEDS)
def test_the_example_runs(name, photos, tmp_path):
    pytest.importorskip(NEEDS[name])
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), str(photos)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip()
