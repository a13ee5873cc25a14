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

from __future__ import annotations

import os
from collections.abc import Sequence

_MOST_NAMED = 32  # of the items of a batch, in a message; the attribute holds all


class RepostError(Exception):
    """Base of everything repost raises on purpose."""


class UsageError(RepostError, ValueError):
    """The call is wrong; nothing was done."""


class ProfileNotFound(UsageError, LookupError):
    """No platform profile has that name."""

    def __init__(self, name: str, *, suggestions: Sequence[str] = (), available: Sequence[str] = ()) -> None:
        self.name, self.suggestions, self.available = name, tuple(suggestions), tuple(available)
        hint = f"did you mean {_any_of(suggestions)}? " if suggestions else ""
        super().__init__(f"no platform profile '{name}'; {hint}`repost platforms list` shows all of them")


class InvalidProfile(UsageError):
    """A profile that cannot be used.

    Attributes:
        source: The file or name it came from.
        problems: (field path, what is wrong) for every fault found.
    """

    def __init__(self, source: str, problems: Sequence[tuple[str, str]]) -> None:
        self.source, self.problems = source, tuple(problems)
        lines = "".join(f"\n  {field or '(file)'}: {message}" for field, message in self.problems)
        super().__init__(f"{source} is not a valid platform profile:{lines}\n  the format: docs/profiles.md")


class NoSurrogate(UsageError, NotImplementedError):
    """A profile holds a step that the differentiable channel cannot do.

    Attributes:
        profile: The profile's full name.
        step: Where the step stands, such as "rules.0.steps.2 (encode png)".
    """

    def __init__(self, profile: str, *, step: str, reason: str, remedy: str) -> None:
        self.profile, self.step = profile, step
        super().__init__(f"{profile}: {step} has no differentiable counterpart, since {reason}; {remedy}")


class InputNotFound(UsageError, FileNotFoundError):
    """A named input does not exist."""

    def __init__(self, path: object) -> None:
        self.path = str(path)
        what = "a folder or device, not a file" if os.path.exists(self.path) else "not there"  # noqa: PTH110 - never raises
        super().__init__(f"'{path}' is {what}; check the spelling and the current folder")


class UnsafeOutput(UsageError):
    """The output would overwrite or swallow the input."""

    def __init__(self, output: object, *, source: object) -> None:
        self.output, self.source = str(output), str(source)
        super().__init__(f"output '{output}' would write over input '{source}'; choose another folder with -o")


class OutputBusy(UsageError):
    """Another run is writing to the same output."""

    def __init__(self, output: object) -> None:
        self.output = str(output)
        super().__init__(f"another run is writing to '{output}'; wait for it or choose another folder")


class InvalidRecipe(UsageError):
    """A training recipe breaks what the loop relies on."""

    def __init__(self, recipe: str, *, got: str, expected: str) -> None:
        self.recipe, self.got, self.expected = recipe, got, expected
        super().__init__(
            f"recipe {recipe}: got {got}, expected {expected}; docs/training.md says what a recipe supplies"
        )


class CheckpointMismatch(UsageError):
    """The folder holds checkpoints of another recipe, or of the same with other settings or data.

    Attributes:
        path: The checkpoint.
        got: The recipe that wrote it: name, version and digest.
        expected: The recipe that was to go on from it.
        differences: (name, its value in the checkpoint, its value now) for everything that differs.
    """

    def __init__(
        self, path: object, *, got: str, expected: str, differences: Sequence[tuple[str, object, object]]
    ) -> None:
        self.path, self.got, self.expected, self.differences = str(path), got, expected, tuple(differences)
        lines = "".join(f"\n  {name}: {theirs!r} there, {ours!r} now" for name, theirs, ours in self.differences)
        found = (
            f"by the training {got}, expected {expected}"
            if got != expected
            else f"by {got} with other settings or data"
        )
        super().__init__(f"'{path}' was written {found}; train into another folder, or as that training did:{lines}")


class MissingExtra(RepostError, ImportError):
    """An optional package is not installed."""

    def __init__(self, package: str, *, extra: str) -> None:
        self.package, self.extra = package, extra
        super().__init__(f"this needs the package {package}, which is not installed: pip install 'repost[{extra}]'")


class MediaError(RepostError, ValueError):
    """One input cannot be used; the others go on."""


class NotMedia(MediaError):
    """The content is no image or video repost knows."""

    def __init__(self, name: str, *, got: str) -> None:
        self.name, self.got = name, got
        super().__init__(f"{name}: got {got}, expected an image or a video; the content decides, not the file name")


class UnreadableMedia(MediaError, OSError):
    """The media is damaged, truncated or empty."""

    def __init__(self, name: str, *, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"{name} cannot be decoded: {reason}; check the file or fetch it again")


class UnsupportedMedia(MediaError):
    """The media is sound, but not something that can be used here."""

    def __init__(self, name: str, *, got: str, expected: str, remedy: str) -> None:
        self.name, self.got, self.expected = name, got, expected
        super().__init__(f"{name}: got {got}, expected {expected}; {remedy}")


class TooManyPixels(MediaError):
    """The media would decode to more pixels than the limit."""

    def __init__(self, name: str, *, pixel_count: int, limit: int) -> None:
        self.name, self.pixel_count, self.limit = name, pixel_count, limit
        super().__init__(
            f"{name}: got {pixel_count:,} pixels, expected at most {limit:,}; "
            "if you trust the file raise the limit with --max-pixels or REPOST_MAX_PIXELS"
        )


class PictureTooSmall(MediaError):
    """A picture with fewer pixels on its short side than are needed.

    Attributes:
        width: Pixels.
        height: Pixels.
        least_px: What the short side must have.
    """

    def __init__(self, width: int, height: int, *, least_px: int) -> None:
        self.width, self.height, self.least_px = width, height, least_px
        super().__init__(f"got a picture of {width}x{height} pixels, expected at least {least_px} on the short side")


class InvalidKey(UsageError):
    """A key that no stamp can be made with."""

    def __init__(self, got: str) -> None:
        self.got = got
        super().__init__(f"{got}, expected 1 to 1024 characters without control characters")


class ModelNotFound(UsageError, LookupError):
    """No model of that name is shipped, and there is no such folder."""

    def __init__(self, name: str, *, available: Sequence[str]) -> None:
        self.name, self.available = name, tuple(available)
        super().__init__(
            f"no stamp model '{name}'; shipped are {', '.join(available)}, or name a folder with model.json"
        )


class DetectorNotFound(UsageError, LookupError):
    """No detector and no architecture has that name."""

    def __init__(self, name: str, *, suggestions: Sequence[str] = (), available: Sequence[str] = ()) -> None:
        self.name, self.suggestions, self.available = name, tuple(suggestions), tuple(available)
        hint = f"did you mean {_any_of(suggestions)}? " if suggestions else ""
        super().__init__(f"no detector '{name}'; {hint}there are {', '.join(available)}")


class WeightsNotFound(UsageError, FileNotFoundError):
    """A detector's weights are not on this machine; repost never fetches any unasked.

    Attributes:
        name: The detector, or an architecture, whose weights are always named by the caller.
        detectors: Of an architecture, the detectors whose weights can be fetched.
    """

    def __init__(self, name: str, *, detectors: Sequence[str] = ()) -> None:
        self.name, self.detectors = name, tuple(detectors)
        if detectors:
            said = (
                f"'{name}' is an architecture, and got no file of weights; name one, "
                f"or a detector whose weights are published: {', '.join(detectors)}"
            )
        else:
            said = (
                f"the weights of '{name}' are not on this machine; get them with `repost weights fetch {name}`, "
                "take a file you have with `repost weights add FILE`, or name one"
            )
        super().__init__(said)


class InvalidLabels(UsageError):
    """Labels that cannot be used.

    Attributes:
        source: The file they came from.
        problems: (where, what is wrong) for every fault found.
    """

    def __init__(self, source: str, problems: Sequence[tuple[str, str]]) -> None:
        self.source, self.problems = source, tuple(problems)
        lines = "".join(f"\n  {f'{where}: ' if where else ''}{message}" for where, message in self.problems)
        super().__init__(
            f"the labels of {source} cannot be used:{lines}\n  what labels look like: docs/detectors_evaluation.md"
        )


class FinderNotFound(UsageError, LookupError):
    """No face detector has that name."""

    def __init__(self, name: str, *, suggestions: Sequence[str] = (), available: Sequence[str] = ()) -> None:
        self.name, self.suggestions, self.available = name, tuple(suggestions), tuple(available)
        hint = f"did you mean {_any_of(suggestions)}? " if suggestions else ""
        super().__init__(f"no face detector '{name}'; {hint}there are {', '.join(available)}")


class InvalidBoxes(UsageError):
    """A file of face boxes that cannot be used.

    Attributes:
        path: The file.
        problems: (place in the file, what is wrong) for the faults found.
    """

    def __init__(self, path: object, problems: Sequence[tuple[str, str]]) -> None:
        self.path, self.problems = str(path), tuple(problems)
        lines = "".join(f"\n  {place or '(file)'}: {message}" for place, message in self.problems[:_MOST_NAMED])
        super().__init__(f"'{path}' is no file of face boxes:{lines}\n  the format: docs/faces.md")


class InvalidBox(MediaError):
    """A box of a face that has no pixel in the picture, or is empty.

    Attributes:
        box: Left, top, right and bottom.
        width: Of the picture, in pixels.
        height: Of the picture.
    """

    def __init__(self, box: Sequence[int], *, width: int, height: int) -> None:
        self.box, self.width, self.height = tuple(box), width, height
        super().__init__(
            f"got the face box {list(box)}, expected one inside the picture of {width}x{height} pixels; "
            "are the boxes of another video, or of another size of it?"
        )


class BoxesNotFound(MediaError, LookupError):
    """A file of face boxes has none for a picture.

    Attributes:
        source: What the picture is from.
        path: The file of boxes.
    """

    def __init__(self, source: str, *, path: object, reason: str) -> None:
        self.source, self.path = source, str(path)
        super().__init__(f"{source}: {reason}; an empty list in '{path}' says that there is no face")


class AlreadyStamped(MediaError):
    """The media carries a stamp already, and another was not asked for.

    Attributes:
        name: The file.
        whose: Whose stamp: "this key" or "the default key".
        p_value: The chance that media without it would look as much like it.
    """

    def __init__(self, name: str, *, whose: str, p_value: float) -> None:
        self.name, self.whose, self.p_value = name, whose, p_value
        super().__init__(
            f"{name} carries the stamp of {whose} already (p = {p_value:.1e}); "
            "take the unstamped original, or add --again to put another stamp on top"
        )


class InvalidPixels(MediaError):
    """An array or tensor that is not in the form that is asked for.

    Attributes:
        got: What it is.
        expected: What it should be.
    """

    def __init__(self, *, got: str, expected: str = "uint8 (height, width, 3) RGB with at least one pixel") -> None:
        self.got, self.expected = got, expected
        super().__init__(f"got an array of {got}, expected {expected}")


class EncodeFailed(RepostError, RuntimeError):
    """A codec refused its settings or its picture."""

    def __init__(self, codec: str, *, reason: str) -> None:
        self.codec, self.reason = codec, reason
        super().__init__(f"the {codec} encoder failed: {reason}")


class OutputUnwritable(RepostError, OSError):
    """The output folder is full, read-only or gone; `resumes` where a next run goes on from what is done."""

    def __init__(self, path: object, *, reason: str, resumes: bool = False) -> None:
        self.path, self.reason, self.resumes = str(path), reason, resumes
        remedy = (
            "what is done is kept, the same command goes on from there"
            if resumes
            else "make room or choose another place, then run the same command again"
        )
        super().__init__(f"cannot write '{path}': {reason}; {remedy}")


class NonFiniteLoss(RepostError, ArithmeticError):
    """A training's loss or weight became NaN or infinite.

    Attributes:
        step: The update it was in, from 1.
        component: Which loss, such as "generator/l1", or which weight.
        value: "nan", "inf" or "-inf".
        items: The names of the batch's items.
    """

    def __init__(self, step: int, *, component: str, value: str, items: Sequence[str]) -> None:
        self.step, self.component, self.value, self.items = step, component, value, tuple(items)
        shown = ", ".join(self.items[:_MOST_NAMED]) + (" and more" if len(self.items) > _MOST_NAMED else "")
        super().__init__(
            f"step {step}: got {value} as {component}, expected a finite number; the batch was {shown}; "
            "look at these items, or train with a lower learning rate, a gradient limit or precision 32. "
            "Earlier checkpoints are kept"
        )


class InvalidCheckpoint(RepostError, ValueError):
    """A checkpoint is damaged."""

    def __init__(self, path: object, *, reason: str) -> None:
        self.path, self.reason = str(path), reason
        super().__init__(
            f"'{path}' is no sound checkpoint: {reason}; delete it to go on from an earlier one or from the start"
        )


class InvalidWeights(RepostError, ValueError):
    """A file of weights is damaged, of another network, or holds more than tensors."""

    def __init__(
        self, path: object, *, reason: str, expected: str, remedy: str = "fetch the file again from a source you trust"
    ) -> None:
        self.path, self.reason, self.expected = str(path), reason, expected
        super().__init__(f"'{path}': {reason}; expected {expected}; {remedy}")


class DownloadFailed(RepostError, OSError):
    """A file cannot be had from its address.

    Attributes:
        url: The address.
        reason: Why.
        kept_bytes: What is here of the file, and is kept.
    """

    def __init__(self, url: str, *, reason: str, kept_bytes: int = 0) -> None:
        self.url, self.reason, self.kept_bytes = url, reason, kept_bytes
        again = f"{kept_bytes:,} bytes are kept, the same command goes on from there" if kept_bytes else "try later"
        super().__init__(
            f"cannot download {url}: {reason}; get the file elsewhere for `repost weights add FILE`, or {again}"
        )


class WrongArchitecture(InvalidWeights):
    """The weights are of another network.

    Attributes:
        network: The network they were to be loaded into.
        missing: Tensors that it has and the file lacks.
        unexpected: Tensors that the file has and it lacks.
        misshapen: (name, shape in the file, shape in the network) of those both have.
        guess: What the file probably holds; "" where that cannot be told.
    """

    def __init__(
        self,
        path: object,
        *,
        network: str,
        missing: Sequence[str],
        unexpected: Sequence[str],
        misshapen: Sequence[tuple[str, tuple[int, ...], tuple[int, ...]]],
        guess: str,
    ) -> None:
        self.network, self.missing, self.unexpected = network, tuple(missing), tuple(unexpected)
        self.misshapen, self.guess = tuple(misshapen), guess
        shapes = [f"{name} {theirs} instead of {ours}" for name, theirs, ours in self.misshapen]
        facts = {"it lacks": self.missing, "it holds unknown": self.unexpected, "it holds": shapes}
        said = [f"{what} {_a_few(names)}" for what, names in facts.items() if names]
        looks = f"it looks like {guess}" if guess else "it looks like nothing known here"
        expected = f"weights of the network {network}"
        remedy = "name the model these weights belong to"
        super().__init__(path, reason="; ".join([*said, looks]), expected=expected, remedy=remedy)


class WorkerDied(RepostError, RuntimeError):
    """A worker process was killed while on an item."""

    def __init__(self, item: str) -> None:
        self.item = item
        super().__init__(
            f"{item}: the worker process died on it twice (killed, out of memory, or a codec crash); "
            "try it alone with --jobs 1"
        )


def _a_few(names: Sequence[str], *, most: int = 3) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(ascii(name)[1:81].rstrip("'") for name in names[:most]) + more


def _any_of(names: Sequence[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + " or " + quoted[-1]
