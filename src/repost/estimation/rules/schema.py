"""What pairs of a medium are compared by, and what the rules of that medium may depend on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from repost.estimation.rules.size_law import OF_IMAGES, SizeHabits


class Finding(Protocol):
    """One examined pair, as far as the search for rules looks at it."""

    @property
    def name(self) -> str:
        """What the pair is called."""
        ...

    @property
    def features(self) -> object:
        """Features of the upload, by attribute."""
        ...

    @property
    def size_before(self) -> tuple[int, int]:
        """Width and height in pixels when it came to be resized."""
        ...

    @property
    def size_after(self) -> tuple[int, int]:
        """Width and height in pixels as served."""
        ...


FindingT = TypeVar("FindingT", bound=Finding)


@dataclass(frozen=True, slots=True)
class Schema(Generic[FindingT]):
    """How pairs of one medium are compared.

    Attributes:
        settings: Settings that a rule fixes.
        numbers: Features with limits, the likeliest reason first: the first decides where several separate pairs as
            well.
        lists: Features that rules name as a list of kinds, such as "format".
        kinds: Features that are so or not so.
        shown: A setting of a pair as something that can be counted; None where the pair cannot show it.
        sizes: What is usual of served sizes.
    """

    settings: tuple[str, ...]
    numbers: tuple[str, ...]
    lists: tuple[str, ...]
    kinds: tuple[str, ...]
    shown: Callable[[FindingT, str], object]
    sizes: SizeHabits = OF_IMAGES
