"""Networks side by side: shares that equal counts, means with their intervals, size rules in words."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pair_samples import encoded, finding
from repost.estimation.images.finding import PairFinding, Treatment
from repost.estimation.images.investigate import Investigation, investigate


def pairs(qualities: list[int | None]) -> list[PairFinding]:
    kept = Treatment(kind="passthrough")
    return [
        finding(index, treatment=encoded(quality) if quality else kept).model_copy(update={"nearest_quality": quality})
        for index, quality in enumerate(qualities)
    ]


@given(st.lists(st.none() | st.integers(60, 99), min_size=1, max_size=40))
def test_shares_are_counts(qualities):
    found = investigate({"mine": pairs(qualities)}).qualities
    assert {one.quality: one.count for one in found} == {one: qualities.count(one) for one in qualities}
    assert all(one.share == one.count / len(qualities) for one in found)
    assert sum(one.share for one in found) == pytest.approx(1)


def test_change_at_each_size_with_its_interval():
    findings = [
        finding(index, before=(side, side // 2)).model_copy(update={"change": change})
        for index, (side, change) in enumerate([(300, 1.0), (300, 2.0), (300, 3.0), (900, 5.0)])
    ]
    small, large = investigate({"mine": findings}).changes
    assert (small.long_side_px, small.count, small.mean_change) == (300, 3, 2.0)
    # Student's t for two degrees of freedom is 4.3027; the standard error of 1, 2, 3 is 1 / sqrt(3).
    assert small.high == pytest.approx(2 + 4.3027 / 3**0.5, abs=1e-3)
    assert small.low == 0
    assert (large.mean_change, large.low, large.high) == (5.0, 5.0, 5.0)


@given(st.lists(st.integers(16, 9000), min_size=1, max_size=80))
def test_many_sizes_become_classes_that_hold_every_pair(sides):
    changes = investigate({"mine": [finding(index, before=(side, 16)) for index, side in enumerate(sides)]}).changes
    assert sum(one.count for one in changes) == len(sides)
    assert len(changes) <= max(16, 1)
    assert all(min(sides) <= one.long_side_px <= max(sides) for one in changes)


def test_size_rules_in_words():
    long_sides = [finding(index, before=(1000 + 50 * index, 700), after=None) for index in range(8)]
    resized = [
        one.model_copy(update={"size_after": (800, round(700 * 800 / one.size_before[0]))}) for one in long_sides
    ]
    (rule,) = investigate({"mine": resized}).size_rules
    assert (rule.uploads, rule.count, rule.resized) == ("any", 8, 8)
    assert "800 px" in rule.rule
    (kept,) = investigate({"mine": long_sides}).size_rules
    assert (kept.rule, kept.resized) == ("size kept", 0)


def test_networks_are_sorted():
    found = investigate({"b": pairs([80]), "a": pairs([90])})
    assert [one.platform for one in found.qualities] == ["a", "b"]


def test_files_hold_what_was_found(tmp_path):
    pytest.importorskip("matplotlib")
    from repost.report.figures import draw_investigation, write_investigation

    found = investigate({"beta": pairs([80, 80, 92, None]), "alpha": pairs([71])})
    written = write_investigation(found, tmp_path / "out")
    names = ["qualities.csv", "changes.csv", "size_rules.csv", "figure.svg", "figure.png"]
    assert [path.name for path in written] == names
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out" / "qualities.csv").read_text())))
    assert [(row["platform"], row["quality"], row["count"]) for row in rows] == [
        ("alpha", "71", "1"), ("beta", "80", "2"), ("beta", "92", "1"), ("beta", "", "1"),
    ]  # fmt: skip
    svg = (tmp_path / "out" / "figure.svg").read_text()
    assert all(words in svg for words in ("alpha", "beta", "JPEG quality", "mean absolute change"))
    assert draw_investigation(found) == draw_investigation(found)


def test_tables_are_written_without_matplotlib(tmp_path, monkeypatch):
    import sys

    from repost.core.errors import MissingExtra
    from repost.report.figures import write_investigation

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    found: Investigation = investigate({"mine": pairs([80])})
    with pytest.raises(MissingExtra, match=r"repost\[report\]"):
        write_investigation(found, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["changes.csv", "qualities.csv", "size_rules.csv"]
