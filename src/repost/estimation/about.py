"""What a profile that is learned is about."""

from __future__ import annotations

import re
from dataclasses import dataclass

from repost.core.errors import UsageError
from repost.platforms.profile import NAME_PATTERN, OBSERVED_PATTERN


@dataclass(frozen=True, slots=True)
class About:
    """What a profile is about.

    Attributes:
        platform: Name of the network, in small letters.
        observed: When the pairs were made: YYYY, YYYY-MM or YYYY-MM-DD.
        route: The way through the network.
        source: Where the pairs come from, in words.

    Raises:
        UsageError: The platform's name, route or date is not of the form profiles use.
    """

    platform: str
    observed: str
    route: str = "post"
    source: str = "pairs of uploaded and downloaded files"

    def __post_init__(self) -> None:
        for field, pattern, expected in (
            ("platform", NAME_PATTERN, "small letters, digits, '-' and '_' such as my-network"),
            ("route", NAME_PATTERN, "small letters, digits, '-' and '_' such as post"),
            ("observed", OBSERVED_PATTERN, "YYYY, YYYY-MM or YYYY-MM-DD"),
        ):
            got: str = getattr(self, field)
            if not re.fullmatch(pattern, got):
                raise UsageError(f"got {field} {got!r}, expected {expected}")
