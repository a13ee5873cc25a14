"""Whether held-out qualities are drawn by the law that was learned from others."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHUFFLES = 1999


@dataclass
class Band:
    """Uploads for which the learned law expects the same.

    Attributes:
        shares: What the law expects, by quality.
        learned_from: Pairs behind these shares.
        held_out: Qualities drawn for other uploads, by what the true law tells apart among them.
    """

    shares: Mapping[int, float]
    learned_from: int = 0
    held_out: defaultdict[object, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))


def same_law_p(bands: Iterable[Band], *, seed: int = 0) -> float | None:
    """Permutation test that held-out draws follow the learned law, which is itself a sample.

    The law's shares times the pairs behind them are one sample, so that wrong shares fail; held-out draws are one
    sample for each thing the true law tells apart, so that a dependence that was missed fails, as does an invented one.

    Args:
        bands: Of every learned rule.
        seed: Of the permutations.

    Returns:
        Chance of a chi-square statistic of homogeneity, summed over the bands, as large as the one seen, where all
        samples of a band are of one law; None where nothing was held out.
    """
    tables = [table for band in bands if (table := _table(band)) is not None]
    if not tables:
        return None
    rng = np.random.default_rng(seed)
    seen = sum(float(_chi_square(table)) for table in tables)
    shuffled = sum(_chi_square(_shuffled(table, rng)) for table in tables)
    return (1 + int(np.count_nonzero(shuffled >= seen - 1e-9))) / (1 + _SHUFFLES)


def _table(band: Band) -> NDArray[np.int64] | None:
    """A row for each sample, a column for each quality."""
    if not band.held_out or not band.learned_from:
        return None
    expected = Counter({quality: round(share * band.learned_from) for quality, share in band.shares.items()})
    samples = [expected, *band.held_out.values()]
    kinds = sorted({quality for sample in samples for quality, count in sample.items() if count})
    return np.array([[sample[quality] for quality in kinds] for sample in samples], dtype=np.int64)


def _chi_square(tables: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of each table; any number of axes before those of rows and columns."""
    totals = tables.sum(axis=(-2, -1), keepdims=True)
    expected = tables.sum(axis=-1, keepdims=True) * tables.sum(axis=-2, keepdims=True) / totals
    return (np.square(tables - expected) / expected).sum(axis=(-2, -1))


def _shuffled(table: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """The same draws dealt out anew to samples of the same sizes, many times."""
    rows = np.repeat(np.arange(len(table)), table.sum(axis=1))
    columns: NDArray[np.int64] = np.repeat(np.arange(table.shape[1]), table.sum(axis=0))
    dealt = rng.permuted(np.tile(columns, (_SHUFFLES, 1)), axis=1)
    shuffled = np.zeros((_SHUFFLES, *table.shape), dtype=np.int64)
    np.add.at(shuffled, (np.arange(_SHUFFLES)[:, None], rows, dealt), 1)
    return shuffled
