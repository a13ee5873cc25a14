"""Networks that tell deepfakes from real faces: their architectures, weights, cards and scores."""

from __future__ import annotations

from repost.detectors.card import DetectorCard, card_names, find_card, list_cards

__all__ = ["DetectorCard", "card_names", "find_card", "list_cards"]
