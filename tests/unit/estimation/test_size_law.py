"""Size laws: whatever law made some sizes, the law found makes them too, and unseen ones as well."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from repost.channel.sizes import place
from repost.estimation.rules.size_law import best_law, candidate_laws, explains
from repost.platforms.steps import Resize

SIDES = st.integers(16, 5000)
sizes = st.tuples(SIDES, SIDES)


def resize(**settings):
    return Resize.model_validate({"op": "resize", **settings})


one_sided = st.builds(
    lambda fit, px, upscale: resize(fit=fit, px=px, upscale=upscale),
    st.sampled_from(["long_side", "short_side", "width", "height"]), st.integers(100, 3000), st.booleans(),
)  # fmt: skip
boxes = st.builds(
    lambda fit, width, height, upscale: resize(fit=fit, width_px=width, height_px=height, upscale=upscale),
    st.sampled_from(["inside", "cover", "stretch"]), st.integers(100, 3000), st.integers(100, 3000), st.booleans(),
)  # fmt: skip


def served(law, size):
    target = (law.px, law.px) if law.px else (law.width_px, law.height_px)
    return place(size, law, target=target).size


def found_for(law, uploads):
    changes = [(size, served(law, size)) for size in uploads]
    return changes, *best_law(changes, candidate_laws(changes))


@given(one_sided, st.lists(sizes, min_size=1, max_size=20))
def test_a_one_sided_law_is_explained(law, uploads):
    assume(all(max(served(law, size)) <= 65535 for size in uploads))  # no profile holds longer sides
    changes, found, _ = found_for(law, uploads)
    assert all(explains(found, change) for change in changes)


def around(law):
    """Uploads on both sides of a law, wide and high, so that nothing about it stays hidden."""
    px = law.px or min(law.width_px, law.height_px)
    other = max(law.px or 0, law.width_px or 0, law.height_px or 0)
    scales = (0.4, 0.7, 1.3, 1.9, 2.6, 3.7)
    grown = [(round(scale * other) + 7, round(scale * px * 0.61) + 3) for scale in scales]
    return [*grown, *((height, width) for width, height in grown), (2 * other + 1, 2 * other + 1), (px + 5, 3 * px)]


@given(st.one_of(one_sided, boxes), st.lists(sizes, max_size=12), st.lists(sizes, min_size=1, max_size=12))
def test_unseen_sizes_are_predicted_unless_rivals_are_named(law, more, unseen):
    assume(all(max(served(law, size)) <= 65535 for size in (*around(law), *more)))
    changes, found, rivals = found_for(law, [*around(law), *more])
    assert all(explains(found, change) for change in changes)
    if not rivals:
        assert [size for size in unseen if not explains(found, (size, served(law, size)))] == []


@pytest.mark.parametrize("rounding", ["floor", "ceil"])
@pytest.mark.parametrize("multiple_of", [1, 2, 16])
def test_other_roundings_are_found(rounding, multiple_of):
    law = resize(fit="long_side", px=1024, rounding=rounding, multiple_of=multiple_of)
    uploads = [(1024 + 137 * step, 700 + 91 * step) for step in range(1, 30)]
    changes, found, _ = found_for(law, uploads)
    assert all(explains(found, change) for change in changes)
    assert found is not None
    assert found.multiple_of == multiple_of


def test_photographs_of_one_shape_do_not_hide_the_rounding():
    """All of 3:2 and 2:3: two boxes would explain them, and say nothing of any other shape."""
    law = resize(fit="long_side", px=2048, rounding="ceil")
    sides = [(5760, 3840), (3000, 2000), (3840, 5760), (2400, 3600)]
    _, found, rivals = found_for(law, sides)
    assert found is not None
    assert (found.fit, found.px) == ("long_side", 2048)
    assert law in (found, *rivals)


def test_a_box_shows_beside_sizes_that_other_rules_made():
    law = resize(fit="inside", width_px=1080, height_px=1350)
    uploads = [(1500 + 10 * step, 900 + 7 * step) for step in range(6)]
    uploads += [(700 + 3 * step, 2000 + 11 * step) for step in range(6)]
    changes = [*((size, served(law, size)) for size in uploads), ((400, 3000), (360, 2700))]
    found, _ = best_law(changes, candidate_laws(changes))
    assert found is not None
    assert (found.fit, found.width_px, found.height_px) == ("inside", 1080, 1350)


def test_no_change_needs_no_law():
    assert candidate_laws([((40, 30), (40, 30))]) == [None]
    assert found_for(resize(fit="long_side", px=100), [(40, 30), (99, 100)])[1:] == (None, [])


def test_one_pair_names_its_rivals():
    _, found, rivals = found_for(resize(fit="width", px=800), [(1600, 1200)])
    assert found is not None
    assert {found.fit, *(law.fit for law in rivals)} >= {"long_side", "width", "height", "short_side", "stretch"}


def test_a_law_that_explains_most_wins():
    law = resize(fit="long_side", px=1000)
    uploads = [(1500 + 10 * index, 900) for index in range(10)]
    changes = [(size, served(law, size)) for size in uploads]
    changes[4] = (changes[4][0], (160, 120))
    found, _ = best_law(changes, candidate_laws(changes))
    assert found == law.model_copy(update={"kernel": found.kernel if found else "lanczos"})
    assert [explains(found, change) for change in changes].count(False) == 1


@settings(max_examples=40)
@given(st.lists(st.tuples(sizes, sizes), min_size=1, max_size=10))
def test_any_sizes_give_a_law(changes):
    laws = candidate_laws(changes)
    assert laws[0] is None
    best, rivals = best_law(changes, laws)
    counts = {law: sum(explains(law, change) for change in changes) for law in (best, *rivals)}
    assert len(set(counts.values())) == 1
