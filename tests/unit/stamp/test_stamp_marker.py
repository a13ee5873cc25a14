"""Our models as markers, with networks that need no training."""

import pickle

import numpy as np
import pytest
from plain_networks import write_model
from skimage.data import coffee

from repost.core.errors import UsageError
from repost.stamp import load_model, scan, stamp
from repost.stamp.evaluation.marker import Helped, KeyedMarker, StampMarker

PHOTO = np.ascontiguousarray(coffee()[:320, :480])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(write_model(tmp_path_factory.mktemp("plain")))


def test_it_stamps_and_scores_as_the_functions_do(folder):
    marker, model = StampMarker(folder, "k", 1.5), load_model(folder)
    stamped = marker.stamp(PHOTO)
    assert np.array_equal(stamped, stamp(PHOTO, "k", strength=1.5, model=model))
    assert marker.score(stamped) == scan(stamped, "k", model=model).score
    assert marker.threshold == model.facts.stamped_score
    assert marker.score(stamped) > marker.threshold > marker.score(PHOTO)


def test_other_keys_are_scored_without_looking_again(folder):
    marker = StampMarker(folder, "k")
    assert isinstance(marker, KeyedMarker)
    stamped = marker.stamp(PHOTO)
    own, other = marker.scores_under(stamped, ["k", "another"])
    assert own > marker.threshold > other
    assert other == pytest.approx(scan(stamped, "another", model=load_model(folder)).score)


def test_it_travels_to_workers_as_its_settings(folder):
    marker = StampMarker(folder, "k")
    marker.score(PHOTO)
    assert pickle.loads(pickle.dumps(marker)) == marker
    assert len(pickle.dumps(marker)) < 1000


def test_whatever_decides_a_score_is_in_the_identity_and_the_key_itself_is_not(folder, tmp_path):
    variants = [
        StampMarker(folder),
        StampMarker(folder, "secret words"),
        StampMarker(folder, strength=0.5),
        StampMarker(str(write_model(tmp_path / "weaker", cap_levels=3.0))),
    ]
    identities = [marker.identity for marker in variants]
    assert len(set(identities)) == 4
    assert not any("secret" in identity for identity in identities)


def test_the_card_is_told_what_the_model_says_of_its_training(folder):
    assert StampMarker(folder).facts()["data"] == "a (CC0), b (CC BY)"


def test_help_needs_the_size(folder):
    helped = Helped(StampMarker(folder))
    with pytest.raises(UsageError, match="original size"):
        helped.score(PHOTO)
    assert helped.knowing(480, 320).score(PHOTO) == StampMarker(folder).score(PHOTO)
