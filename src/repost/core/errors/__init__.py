"""Everything repost raises on purpose.

RepostError
├── UsageError             the call is wrong; nothing was done                (exit 2)
│   ├── ProfileNotFound    no platform of that name; near names suggested
│   ├── InvalidProfile     a profile that cannot be used; every field named
│   ├── NoSurrogate        a step of a profile that has no differentiable counterpart
│   ├── InputNotFound      a named input does not exist
│   ├── UnsafeOutput       the output would overwrite or swallow the input
│   ├── OutputBusy         another run is writing to the same output
│   ├── InvalidRecipe      a training recipe that breaks what the loop relies on
│   ├── CheckpointMismatch the folder holds checkpoints of another training
│   ├── InvalidLabels      labels that cannot be used; every fault named
│   ├── InvalidKey         a key that no stamp can be made with
│   ├── ModelNotFound      no stamp model of that name
│   ├── DetectorNotFound   no detector of that name; near names suggested
│   ├── WeightsNotFound    a detector's weights are not on this machine
│   ├── FinderNotFound     no face detector of that name; near names suggested
│   └── InvalidBoxes       a file of face boxes that cannot be used
├── MissingExtra           an optional package is not installed               (exit 3)
├── MediaError             one input cannot be used; the others go on         (exit 4)
│   ├── NotMedia           the content is no image or video we know
│   ├── UnreadableMedia    damaged, truncated or empty
│   ├── UnsupportedMedia   sound, but not something this profile can take
│   ├── TooManyPixels      over the decompression limit
│   ├── InvalidPixels      an array or tensor in another form than asked for
│   ├── PictureTooSmall    fewer pixels on the short side than a stamp needs
│   ├── InvalidBox         a box of a face that has no pixel in the picture
│   ├── BoxesNotFound      the file of face boxes has none for this picture
│   └── AlreadyStamped     it carries a stamp, and another was not asked for
├── EncodeFailed           a codec refused its settings or its picture        (exit 4)
├── DownloadFailed         a file cannot be had from its address              (exit 4)
├── OutputUnwritable       the output folder is full, read-only or gone       (exit 4)
├── NonFiniteLoss          a training's loss or weight became NaN or infinite (exit 4)
├── InvalidCheckpoint      a checkpoint is damaged                            (exit 4)
├── InvalidWeights         a file of weights is damaged, foreign or hostile   (exit 4)
│   └── WrongArchitecture  sound weights, but of another network
└── WorkerDied             a worker process was killed while on an item       (exit 4)

Each class also inherits the builtin a caller might already catch, holds its facts as attributes, and says what it
got, what it expected and what to do.
"""

from repost.core.errors.media import (
    AlreadyStamped,
    BoxesNotFound,
    InvalidBox,
    InvalidPixels,
    NotMedia,
    PictureTooSmall,
    TooManyPixels,
    UnreadableMedia,
    UnsupportedMedia,
)
from repost.core.errors.roots import (
    MediaError,
    MissingExtra,
    RepostError,
    UsageError,
)
from repost.core.errors.usage import (
    CheckpointMismatch,
    DetectorNotFound,
    FinderNotFound,
    InputNotFound,
    InvalidBoxes,
    InvalidKey,
    InvalidLabels,
    InvalidProfile,
    InvalidRecipe,
    ModelNotFound,
    NoSurrogate,
    OutputBusy,
    ProfileNotFound,
    UnsafeOutput,
    WeightsNotFound,
)
from repost.core.errors.work import (
    DownloadFailed,
    EncodeFailed,
    InvalidCheckpoint,
    InvalidWeights,
    NonFiniteLoss,
    OutputUnwritable,
    WorkerDied,
    WrongArchitecture,
)

__all__ = [
    "AlreadyStamped",
    "BoxesNotFound",
    "CheckpointMismatch",
    "DetectorNotFound",
    "DownloadFailed",
    "EncodeFailed",
    "FinderNotFound",
    "InputNotFound",
    "InvalidBox",
    "InvalidBoxes",
    "InvalidCheckpoint",
    "InvalidKey",
    "InvalidLabels",
    "InvalidPixels",
    "InvalidProfile",
    "InvalidRecipe",
    "InvalidWeights",
    "MediaError",
    "MissingExtra",
    "ModelNotFound",
    "NoSurrogate",
    "NonFiniteLoss",
    "NotMedia",
    "OutputBusy",
    "OutputUnwritable",
    "PictureTooSmall",
    "ProfileNotFound",
    "RepostError",
    "TooManyPixels",
    "UnreadableMedia",
    "UnsafeOutput",
    "UnsupportedMedia",
    "UsageError",
    "WeightsNotFound",
    "WorkerDied",
    "WrongArchitecture",
]
