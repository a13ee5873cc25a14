"""The Ray engine gives what the local one gives."""

import pytest
from batch_works import Shout, make_items

from repost.batch import Summary, run

pytestmark = pytest.mark.slow

TEXTS = {f"{n:02}.txt": f"text {n}" for n in range(12)} | {
    "damaged.txt": "damaged",
    "half.txt": "bug@b",
    "kill.txt": "kill@b",
    "places.txt": "places",
    "skip.txt": "skip",
}


@pytest.fixture(autouse=True)
def _ray():
    pytest.importorskip("ray", reason="ray is not installed: pip install 'repost[ray]'")


@pytest.mark.filterwarnings("default")  # ray and what it imports warn for themselves
def test_ray_gives_the_same_manifest_resumes_and_stops_early(tmp_path):
    items = make_items(tmp_path / "source", TEXTS)
    local, out = tmp_path / "local", tmp_path / "out"
    list(run(items, Shout(local), out=local, jobs=2))
    events = run(items, Shout(out), out=out, jobs=2, engine="ray")
    for _ in range(4):
        next(events)
    events.close()
    events = list(run(items, Shout(out), out=out, jobs=2, engine="ray"))
    assert events[-1].summary.reused >= 2
    assert (out / "manifest.jsonl").read_bytes() == (local / "manifest.jsonl").read_bytes()
    assert events[-1].summary == Summary(done=26, failed=6, skipped=2, reused=events[-1].summary.reused)
