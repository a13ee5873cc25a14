"""An invisible do-not-forward stamp that survives sharing: put it on, look for it.

>>> from repost.stamp import scan, stamp                             # doctest: +SKIP
>>> scan(stamp(pixels, key="newsroom 7"), key="newsroom 7").stamped   # doctest: +SKIP
True
"""

from __future__ import annotations

from repost.stamp.embed import stamp
from repost.stamp.model import StampModel, load_model
from repost.stamp.scan import ScanResult, estimates_of, find_key, scan

__all__ = ["ScanResult", "StampModel", "estimates_of", "find_key", "load_model", "scan", "stamp"]
