"""Rules: pairs are split where their treatment changes, and each upload meets the rule of its own group."""

from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pair_samples import encoded, finding, findings_of_any_kind
from repost.estimation.images.finding import Treatment
from repost.estimation.images.schema import NUMBERS, SCHEMA
from repost.estimation.rules.group import group, usual_limit
from repost.estimation.rules.split import Limit

numbers = st.floats(0, 1e9, allow_nan=False)


@given(st.sampled_from(NUMBERS), numbers, numbers, st.booleans())
def test_a_limit_lies_between_the_observations(feature, one, other, at_low):
    low, high = sorted((one, other))
    if low == high:
        return
    found = usual_limit(feature, low, high, at_low=at_low)
    assert low <= found < high if at_low else low < found <= high


@pytest.mark.parametrize(
    ("feature", "low", "high", "expected"),
    [("long_side_px", 2001, 2100, 2048), ("width_px", 1279, 1281, 1280), ("pixel_count", 811_000, 1_234_000, 1_000_000),
     ("size_bytes", 4_890_000, 5_130_000, 5_000_000), ("height_px", 1001, 1002, 1001),
     ("busyness", 0.21, 0.31, 0.3), ("pixel_count", 310_000, 520_000, 500_000),
     ("pixel_count", 610_000, 980_000, 800_000)],
)  # fmt: skip
def test_usual_and_round_numbers_are_preferred(feature, low, high, expected):
    assert usual_limit(feature, low, high) == expected


def test_over_includes_the_low_end_and_under_the_high_end():
    assert usual_limit("long_side_px", 2048, 2049) == 2048
    assert usual_limit("long_side_px", 2047, 2048, at_low=False) == 2048


@dataclass(frozen=True)
class FactsOf:
    """The facts that conditions ask of an upload."""

    format: str
    animated: bool
    has_alpha: bool
    rotated: bool
    codec: None = None


def rule_met(groups, one):
    """Index of the first group whose conditions an upload meets."""
    shown = one.features
    facts = FactsOf(shown.format, shown.animated, shown.has_alpha, shown.rotated)
    return next(
        index for index, part in enumerate(groups) if part.when.matches(facts, lambda name: getattr(shown, name))
    )


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(findings_of_any_kind())
def test_every_upload_meets_the_rule_of_its_own_group(findings):
    groups = group(findings, SCHEMA)
    assert groups[-1].when.always
    assert sorted(one.name for part in groups for one in part.findings) == [one.name for one in findings]
    for index, part in enumerate(groups):
        assert {rule_met(groups, one) for one in part.findings} == {index}


def test_pairs_that_agree_are_one_rule():
    (part,) = group([finding(index, before=(500 + index, 400)) for index in range(40)], SCHEMA)
    assert (part.name, part.disorder, part.conditions) == ("any", 0, ())


def test_a_quality_alone_makes_no_rule():
    assert len(group([finding(index, treatment=encoded(60 + index)) for index in range(30)], SCHEMA)) == 1


@pytest.mark.parametrize("feature", ["long_side_px", "pixel_count", "size_bytes", "bits_per_pixel", "busyness"])
def test_the_feature_that_decides_is_found(feature):
    """Uploads of many sizes whose other features say nothing about the treatment."""
    pairs = []
    for index in range(60):
        side, odd = 300 + 37 * ((7 * index) % 60), (11 * index) % 60
        shown = {"size_bytes": 10_000 + 991 * odd, "bits_per_pixel": 0.5 + ((13 * index) % 60) / 20,
                 "busyness": 3 + ((17 * index) % 60) / 3}  # fmt: skip
        one = finding(index, before=(side, 200 + (23 * index) % 97), **shown)
        pairs.append(one)
    middle = sorted(getattr(one.features, feature) for one in pairs)[30]
    pairs = [
        one.model_copy(
            update={
                "treatment": encoded(80).but(subsampling="4:4:4" if getattr(one.features, feature) >= middle else None)
            }
        )
        if getattr(one.features, feature) >= middle
        else one
        for one in pairs
    ]
    groups = group(pairs, SCHEMA)
    assert len(groups) == 2
    split = groups[0].conditions[0].split
    assert isinstance(split, Limit)
    assert feature in (split.feature, *split.also)
    assert split.high == middle or feature in split.also
    assert all(part.disorder == 0 for part in groups)


def test_formats_make_rules():
    png = encoded(85).but(progressive=False, optimize_huffman=True)
    pairs = [
        finding(index, before=(400 + 13 * ((5 * index) % 24), 300), format=format_, treatment=png if other else None)
        for index in range(24)
        for format_, other in [(("jpeg", "png", "webp")[index % 3], index % 3 == 1)]
    ]
    groups = group(pairs, SCHEMA)
    assert (groups[0].name, groups[0].when.format, len(groups)) == ("png", ("png",), 2)


def test_three_treatments_by_size_are_three_rules_in_order():
    pairs = []
    for index in range(45):
        side = 300 + 50 * index
        treatment = Treatment(kind="passthrough") if side < 800 else encoded(80).but(progressive=side < 1900)
        pairs.append(finding(index, before=(side, side), treatment=treatment))
    groups = group(pairs, SCHEMA)
    assert [part.disorder for part in groups] == [0, 0, 0]
    seen = sorted((min(one.features.long_side_px for one in part.findings), len(part.findings)) for part in groups)
    assert seen == [(300, 10), (800, 22), (1900, 13)]


def test_a_rule_of_few_pairs_is_not_cut_in_two():
    """Of pictures with alpha there are few of any size; the size decides about the many others."""
    alpha, small, large = encoded(80), encoded(80).but(subsampling="4:4:4"), encoded(80).but(progressive=False)
    pairs = []
    for index in range(60):
        side, is_alpha = 300 + 50 * ((7 * index) % 60), index % 10 == 0
        treatment = alpha if is_alpha else small if side < 1800 else large
        pairs.append(finding(index, before=(side, 300), treatment=treatment, has_alpha=is_alpha))
    groups = group(pairs, SCHEMA)
    assert [part.disorder for part in groups] == [0, 0, 0]
    assert [len(part.findings) for part in groups if part.when.has_alpha] == [6]


def test_one_misfit_among_many_makes_no_rule():
    pairs = [finding(index, before=(400 + 13 * index, 300)) for index in range(60)]
    pairs[31] = finding(31, before=(803, 300), treatment=encoded(80).but(progressive=False, optimize_huffman=True))
    (part,) = group(pairs, SCHEMA)
    assert part.disorder == 1
