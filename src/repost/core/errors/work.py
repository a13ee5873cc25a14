"""The work itself failed."""

from __future__ import annotations

from collections.abc import Sequence

from repost.core.errors.roots import MOST_NAMED, RepostError, a_few


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
        shown = ", ".join(self.items[:MOST_NAMED]) + (" and more" if len(self.items) > MOST_NAMED else "")
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
        said = [f"{what} {a_few(names)}" for what, names in facts.items() if names]
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
