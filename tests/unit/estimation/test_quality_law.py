"""The law of the quality: constants, counts, and dependence on the upload beyond chance."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from pair_samples import encoded, finding
from repost.estimation.images.finding import Treatment
from repost.estimation.images.quality_law import intervals, quality_law
from repost.platforms.values import Value, draw

VALUE = TypeAdapter(Value)


def pairs_of(qualities, **settings):
    return [finding(index, treatment=encoded(quality), **settings) for index, quality in enumerate(qualities)]


def test_one_quality_is_a_number():
    assert quality_law(pairs_of([87] * 5)) == 87


def test_pairs_without_a_quality_have_no_law():
    assert quality_law([finding(treatment=Treatment(kind="passthrough"))]) is None
    assert quality_law([]) is None


@given(st.lists(st.integers(1, 100), min_size=2, max_size=60))
def test_shares_are_the_counts(qualities):
    """The uploads are all alike, so nothing can depend on them."""
    law = quality_law(pairs_of(qualities))
    counts = Counter(qualities)
    if len(counts) == 1:
        assert law == qualities[0]
        return
    assert law == {
        "choice": sorted(counts),
        "weights": [pytest.approx(counts[one] / len(qualities), abs=1e-4) for one in sorted(counts)],
    }


LIMITS = [("long_side_px", 900), ("busyness", 6.5), ("bits_per_pixel", 2.1), ("size_bytes", 200_000)]


def varied(number, *, count):
    """Uploads whose features are independent of each other."""
    rng = random.Random(number)
    for index in range(count):
        yield (
            index,
            {
                "before": (rng.randint(500, 1400), rng.randint(200, 480)),
                "size_bytes": rng.randint(50_000, 400_000),
                "bits_per_pixel": rng.uniform(0.5, 4),
                "busyness": rng.uniform(1, 12),
            },
        )


@pytest.mark.parametrize(("feature", "limit"), LIMITS)
def test_a_dependence_is_found_and_predicts_unseen_uploads(feature, limit):
    def quality(one):
        return 71 if getattr(one.features, feature) < limit else 92

    def shown(number, count):
        for index, features in varied(number, count=count):
            one = finding(index, **features)
            yield one.model_copy(update={"treatment": encoded(quality(one))})

    law = quality_law(list(shown(1, 120)))
    assert isinstance(law, dict)
    assert law["by"] == feature
    value = VALUE.validate_python(law)
    wrong = [
        one
        for one in shown(2, 300)
        if draw(value, features=lambda name, one=one: getattr(one.features, name), rng=random.Random(0))
        != one.treatment.quality
    ]
    assert len(wrong) <= 300 * 3 / 120, "wrong only between the last upload below the limit and the first above"


def test_nine_pairs_show_a_dependence_and_where_its_limit_lies():
    sides = (420, 500, 610, 700, 790, 850, 1130, 1400, 1900)
    pairs = [
        finding(
            side, before=(side, side), treatment=encoded(95 if side < 1000 else 80), size_bytes=9, busyness=side % 3
        )
        for side in sides
    ]
    law = quality_law(pairs)
    assert isinstance(law, dict)
    assert ([band["value"] for band in law["bands"]], law["otherwise"]) == ([95], 80)
    ends = tuple(getattr(pairs[place].features, law["by"]) for place in (5, 6))
    assert list(intervals(law, pairs, "q")) == [("q.bands.0.under", law["by"], ends)]


def test_one_odd_pair_shows_no_dependence():
    pairs = [
        finding(side, before=(side, 300), treatment=encoded(76 if side == 400 else 93)) for side in range(400, 440)
    ]
    law = quality_law(pairs)
    assert isinstance(law, dict)
    assert "choice" in law


def test_several_bands_of_one_feature_are_one_value():
    sides = range(200, 2000, 15)
    bands = pairs = [
        finding(index, before=(side, 100), busyness=5.0,
                treatment=encoded(60 if side < 700 else 75 if side < 1400 else 90))
        for index, side in enumerate(sides)
    ]  # fmt: skip
    law = quality_law(bands)
    assert isinstance(law, dict)
    assert [band["value"] for band in law["bands"]] == [60, 75]
    assert law["otherwise"] == 90
    value = VALUE.validate_python(law)
    for one in pairs:
        assert draw(value, features=lambda name, one=one: getattr(one.features, name), rng=random.Random(0)) == (
            one.treatment.quality
        )


def test_chance_is_seldom_taken_for_a_dependence():
    """Qualities drawn without regard to the upload: at most a few of a hundred networks may seem to depend on it."""
    found = 0
    for number in range(100):
        rng = random.Random(number)
        pairs = [
            finding(index, treatment=encoded(rng.choice([71, 80, 92])), **features)
            for index, features in varied(number, count=40)
        ]
        law = quality_law(pairs)
        found += isinstance(law, dict) and "by" in law
    assert found <= 2


def test_one_odd_pair_and_its_neighbour_show_no_dependence():
    """One picture in fifty has another quality; that it is among the two largest says nothing about size."""
    pairs = [finding(index, before=(500 + 10 * index, 400), treatment=encoded(93)) for index in range(50)]
    pairs[48] = finding(48, before=(2480, 400), treatment=encoded(76))
    pairs[49] = finding(49, before=(2490, 400), treatment=encoded(93))
    assert quality_law(pairs) == {"choice": [76, 93], "weights": [0.02, 0.98]}
