"""Profiles made of a few steps, and photographs bundled in scikit-image."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from repost.platforms.catalog import parse_profile
from repost.platforms.profile import Profile


@pytest.fixture(scope="session")
def coffee() -> NDArray[np.uint8]:
    """A photograph, 400x600."""
    return skimage.data.coffee()


@pytest.fixture(scope="session")
def cat() -> NDArray[np.uint8]:
    """A photograph with odd sides, 300x451."""
    return skimage.data.chelsea()


@pytest.fixture(scope="session")
def make_profile() -> Callable[..., Profile]:
    """Build a profile from rules or, for one unconditional rule, from its steps."""

    def make(*steps: dict[str, Any], rules: list[dict[str, Any]] | None = None, **fields: Any) -> Profile:
        made = rules or [{"media": "image", "name": "every image", "steps": list(steps)}]
        head = {"platform": "test", "observed": "2024", "summary": "a test", "rules": made}
        head["evidence"] = [{"kind": "inferred", "source": "this test"}]
        return parse_profile(head | fields, source="test")

    return make
