"""Which of several faces is meant."""

import pytest

from repost.faces import Box, Face, choose

SMALL_SURE = Face(Box(500, 0, 539, 39), 3.0)
LARGE = Face(Box(0, 0, 99, 99), 1.0)
MIDDLE = Face(Box(200, 0, 279, 79), 2.0)
FACES = [SMALL_SURE, MIDDLE, LARGE]


def test_the_policies_differ():
    assert choose(FACES, "first") is SMALL_SURE
    assert choose(FACES, "largest") is LARGE
    assert choose(FACES, "track") is LARGE


@pytest.mark.parametrize("policy", ["largest", "first", "track"])
def test_no_face_is_no_face(policy):
    assert choose([], policy, last=Box(0, 0, 9, 9)) is None


def test_of_equally_large_faces_the_surest_is_taken():
    twin = Face(Box(300, 300, 399, 399), 0.5)
    assert choose([LARGE, twin], "largest") is LARGE


def test_tracking_goes_on_from_the_last_box():
    assert choose(FACES, "track", last=Box(210, 10, 289, 89)) is MIDDLE
    assert choose(FACES, "track", last=Box(505, 5, 544, 44)) is SMALL_SURE


def test_tracking_follows_a_face_that_moved_further_than_its_own_width_no_more():
    assert choose(FACES, "track", last=Box(530, 0, 569, 39)) is SMALL_SURE  # overlaps by a quarter
    assert choose(FACES, "track", last=Box(541, 0, 580, 39)) is LARGE  # no overlap; its middle is 41 px away
    assert choose(FACES, "track", last=Box(539, 39, 578, 78)) is LARGE
    assert choose([SMALL_SURE, LARGE], "track", last=Box(500, 40, 541, 81)) is SMALL_SURE  # beside it, near
