"""Which networks a file may have come from: its signature against those of the profiles."""

from repost.estimation.identify.rank import identify

__all__ = ["identify"]
