"""Pairs of images to a platform profile: examine each pair, find the rules behind them, judge the rules."""
