"""Random numbers that depend on what is done, never on when, where or in which order."""

from __future__ import annotations

import hashlib
import random
import secrets

SEED_BITS = 63


def derive_random(seed: int, *parts: str) -> random.Random:
    """A generator for one piece of work.

    Args:
        seed: The user's seed.
        parts: What the work is: a content hash, a profile name, an item id.

    Returns:
        A generator whose draws depend on the arguments alone, so that neither the order of the work nor the number
        of workers can change them. `random.Random` keeps its sequence across Python versions and platforms.
    """
    text = "\x1f".join((str(seed), *parts))
    return random.Random(int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big"))


def fresh_seed() -> int:
    """A seed from the operating system, different in every call, process and fork."""
    return secrets.randbits(SEED_BITS)
