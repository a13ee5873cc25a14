"""The call is wrong; nothing was done."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import ClassVar

from repost.core.errors.roots import MOST_NAMED, UsageError, any_of


class _NameNotFound(UsageError, LookupError):
    """Nothing of its kind has that name; near names are suggested."""

    _kind: ClassVar[str]

    def __init__(self, name: str, *, suggestions: Sequence[str] = (), available: Sequence[str] = ()) -> None:
        self.name, self.suggestions, self.available = name, tuple(suggestions), tuple(available)
        hint = f"did you mean {any_of(suggestions)}? " if suggestions else ""
        super().__init__(f"no {self._kind} '{name}'; {hint}{self._all()}")

    def _all(self) -> str:
        return f"there are {', '.join(self.available)}"


class ProfileNotFound(_NameNotFound):
    """No platform profile has that name."""

    _kind = "platform profile"

    def _all(self) -> str:
        return "`repost platforms list` shows all of them"


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


class DetectorNotFound(_NameNotFound):
    """No detector and no architecture has that name."""

    _kind = "detector"


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
                f"'{name}' is an architecture, and got no file of weights; name one (--weights FILE), "
                f"or a detector whose weights are published: {', '.join(detectors)}"
            )
        else:
            said = (
                f"the weights of '{name}' are not on this machine; get them with `repost weights fetch {name}`, "
                "take a file you have with `repost weights add FILE`, or name it with --weights FILE"
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


class FinderNotFound(_NameNotFound):
    """No face detector has that name."""

    _kind = "face detector"


class InvalidBoxes(UsageError):
    """A file of face boxes that cannot be used.

    Attributes:
        path: The file.
        problems: (place in the file, what is wrong) for the faults found.
    """

    def __init__(self, path: object, problems: Sequence[tuple[str, str]]) -> None:
        self.path, self.problems = str(path), tuple(problems)
        lines = "".join(f"\n  {place or '(file)'}: {message}" for place, message in self.problems[:MOST_NAMED])
        super().__init__(f"'{path}' is no file of face boxes:{lines}\n  the format: docs/faces.md")
