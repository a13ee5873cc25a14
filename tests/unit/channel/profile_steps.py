"""Steps of profiles made in tests."""

from typing import Any


def jpeg(quality: int = 85, **more: Any) -> dict[str, Any]:
    """An encode step."""
    return {"op": "encode", "codec": "jpeg", "quality": quality, **more}
