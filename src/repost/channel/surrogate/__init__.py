"""The differentiable channel: the same profiles as the exact one, inside torch's graph.

`SurrogateChannel` is a network as a layer, `SurrogateVideoChannel` the same for clips, `RepostTransform` an
augmentation, `jpeg` the codec alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from repost.core.extras import require

require("torch", extra="torch")

from repost.channel.surrogate.channel import SharedBatch, SurrogateChannel  # noqa: E402
from repost.channel.surrogate.jpeg import jpeg  # noqa: E402
from repost.channel.surrogate.transform import RepostTransform  # noqa: E402

__all__ = ["RepostTransform", "SharedBatch", "SharedClip", "SurrogateChannel", "SurrogateVideoChannel", "jpeg"]

if TYPE_CHECKING:
    from repost.channel.surrogate.video import SharedClip, SurrogateVideoChannel

_OF_VIDEO = ("SharedClip", "SurrogateVideoChannel")


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute
    """The video channel brings FFmpeg, so it is imported when it is first named."""
    if name in _OF_VIDEO:
        return getattr(import_module("repost.channel.surrogate.video"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
