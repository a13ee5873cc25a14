"""The benchmark's judgement of learned qualities fails where the law is wrong, and seldom where it is right."""

import importlib.util
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

FILE = Path(__file__).parents[3] / "benchmarks" / "two_samples.py"
TRUE = {59: 0.6, 56: 0.3, 81: 0.1}


@pytest.fixture(scope="module")
def judge():
    """The module, which is part of no package."""
    spec = importlib.util.spec_from_file_location(FILE.stem, FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def drawn(rng, count, law=None):
    law = law or TRUE
    return Counter(int(one) for one in rng.choice(list(law), size=count, p=list(law.values())))


def band(judge, shares, *, learned_from=100, **held_out):
    found = judge.Band(shares, learned_from)
    found.held_out.update(held_out)
    return found


def shares_of(counts):
    return {quality: count / counts.total() for quality, count in counts.items()}


@pytest.mark.parametrize(("learned_from", "held_out"), [(45, 15), (150, 50), (6, 3)])
def test_a_law_learned_from_draws_of_the_same_law_seldom_fails(judge, learned_from, held_out):
    rng = np.random.default_rng(5)
    found = [
        judge.same_law_p(
            [band(judge, shares_of(drawn(rng, learned_from)), learned_from=learned_from, a=drawn(rng, held_out))]
        )
        for _ in range(60)
    ]
    assert sum(p < 0.01 for p in found) <= 3


def test_wrong_shares_fail(judge):
    held_out = drawn(np.random.default_rng(6), 50)
    assert judge.same_law_p([band(judge, {59: 0.1, 56: 0.3, 81: 0.6}, a=held_out)]) < 0.01


def test_a_dependence_that_was_missed_fails(judge):
    """Half of the uploads get 59 and half 81; the law learned says either by chance, and the sums agree."""
    missed = band(judge, {59: 0.5, 81: 0.5}, small=Counter({59: 12}), large=Counter({81: 12}))
    assert judge.same_law_p([missed]) < 0.01


def test_a_dependence_that_is_none_fails(judge):
    rng = np.random.default_rng(7)
    invented = [band(judge, {quality: 1.0}, a=drawn(rng, 25)) for quality in (59, 56)]
    assert judge.same_law_p(invented) < 0.01


def test_nothing_held_out_is_no_test(judge):
    assert judge.same_law_p([band(judge, TRUE)]) is None
    assert judge.same_law_p([]) is None
