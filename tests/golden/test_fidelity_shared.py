"""What networks really served, pair by pair: the emulation must stay as near as it was measured."""

import importlib.util
import math
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def fidelity():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        spec = importlib.util.spec_from_file_location("fidelity", BENCHMARKS / "fidelity.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules["fidelity"] = module
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(BENCHMARKS))
        sys.modules.pop("fidelity", None)


@pytest.fixture
def measured(fidelity, shared_data, tmp_path, monkeypatch):
    """The row of one pair."""
    monkeypatch.setenv("REPOST_PLATFORMS", str(tmp_path))
    folder = shared_data / "platform_files"

    def of(profile, served):
        pairs = [pair for pair in fidelity.PAIRS if pair[0] == profile and pair[2].endswith(served)]
        assert len(pairs) == 1
        name, uploaded, came_back = pairs[0]
        return fidelity.measure(name, folder / uploaded, folder / came_back)

    return of


@pytest.mark.parametrize(
    ("profile", "served", "same_file"),
    [
        ("twitter/avatar@2023", "Avatar/TwitterHigh.jpg", False),
        ("twitter/post@2024-08", "Post/TwitterHigh.jpg", False),
        ("linkedin/post@2023", "Post/LinkedinHigh.jpg", True),
        ("linkedin/post@2023", "Post/DefaultPost.jpg", True),
        ("linkedin/article@2023", "__Img_01_S2_q90_posted.jpg", True),
        ("instagram/post@2023", "InstagramHigh.jpg", False),
        ("instagram/post@2024-08", "InstagramHigh.jpg", False),
    ],
)
def test_every_pixel_is_as_served(measured, profile, served, same_file):
    row = measured(profile, served)
    assert row.exact_share == 1.0
    assert math.isinf(row.psnr_db_emulated)
    assert row.same_bytes == same_file
    assert abs(row.emulated_bytes - row.served_bytes) < 0.01 * row.served_bytes


@pytest.mark.parametrize(
    ("served", "least_psnr_db", "least_exact_share"),
    [("D01_I_nat_0002", 52.5, 0.74), ("D05_I_nat_0002", math.inf, 1.0), ("D02_I_nat_0002", 50.4, 0.75)],
)
def test_telegram_is_as_near_as_measured(fidelity, measured, served, least_psnr_db, least_exact_share):
    name = next(pair[2] for pair in fidelity.PAIRS if served in pair[2])
    row = measured("telegram/photo@2026-02", Path(name).name)
    assert row.psnr_db_emulated >= least_psnr_db
    assert row.exact_share >= least_exact_share
    assert row.psnr_db_emulated > row.psnr_db_peer + 2
    assert abs(row.emulated_bytes - row.served_bytes) < 0.002 * row.served_bytes
