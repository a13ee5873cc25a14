"""The paired data set: what was uploaded beside what came back, for training and for looking.

    listing = from_published(folder)                             # or from_manifest(pairs)
    train = PairedDataset(listing, PairSettings(split="train", flip_chance=0.5), transform=to_tensors)
    for epoch in range(20):
        train.set_epoch(epoch)
        for originals, transmitted, attributes, platforms in DataLoader(train, batch_size=16, num_workers=4):
            ...

It is map-style, and torch is imported only by `to_tensors`.
"""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, SupportsIndex, TypeAlias, get_args

import numpy as np

from repost.core.errors import UsageError
from repost.core.extras import require
from repost.core.seeding import derive_random
from repost.pairs.dataset_epoch import SharedEpoch
from repost.pairs.dataset_pictures import Size, read_pair
from repost.pairs.dataset_records import PairListing, PairProblem, PairRecord

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from repost.media.picture import Rgb8

Split: TypeAlias = Literal["train", "validation", "test"]
Shares: TypeAlias = tuple[float, float, float]

DEFAULT_SHARES: Shares = (0.8, 0.1, 0.1)
"""Of train, validation and test: the customary parts, a choice and not a measurement."""
_SPLIT_SALT = 0
"""Fixed, so that no seed of a training moves a source into or out of the test set."""


class AttributeNotFound(UsageError, LookupError):
    """The data set has no attribute of that name."""

    def __init__(self, name: str, *, available: tuple[str, ...]) -> None:
        self.name, self.available = name, available
        self.suggestions = tuple(difflib.get_close_matches(name, available, n=3))
        expected = f"one of {list(self.suggestions or available)}" if available else "none, as these pairs have none"
        super().__init__(f"got the attribute '{name}', expected {expected}; give names as the attributes file has them")


class Pair(NamedTuple):
    """One item.

    Attributes:
        original: uint8 HWC RGB, as it was uploaded.
        transmitted: uint8 HWC RGB, as it came back.
        attributes: float32, one number per selected attribute, 1 where it holds and 0 where not.
        platform: The network.
    """

    original: Rgb8
    transmitted: Rgb8
    attributes: NDArray[np.float32]
    platform: str


class TensorPair(NamedTuple):
    """One item for torch.

    Attributes:
        original: float32 CHW RGB in [0, 1].
        transmitted: The same.
        attributes: float32, one number per selected attribute, 1 where it holds and 0 where not.
        platform: The network.
    """

    original: torch.Tensor
    transmitted: torch.Tensor
    attributes: torch.Tensor
    platform: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSettings:
    """What of a listing is loaded, and how.

    Attributes:
        split: Which part of the sources; None for all.
        shares: Parts of train, validation and test, which add up to 1.
        platforms: Networks to load; None for all.
        attributes: Attributes to load, in this order; None for all in the listing's order.
        size: "native" loads the transmitted picture as it came back, smaller than the original where the network
            resized it: such pairs do not fit into one batch. "original" takes the resampled derivative there, and
            refuses a pair that has none.
        flip_chance: Chance, 0 to 1, that both pictures of a pair are mirrored left to right.
        seed: Of the flips.
    """

    split: Split | None = None
    shares: Shares = DEFAULT_SHARES
    platforms: tuple[str, ...] | None = None
    attributes: tuple[str, ...] | None = None
    size: Size = "native"
    flip_chance: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, got, allowed in (
            ("split", self.split, (*get_args(Split), None)),
            ("size", self.size, get_args(Size)),
        ):
            if got not in allowed:
                raise UsageError(f"got {name}={got!r}, expected one of {list(allowed)}")
        for name in ("platforms", "attributes"):
            if isinstance(getattr(self, name), str):
                raise UsageError(f"got {name}={getattr(self, name)!r}, expected a tuple of names")
        if not 0 <= self.flip_chance <= 1:
            raise UsageError(f"got flip_chance={self.flip_chance}, expected a chance from 0 to 1")
        _check_shares(self.shares)


def split_of(source_id: str, *, shares: Shares = DEFAULT_SHARES) -> Split:
    """The part of the data that a source belongs to, by a hash of its id alone.

    So it is the same in every data set, on every machine and for every network, whatever other sources there are. A
    source stays in "train" when the share of "train" grows. Copies of a picture under two names are two sources.

    Args:
        source_id: The source.
        shares: Parts of train, validation and test, which add up to 1.

    Returns:
        Its part. Over many sources the parts have the shares on average, not exactly.

    Raises:
        UsageError: Shares that are negative or do not add up to 1.
    """
    _check_shares(shares)
    place = derive_random(_SPLIT_SALT, "split", source_id).random()
    if place < shares[0]:
        return "train"
    # Summed from above, so that no rounding gives a source to a test set of share 0.
    return "validation" if place < 1 - shares[2] else "test"


def to_tensors(pair: Pair) -> TensorPair:
    """Make tensors of a pair, as a `transform`.

    Args:
        pair: uint8 HWC RGB pictures.

    Returns:
        float32 CHW RGB pictures in [0, 1], values divided by 255, and float32 attributes.

    Raises:
        MissingExtra: torch is not installed.
    """
    torch = require("torch", extra="torch")

    def planes(pixels: Rgb8) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))).float().div_(255)

    return TensorPair(planes(pair.original), planes(pair.transmitted), torch.from_numpy(pair.attributes), pair.platform)


class PairedDataset:
    """Pairs of pictures by index, for a torch `DataLoader` with any number of workers or for a plain loop.

    An item depends on the listing, the settings, the epoch and the index alone: never on the process that loads it, nor
    on what was loaded before.

    Args:
        listing: From `from_manifest` or `from_published`, or several through `join`.
        settings: What is loaded and how; all pairs at native size, unflipped, when None.
        transform: Called with each `Pair`; items are what it returns. `to_tensors` gives tensors. Workers that are
            spawned must be able to pickle it, so it is a function of a module, not a lambda.

    Attributes:
        records: The pairs that are loaded, in the listing's order.
        settings: As given.
        attribute_names: What the items' attributes are called, in their order.
        problems: As the reader left them.

    Raises:
        AttributeNotFound: A selected attribute is not in the listing.
        UsageError: A selected network is not in the listing.
    """

    def __init__(
        self,
        listing: PairListing,
        settings: PairSettings | None = None,
        *,
        transform: Callable[[Pair], Any] | None = None,
    ) -> None:
        self.settings = settings or PairSettings()
        self.records = _selected(listing, self.settings)
        chosen = self.settings.attributes
        self.attribute_names = listing.attribute_names if chosen is None else tuple(chosen)
        self.problems: tuple[PairProblem, ...] = listing.problems
        self._columns = [_column(name, listing.attribute_names) for name in self.attribute_names]
        self._transform = transform
        self._epoch = SharedEpoch()

    @property
    def platforms(self) -> tuple[str, ...]:
        """The networks of the loaded pairs, sorted."""
        return tuple(sorted({record.platform for record in self.records}))

    @property
    def epoch(self) -> int:
        """The epoch whose flips are drawn."""
        return self._epoch.value

    def set_epoch(self, epoch: int) -> None:
        """Draw other flips, in this process and in every worker it started, between two passes over the data.

        Args:
            epoch: Its number; the same number gives the same flips again.
        """
        self._epoch.value = epoch

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: SupportsIndex) -> Any:  # noqa: ANN401 - what the transform returns
        """Load a pair.

        Args:
            index: From 0; negative ones count from the end.

        Returns:
            A `Pair` with arrays of its own, or what the transform makes of it.

        Raises:
            IndexError: There are not so many.
            MediaError: A picture cannot be used; the message names its file.
            InputNotFound: A picture is gone.
        """
        position = operator.index(index)
        position += len(self.records) if position < 0 else 0
        if not 0 <= position < len(self.records):
            raise IndexError(f"got index {operator.index(index)}, expected one below {len(self.records)}")
        record = self.records[position]
        original, transmitted = read_pair(record, size=self.settings.size)
        step = -1 if self._flipped(position) else 1
        pair = Pair(
            # Copies, since decoded pixels are read-only and torch takes no negative strides.
            np.array(original[:, ::step], order="C"),
            np.array(transmitted[:, ::step], order="C"),
            np.array([record.attributes[column] for column in self._columns], np.float32),
            record.platform,
        )
        return pair if self._transform is None else self._transform(pair)

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return f"PairedDataset({len(self)} pairs of {', '.join(self.platforms) or 'no network'}, {self.settings})"

    def _flipped(self, position: int) -> bool:
        """Drawn from what the item is, so that no worker shares or repeats another's generator."""
        rng = derive_random(self.settings.seed, "flip", str(self.epoch), str(position))
        return rng.random() < self.settings.flip_chance


def _selected(listing: PairListing, settings: PairSettings) -> tuple[PairRecord, ...]:
    known = sorted({record.platform for record in listing.records})
    for platform in settings.platforms or ():
        if platform not in known:
            raise UsageError(f"got the platform '{platform}', expected one of {known}, which are in these pairs")
    return tuple(
        record
        for record in listing.records
        if (settings.platforms is None or record.platform in settings.platforms)
        and (settings.split is None or split_of(record.source_id, shares=settings.shares) == settings.split)
    )


def _column(name: str, available: tuple[str, ...]) -> int:
    if name not in available:
        raise AttributeNotFound(name, available=available)
    return available.index(name)


def _check_shares(shares: Shares) -> None:
    # NaN fails both comparisons.
    if not (len(shares) == 3 and all(share >= 0 for share in shares) and math.isclose(sum(shares), 1, abs_tol=1e-9)):
        raise UsageError(f"got shares={shares}, expected three of 0 or more that add up to 1, such as {DEFAULT_SHARES}")
