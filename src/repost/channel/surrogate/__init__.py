"""The differentiable channel: the same profiles as the exact one, inside torch's graph.

`SurrogateChannel` is a network as a layer, `SurrogateVideoChannel` the same for clips, `RepostTransform` an
augmentation, `jpeg` the codec alone.
"""

from repost.core.extras import require

require("torch", extra="torch")

from repost.channel.surrogate.channel import SharedBatch, SurrogateChannel  # noqa: E402
from repost.channel.surrogate.jpeg import jpeg  # noqa: E402
from repost.channel.surrogate.transform import RepostTransform  # noqa: E402
from repost.channel.surrogate.video import SharedClip, SurrogateVideoChannel  # noqa: E402

__all__ = ["RepostTransform", "SharedBatch", "SharedClip", "SurrogateChannel", "SurrogateVideoChannel", "jpeg"]
