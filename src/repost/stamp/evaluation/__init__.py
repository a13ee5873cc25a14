"""Measure a stamp: does it stay, is it wrongly seen, can it be seen; any stamp with two functions, ours and others'."""
