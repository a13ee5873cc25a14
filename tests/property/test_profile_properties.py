"""Whatever a profile holds, writing it as JSON and reading it again changes nothing."""

import json
import random

from hypothesis import given
from hypothesis import strategies as st

from repost.platforms import Profile
from repost.platforms.values import draw, numbers_of

words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)
names = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,9}", fullmatch=True)
dates = st.from_regex(r"20[0-9]{2}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?", fullmatch=True)
features = st.sampled_from(["width_px", "long_side_px", "pixel_count", "size_bytes", "bits_per_pixel", "busyness"])


def values(numbers):
    """Constants, distributions, samples, and rules of the upload nested in each other."""
    weights = st.floats(0.1, 10)
    choices = st.lists(numbers, min_size=1, max_size=4).flatmap(
        lambda some: st.one_of(
            st.just({"choice": some}),
            st.lists(weights, min_size=len(some), max_size=len(some)).map(
                lambda all_: {"choice": some, "weights": all_}
            ),
        )
    )
    samples = st.lists(numbers, min_size=1, max_size=4).map(lambda some: {"samples": some})

    def by_feature(inner):
        limits = st.lists(st.floats(0, 1e6), min_size=1, max_size=3, unique=True).map(sorted)
        bands = limits.flatmap(lambda rising: st.tuples(*(st.tuples(st.just(limit), inner) for limit in rising)))
        return st.builds(
            lambda by, found, otherwise: {
                "by": by,
                "bands": [{"under": under, "value": value} for under, value in found],
                "otherwise": otherwise,
            },
            features,
            bands,
            inner,
        )

    return st.recursive(st.one_of(numbers, choices, samples), by_feature, max_leaves=4)


qualities = values(st.integers(1, 100))
subsamplings = st.sampled_from(["4:4:4", "4:2:2", "4:2:0"])
tables = st.lists(st.integers(1, 255), min_size=64, max_size=64)
jpegs = st.one_of(
    st.fixed_dictionaries(
        {"op": st.just("encode"), "codec": st.just("jpeg"), "quality": qualities},
        optional={"subsampling": subsamplings, "progressive": st.booleans(), "optimize_huffman": st.booleans()},
    ),
    st.fixed_dictionaries(
        {
            "op": st.just("encode"),
            "codec": st.just("jpeg"),
            "tables": st.fixed_dictionaries({"luma": tables, "chroma": tables}),
        }
    ),
)
encodes = st.one_of(
    jpegs,
    st.fixed_dictionaries(
        {"op": st.just("encode"), "codec": st.sampled_from(["webp", "avif", "heif"]), "quality": qualities}
    ),
    st.fixed_dictionaries({"op": st.just("encode"), "codec": st.just("png")}),
)
resizes = st.one_of(
    st.fixed_dictionaries(
        {
            "op": st.just("resize"),
            "fit": st.sampled_from(["long_side", "short_side", "width", "height"]),
            "px": values(st.integers(1, 65535)),
            "kernel": st.sampled_from(["lanczos", "bicubic", "bilinear", "box", "area"]),
        }
    ),
    st.fixed_dictionaries(
        {
            "op": st.just("resize"),
            "fit": st.sampled_from(["inside", "cover", "stretch"]),
            "width_px": values(st.integers(1, 65535)),
            "height_px": values(st.integers(1, 65535)),
            "upscale": st.booleans(),
        }
    ),
)
changes = st.one_of(
    resizes,
    st.just({"op": "orient"}),
    st.just({"op": "colour"}),
    st.fixed_dictionaries({"op": st.just("metadata"), "icc": st.sampled_from(["strip", "keep", "srgb"])}),
)
decodes = st.sampled_from([[], [{"op": "decode", "upsampling": "replicate"}]])
steps = st.one_of(
    st.tuples(decodes, st.lists(changes, max_size=3), encodes).map(lambda found: [*found[0], *found[1], found[2]]),
    encodes.flatmap(lambda one: encodes.map(lambda two: [one, {"op": "client_save", "encode": two}])),
    st.just([{"op": "passthrough"}]),
)
limits = st.fixed_dictionaries(
    {},
    optional={
        "over": st.floats(0, 1e3),
        "at_least": st.floats(0, 1e3),
        "under": st.floats(1e3, 1e6, exclude_min=True),
        "at_most": st.floats(1e3, 1e6, exclude_min=True),
    },
)
ranges = limits.filter(bool)
conditions = st.dictionaries(features, ranges, min_size=1, max_size=2)


@st.composite
def profiles(draw_):
    """Documents of sound image profiles."""
    conditional = draw_(st.lists(st.tuples(conditions, steps), max_size=2))
    rules = [{"media": "image", "name": "some", "when": when, "steps": done} for when, done in conditional]
    rules.append({"media": "image", "name": "others", "steps": draw_(steps)})
    last = f"rules.{len(rules) - 1}"
    return {
        "schema_version": 1,
        "platform": draw_(names),
        "route": draw_(names),
        "observed": draw_(dates),
        "summary": draw_(words),
        "evidence": [{"kind": "measured", "source": draw_(words), "note": draw_(words)}],
        "rules": rules,
        "provenance": {f"{last}.steps.0": {"note": draw_(words), "interval": [1.5, 2]}},
        "unknown": [f"{last}.steps.0", f"{last}.name"],
    }


@given(profiles())
def test_json_round_trip_changes_nothing(document):
    profile = Profile.model_validate(document)
    text = profile.model_dump_json()
    assert Profile.model_validate_json(text) == profile
    assert Profile.model_validate(json.loads(text)).digest == profile.digest
    assert Profile.model_validate_json(text).model_dump_json() == text
    assert Profile.model_validate(json.loads(profile.model_dump_json(exclude_unset=True))) == profile


@given(qualities, st.integers(), st.floats(0, 1e6))
def test_a_draw_is_one_of_the_numbers_and_repeats(value, seed, feature):
    document = {"op": "encode", "codec": "jpeg", "quality": value}
    rules = [{"media": "image", "name": "any", "steps": [document]}]
    profile = Profile.model_validate(
        {
            "platform": "p",
            "observed": "2026",
            "summary": "s",
            "evidence": [{"kind": "inferred", "source": "s"}],
            "rules": rules,
        }
    )
    quality = profile.rules[0].steps[0].quality
    drawn = [draw(quality, features=lambda _: feature, rng=random.Random(seed)) for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert drawn[0] in set(numbers_of(quality))
