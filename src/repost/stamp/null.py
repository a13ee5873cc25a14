"""How surprising a cosine is when the key is not the picture's.

**The null.** Whatever a picture shows, its feature is a vector that does not depend on any key. A key that has nothing
to do with the picture is a direction drawn uniformly from the sphere in D dimensions (`key.direction_of`). So every
cosine between the two has one known distribution, for every picture, stamped or not: that of a coordinate of a random
point on the sphere. A stamp made with another key is such a picture as well.

**A key that is fixed and public** was drawn once for all pictures. The p-value holds for any picture and a random key;
that this one key is no worse than others on pictures in general has to be counted (`evaluation`), and it does not hold
for pictures made by who knows the key.

**Many views.** Thousands of views and shifts are tried, and their cosines depend on each other. Of each, exp(t cos) /
E[exp(t cos)] has mean 1 under the null; so has any mixture of them with weights that sum to 1, however they depend
on each other. Such a mixture E is an *e-value*, and P(E >= 1/a) <= a for every a (Markov; Vovk and Wang, Annals of
Statistics 49, 2021). Hence p = min(1, 1/E) is a p-value corrected for all that was tried. It is a log-mean-exp over
views, and leaving terms out only makes it more careful.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, gammaln, ive

LEAST_Z = 6.5
"""The cosine, in standard deviations, for which the mixture has most power: where detection is decided. About a
million independent views and shifts are tried, whose largest is at 5."""


@lru_cache(maxsize=8)
def log_mean_exponential(tilt: float, dimensions: int) -> float:
    """The logarithm of E[exp(tilt * cos)] for a random point on the sphere.

    It is Gamma(D/2) (2/tilt)^(D/2-1) I_(D/2-1)(tilt), the normaliser of the von Mises-Fisher distribution (Mardia and
    Jupp, Directional Statistics, 2000, eq. 9.3.4).

    Args:
        tilt: Above 0.
        dimensions: D.

    Returns:
        Its natural logarithm.
    """
    order = dimensions / 2 - 1
    bessel = math.log(float(ive(order, tilt))) + tilt
    return float(gammaln(dimensions / 2)) + order * math.log(2 / tilt) + bessel


def log_evidence(cosine: NDArray[np.float64], dimensions: int) -> NDArray[np.float64]:
    """The logarithm of the e-value of each cosine on its own.

    Args:
        cosine: Of any shape, in [-1, 1].
        dimensions: D.

    Returns:
        Natural logarithms.
    """
    tilt = LEAST_Z * math.sqrt(dimensions)
    return tilt * cosine - log_mean_exponential(tilt, dimensions)


def tail_probability(cosine: NDArray[np.float64], dimensions: int) -> NDArray[np.float64]:
    """P(cos >= c) for a random point on the sphere, of one view alone.

    Args:
        cosine: In [-1, 1].
        dimensions: D.

    Returns:
        Probabilities, by the regularised incomplete beta function: cos^2 follows Beta(1/2, (D-1)/2).
    """
    upper = 0.5 * betainc((dimensions - 1) / 2, 0.5, 1 - np.square(cosine))
    return np.where(cosine > 0, upper, 1 - upper)
