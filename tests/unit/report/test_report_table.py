"""Tables for the terminal."""

import io

import numpy as np
import pytest
from rich.console import Console

from repost.channel import emulate
from repost.platforms import Profile
from repost.report import words
from repost.report.table import platforms_table, print_shares, share_table

PROFILE = Profile.model_validate(
    {
        "platform": "test", "observed": "2024-05", "summary": "halves [bold]everything[/bold]",
        "evidence": [{"kind": kind, "source": "s"} for kind in ("measured", "inferred", "measured")],
        "unknown": ["rules.0.steps.0.kernel"],
        "rules": [{"media": "image", "name": "all", "steps": [
            {"op": "resize", "fit": "long_side", "px": 20, "kernel": "box"},
            {"op": "encode", "codec": "jpeg", "quality": 77, "subsampling": "4:4:4"},
        ]}],
    }
)  # fmt: skip


def rendered(table, width):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(table)
    return console.file.getvalue()


@pytest.fixture
def rows():
    trace = emulate(np.full((40, 30, 3), 99, np.uint8), PROFILE).trace.to_dict()
    done = {"source": "a[red].png", "platform": "test", "status": "done", "error": None, "output": "test/a.jpg"}
    numbers = {"psnr_db": 31.26, "ssim": 0.9999, "identical": False}
    failed = {"source": "b\x1b[2J.png", "platform": "test", "status": "failed", "error": "cut \x07short", "trace": None}
    planned = {"source": "c.png", "platform": "test", "status": "planned", "error": None, "output": "test/c.jpg"}
    return [done | {"trace": trace, "metrics": numbers}, failed | {"metrics": None}, planned | {"rule": "all"}]


@pytest.mark.parametrize("width", [80, 100, 200])
def test_everything_that_is_known_is_said_at_every_width(rows, width):
    said = " ".join(rendered(share_table(rows, width=width), width).split())
    for fact in (
        "a[red].png", "15×20", "77", "31.3 dB", "0.999", "resized 30x40 to 15x20 (box?)", "failed: cut \\x07short",
        "b\\x1b[2J.png", "would follow rule 'all' and write test/c.jpg",
    ):  # fmt: skip
        assert fact in said
    assert "\x1b" not in said
    assert "\x07" not in said


@pytest.mark.parametrize("width", [80, 200])
def test_no_line_is_wider_than_the_terminal(rows, width):
    assert max(len(line) for line in rendered(share_table(rows, width=width), width).splitlines()) <= width


def test_nothing_measured_means_no_columns_for_it(rows):
    unmeasured = [row | {"metrics": None} for row in rows]
    assert "PSNR" not in rendered(share_table(unmeasured, width=200), 200)
    assert "PSNR" in rendered(share_table(rows, width=200), 200)


def test_platforms_are_listed_with_their_evidence():
    older = PROFILE.model_copy(update={"observed": "2023"})
    side = PROFILE.model_copy(update={"route": "message", "main_route": False})
    lines = [" ".join(line.split()) for line in rendered(platforms_table([PROFILE, older, side]), 120).splitlines()]
    assert "test 2024-05 halves [bold]everything[/bold] measured, inferred 1" in lines
    assert any(line.startswith("test@2023 2023") for line in lines)
    assert any(line.startswith("test/message 2024-05") for line in lines)


def test_printing_says_when_there_is_more(rows, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    print_shares(rows, more=True)
    assert "the manifest has them all" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("size_bytes", "said"),
    [(None, "–"), (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (999_950, "1.0 MB")],
)
def test_file_sizes_are_decimal(size_bytes, said):
    assert words.bytes_in_words(size_bytes) == said


def test_a_similarity_short_of_one_is_never_rounded_up_to_it():
    assert words.ssim_in_words(0.99999) == "0.999"
    assert words.ssim_in_words(1.0) == "1.000"
    assert words.ssim_in_words(-0.25) == "-0.250"


def test_assumptions_of_steps_that_did_nothing_are_not_named():
    small = PROFILE.model_copy(update={"unknown": ("rules.0.steps.0.kernel", "rules.0.steps.1.quality")})
    resized = emulate(np.zeros((40, 30, 3), np.uint8), small).trace
    kept = emulate(np.zeros((20, 10, 3), np.uint8), small).trace
    assert resized.assumed == ("resize.kernel", "encode.quality")
    assert kept.assumed == ("encode.quality",)
    assert words.quality_in_words(kept) == "77?, 4:4:4"


def test_a_step_assumed_as_a_whole_casts_doubt_on_its_quality():
    steps = PROFILE.model_copy(update={"unknown": ("rules.0.steps.1",)})
    trace = emulate(np.zeros((20, 10, 3), np.uint8), steps).trace
    assert words.quality_in_words(trace) == "77?, 4:4:4"
    assert trace.assumed == ("encode",)
