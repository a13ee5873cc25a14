"""One p-value out of those of many frames, however the frames depend on each other."""

from __future__ import annotations

import math
from collections.abc import Iterable

from repost.core.errors import UsageError


def pool_p_values(p_values: Iterable[float]) -> float:
    """Combine p-values of which nothing is known but that each is valid by itself (Hommel 1983).

    Frames of one video show the same scene, so their p-values move together, and nobody knows how. Ways that multiply
    them (Fisher's, Stouffer's) take them for independent: a scene that looks a little like a key would be counted as
    many times as it is shown. This one is valid however they depend.

    Args:
        p_values: One for each frame, 0 to 1, in any order.

    Returns:
        min over k of (n / k) p_(k), times h = 1 + 1/2 + ... + 1/n, at most 1; p_(k) is the k-th smallest of n. It is
        small where one frame has a very small p-value (k = 1 is Bonferroni's) and where many have a small one: n equal
        values p give h p, and h is 4.7 for 64 frames, 1 for one.

    Raises:
        UsageError: There is none, or one is not within 0 to 1.

    Convention:
        No frame's evidence is multiplied by another's: a pooled value is never below the smallest that went in.

    Reference: G. Hommel, Tests of the overall hypothesis for arbitrary dependence structures, Biometrical Journal 25
        (1983). The proof, for a level a: let c_i be the smallest k with p_i <= a k / (n h), if any k up to n has that.
        Where the pooled value is at most a, some k has k of the c_i at most k, so that the sum of 1 / c_i is at least
        k / k = 1. The chance of that is at most the sum's expectation (Markov), n times the sum over k of
        P(c_i = k) / k. As the weights 1 / k fall and P(p_i <= u) <= u, moving all mass as low as it may be gives the
        largest value, in which P(c_i = k) = a / (n h): that is n (a / (n h)) h = a. Calibrators to e-values (Vovk and
        Wang 2021) are valid as well, but cost a factor of about (ln p)^2, 2000 where p is 1e-20.
    """
    ordered = sorted(p_values)
    if not ordered:
        raise UsageError("got no p-value, expected at least one; scan at least one frame")
    if any(math.isnan(p) for p in ordered) or ordered[0] < 0 or ordered[-1] > 1:
        raise UsageError("got a p-value outside 0 to 1, expected chances")
    count = len(ordered)
    harmonic = math.fsum(1 / k for k in range(1, count + 1))
    smallest = min(p * (count / k) for k, p in enumerate(ordered, start=1))
    return min(1.0, smallest * harmonic)
