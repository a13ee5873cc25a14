"""How good a detector is, by frames and by videos, before and after sharing."""
