"""Keys: any sound text, the same on every machine; directions uniform on the sphere."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from repost.core.errors import InvalidKey
from repost.stamp.key import LONGEST_KEY, direction_of, key_bytes, key_fingerprint

TEXT = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=40)


@given(TEXT)
def test_a_direction_has_length_one_and_is_repeatable(key: str) -> None:
    first = direction_of(key, 196)
    assert np.linalg.norm(first) == pytest.approx(1, abs=1e-12)
    assert np.array_equal(first, direction_of(key, 196))


def test_convention_the_default_key_is_the_text_repost() -> None:
    assert np.array_equal(direction_of(None, 196), direction_of("repost", 196))


def test_convention_the_stream_is_shake_256_of_the_domain_and_the_key() -> None:
    stream = hashlib.shake_256(b"repost stamp, direction, 1\0" + b"a key").digest(8 * 16)
    uniform = ((np.frombuffer(stream, "<u8") >> 11) + 0.5) / 2**53
    expected = stats.norm.ppf(uniform)
    assert direction_of("a key", 16) == pytest.approx(expected / np.linalg.norm(expected), abs=1e-12)


def test_equal_texts_in_different_unicode_forms_are_one_key() -> None:
    assert key_bytes("caf\N{LATIN SMALL LETTER E WITH ACUTE}") == key_bytes("cafe\N{COMBINING ACUTE ACCENT}")


def test_coordinates_over_many_keys_follow_the_sphere() -> None:
    coordinates = np.array([direction_of(f"key {number}", 20)[0] for number in range(4000)])
    # the square of a coordinate of a uniform direction is Beta(1/2, (D-1)/2)
    assert stats.kstest(np.square(coordinates), stats.beta(0.5, 9.5).cdf).pvalue > 0.001
    assert abs(np.mean(coordinates > 0) - 0.5) < 0.04


@pytest.mark.parametrize("key", ["", "   ", "two\nlines", "bell\a", "x" * (LONGEST_KEY + 1), "\ud800"])
def test_a_malformed_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidKey, match="expected 1 to 1024 characters"):
        direction_of(key, 196)


def test_another_type_is_refused() -> None:
    with pytest.raises(InvalidKey, match="bytes"):
        direction_of(b"bytes", 196)  # type: ignore[arg-type]


def test_fingerprints_tell_keys_apart() -> None:
    assert key_fingerprint("a") != key_fingerprint("b")
    assert key_fingerprint("a") == key_fingerprint("a")
    assert "newsroom" not in key_fingerprint("newsroom")
