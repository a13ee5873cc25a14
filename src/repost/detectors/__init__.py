"""Networks that tell deepfakes from real faces: their architectures, weights, cards and scores.

>>> from repost.detectors import load                                   # doctest: +SKIP
>>> load("meso4", weights="Meso4_DF.h5").score_pixels([face])           # doctest: +SKIP
array([1.83])
"""

from __future__ import annotations

from repost.detectors.card import DetectorCard, card_names, find_card, list_cards
from repost.detectors.labels import LabelDoubt, check_labels
from repost.detectors.loading import load

__all__ = ["DetectorCard", "LabelDoubt", "card_names", "check_labels", "find_card", "list_cards", "load"]
