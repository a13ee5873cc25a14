"""Pairs of videos: which belong together, whether they show the same, and what was done to them."""
