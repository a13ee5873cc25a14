"""All chance of a training: made of the seed and the step, so that there is no state to keep."""

from __future__ import annotations

from typing import Any, cast

import torch

from repost.core.seeding import SEED_BITS, derive_random
from repost.training.recipe import StepContext


def seeded_context(seed: int, purpose: str, *, at: str, step: int, steps: int, device: torch.device) -> StepContext:
    """Seed torch's global generators (dropout), and make generators, for one piece of work.

    Args:
        seed: The training's.
        purpose: "initial weights", "step" or "validation": none of them draws what another does.
        at: What else the draws depend on, such as the step and the number of the device.
        step: As `StepContext`.
        steps: As `StepContext`.
        device: Where the networks are.

    Returns:
        The context for the recipe.
    """
    rng = derive_random(seed, purpose, at)
    cast("Any", torch).manual_seed(rng.getrandbits(SEED_BITS))
    generator = torch.Generator(device=device).manual_seed(rng.getrandbits(SEED_BITS))
    return StepContext(step, steps, device, generator, rng)
