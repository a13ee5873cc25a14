"""The database of compression samples of the Social Media Compression Emulation Framework (arXiv 2508.08765).

    {"Youtube": {"libx264": [{"original_res": "1920x1080", "target_res": "854x480", "crf": 27,
                              "profile": "High", "source_file": "001.mp4"}]}}

Platforms are told apart by case; codecs are FFmpeg's names of encoders. `lookup` turns samples into a profile.
"""

from __future__ import annotations

import difflib
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, TypeAdapter, ValidationError

from repost.core.errors import InputNotFound, OutputUnwritable, UsageError
from repost.core.files import write_atomic
from repost.platforms.values import Number

MOST_BYTES = 1 << 26
"""Size limit of a database: some 300,000 samples, where published ones hold fewer than 50 per resolution."""

Place: TypeAlias = tuple[int | str, ...]
"""Keys and indices from the whole document inwards."""

_SHOWN_PROBLEMS, _SHOWN_LETTERS = 20, 60
_SIDE = r"[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5]"


def _in_crf_range(crf: int | float) -> int | float:
    if not 0 <= crf <= 63:
        raise ValueError("out of range")
    return crf


Resolution: TypeAlias = Annotated[str, Strict(), Field(pattern=f"^({_SIDE})x({_SIDE})$")]
"""Width and height as stored, such as "1920x1080": 1 to 65535 px a side."""


class Sample(BaseModel):
    """What one video became on a platform.

    Attributes:
        original_res: Of the upload, as stored (before any rotation flag).
        target_res: Of what came back, as stored.
        crf: At which the upload, scaled to `target_res`, takes just less than the bitrate of what came back.
        profile: Of what came back, as ffprobe names it, such as "High".
        source_file: The upload's file name.

    Fields beyond these are kept.
    """

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    original_res: Resolution
    target_res: Resolution
    crf: Annotated[Number, AfterValidator(_in_crf_range)]
    profile: Annotated[str, Strict()] | None = None
    source_file: Annotated[str, Strict()] | None = None

    @property
    def original_size(self) -> tuple[int, int]:
        """Width and height of the upload, px."""
        return _size(self.original_res)

    @property
    def target_size(self) -> tuple[int, int]:
        """Width and height of what came back, px."""
        return _size(self.target_res)


def _size(resolution: str) -> tuple[int, int]:
    width, height = resolution.split("x")
    return int(width), int(height)


class InvalidDatabase(UsageError):
    """A database of compression samples that cannot be used.

    Attributes:
        path: The file.
        problems: (place such as "Youtube/libx264[3].crf", what is wrong) for every fault found.
    """

    def __init__(self, path: object, problems: Sequence[tuple[str, str]]) -> None:
        self.path, self.problems = str(path), tuple(problems)
        lines = [f"\n  {place or '(file)'}: {message}" for place, message in self.problems[:_SHOWN_PROBLEMS]]
        if more := len(self.problems) - len(lines):
            lines.append(f"\n  and {more:,} more")
        super().__init__(
            f"'{path}' is not a valid database of compression samples:{''.join(lines)}\n"
            "  expected {platform: {codec: [samples]}}; undo the edit, or estimate anew into another file"
        )


class SamplesNotFound(UsageError, LookupError):
    """A database has no such platform, or no such codec of it.

    Attributes:
        asked: The name that was asked for.
        suggestions: Near names.
        available: Every name there is.
    """

    def __init__(self, kind: str, asked: str, *, source: str, available: Sequence[str]) -> None:
        self.asked, self.available = asked, tuple(available)
        folded = {name.casefold(): name for name in available}
        self.suggestions = tuple(folded[near] for near in difflib.get_close_matches(asked.casefold(), folded, n=3))
        hint = f"did you mean {' or '.join(map(repr, self.suggestions))}? " if self.suggestions else ""
        there = ", ".join(map(repr, available)) or "nothing"
        super().__init__(f"no {kind} {asked!r} in {source}; {hint}it holds {there}")


@dataclass(frozen=True, slots=True)
class ReferenceDatabase:
    """Compression samples by platform and codec.

    Attributes:
        name: What it is called in errors and evidence: its file name.
        platforms: Samples in the order of the file, by platform and by FFmpeg's name of the encoder.
    """

    name: str
    platforms: Mapping[str, Mapping[str, tuple[Sample, ...]]]

    def samples(self, platform: str, codec: str) -> tuple[str, str, tuple[Sample, ...]]:
        """The samples of a platform and codec.

        Args:
            platform: Looked up as it is, then whatever its case.
            codec: Likewise, such as "libx264".

        Returns:
            Both names as the file has them, and the samples, at least one.

        Raises:
            SamplesNotFound: There are none; near names are suggested.
            UsageError: The name fits several platforms that differ in case only, or the list of samples is empty.
        """
        platform = _key("platform", platform, self.platforms, self.name)
        place = f"{self.name}, platform {platform!r}"
        codec = _key("codec", codec, self.platforms[platform], place)
        found = self.platforms[platform][codec]
        if not found:
            raise UsageError(f"got an empty list of samples in {place}, codec {codec!r}, expected at least one sample")
        return platform, codec, found


def _key(kind: str, asked: str, names: Mapping[str, object], source: str) -> str:
    if asked in names:
        return asked
    alike = [name for name in names if name.casefold() == asked.casefold()]
    if len(alike) > 1:
        raise UsageError(f"got {kind} {asked!r}, which may be {' or '.join(map(repr, alike))} in {source}; say which")
    if not alike:
        raise SamplesNotFound(kind, asked, source=source, available=list(names))
    return alike[0]


def load_reference(path: Path) -> ReferenceDatabase:
    """Read a database.

    Args:
        path: The JSON file, at most `MOST_BYTES`.

    Returns:
        Its samples.

    Raises:
        InputNotFound: There is no such file.
        InvalidDatabase: It cannot be used; every fault is named.
    """
    return ReferenceDatabase(path.name, _validated(_parsed(path), path))


def write_reference(database: ReferenceDatabase, path: Path) -> None:
    """Write a database whole or not at all, so that the framework's own scripts read it.

    Args:
        database: Samples.
        path: The file; its folder exists. A file already there is replaced.

    Raises:
        OutputUnwritable: It cannot be written; what was there is untouched.
    """
    _write(
        path,
        {
            platform: {codec: [_plain(sample) for sample in samples] for codec, samples in codecs.items()}
            for platform, codecs in database.platforms.items()
        },
    )


def append_samples(path: Path, samples: Sequence[Sample], *, platform: str, codec: str) -> ReferenceDatabase:
    """Add samples at the end of one platform and codec; everything else stays as it is.

    Samples that the database holds already are not added again, so that a run may be repeated.

    One writer at a time: of two that append at once, the later wins.

    Args:
        path: The database; made where it is not there. Its folder exists.
        samples: What to add.
        platform: As the framework spells it, such as "Youtube".
        codec: FFmpeg's name of the encoder, such as "libx264".

    Returns:
        The database as it is now.

    Raises:
        UsageError: A name is empty.
        InvalidDatabase: The file there is damaged; it is not touched.
        OutputUnwritable: It cannot be written; what was there is untouched.
    """
    for kind, name in (("platform", platform), ("codec", codec)):
        if not name:
            raise UsageError(f"got an empty name of a {kind}, expected one such as 'Youtube' or 'libx264'")
    parsed: object = _parsed(path) if path.exists() else dict[str, object]()
    _validated(parsed, path)
    document = cast("dict[str, dict[str, list[object]]]", parsed)
    known = document.setdefault(platform, {}).setdefault(codec, [])
    before = list(known)
    known += [plain for sample in samples if (plain := _plain(sample)) not in before]
    _write(path, document)
    return ReferenceDatabase(path.name, _validated(document, path))


def _plain(sample: Sample) -> dict[str, Any]:
    return sample.model_dump(exclude_unset=True)


def _write(path: Path, document: object) -> None:
    # As `json.dump(document, file, indent=4)` of the framework writes it, to the byte.
    try:
        write_atomic(path, json.dumps(document, indent=4).encode(), fsync=True)
    except OSError as error:
        raise OutputUnwritable(path, reason=error.strerror or str(error)) from error


class _Object(dict[str, Any]):
    """A JSON object that remembers which keys it had twice."""

    def __init__(self, pairs: Sequence[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        counts = Counter(key for key, _ in pairs)
        self.twice = [key for key, count in counts.items() if count > 1]


def _parsed(path: Path) -> object:
    if not path.is_file():
        raise InputNotFound(path)
    try:
        with path.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise InvalidDatabase(path, [("", f"cannot be read: {error.strerror or error}")]) from error
    if len(data) > MOST_BYTES:
        raise InvalidDatabase(path, [("", f"got more than {MOST_BYTES:,} bytes, expected at most as many")])
    try:
        document = json.loads(data.decode("utf-8"), object_pairs_hook=_Object)
    except RecursionError as error:
        raise InvalidDatabase(path, [("", _TOO_DEEP)]) from error
    except UnicodeDecodeError as error:
        raise InvalidDatabase(path, [("", f"not UTF-8 text: {error.reason}")]) from error
    except ValueError as error:  # besides syntax errors, numbers of thousands of digits
        raise InvalidDatabase(path, [("", f"not valid JSON: {error}")]) from error
    if problems := list(_ambiguous(document, ())):
        raise InvalidDatabase(path, problems)
    return document


def _ambiguous(data: object, place: Place) -> Iterator[tuple[str, str]]:
    """What Python reads and other programs read otherwise or not at all."""
    if len(place) > _DEEPEST:
        yield in_words(place[:3]), _TOO_DEEP
    elif isinstance(data, _Object):
        for key in data.twice:
            yield in_words(place), f"the key {_shown(key)} stands there twice; keep one"
        for key, value in data.items():
            yield from _ambiguous(value, (*place, key))
    elif isinstance(data, list):
        for index, value in enumerate(cast("list[object]", data)):
            yield from _ambiguous(value, (*place, index))
    elif isinstance(data, float) and not math.isfinite(data):
        yield in_words(place), f"got {data}, expected a finite number"


def _validated(document: object, path: Path) -> dict[str, dict[str, tuple[Sample, ...]]]:
    try:
        return _DATABASE.validate_python(document)
    except ValidationError as error:
        found = {_place_of(one["loc"]): one for one in error.errors(include_url=False, include_context=False)}
        raise InvalidDatabase(
            path, [_problem(place, one["input"], one["type"]) for place, one in found.items()]
        ) from error


def _place_of(loc: Place) -> tuple[Place, bool]:
    """Where a fault is, without what pydantic adds for unions, and whether the key itself is at fault."""
    is_key = loc[-1:] == ("[key]",)
    return (loc[:-2] if is_key else loc[:_DEPTH_OF_FIELDS]), is_key


def _problem(at: tuple[Place, bool], got: object, kind: str) -> tuple[str, str]:
    place, is_key = at
    if is_key:
        return in_words(place), f"got the name {_shown(got)}, expected at least one letter, all of them Unicode"
    if len(place) < _DEPTH_OF_FIELDS:
        return in_words(place), f"got {_shown(got)}, expected {_EXPECTED_AT[len(place)]}"
    field = str(place[-1])
    missing = kind == "missing"
    return in_words(place), f"got {'nothing' if missing else _shown(got)}, expected {_EXPECTED[field]}"


def in_words(place: Place) -> str:
    """A place in a database, such as "Youtube/libx264[3].crf"."""
    names = "/".join(str(part) for part in place[:2])
    return names + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place[2:])


def _shown(value: object) -> str:
    try:
        text = json.dumps(value)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= _SHOWN_LETTERS else text[:_SHOWN_LETTERS] + "..."


_TOO_DEEP = "objects or lists lie too deep inside each other"
_DEEPEST = 32
_DEPTH_OF_FIELDS = 4
_EXPECTED_AT = (
    "an object of platforms",
    'an object of codecs, such as {"libx264": [...]}',
    "a list of samples",
    'a sample, such as {"original_res": "1920x1080", "target_res": "854x480", "crf": 27}',
)
_EXPECTED = {
    "original_res": 'width and height from 1 to 65535, such as "1920x1080"',
    "target_res": 'width and height from 1 to 65535, such as "854x480"',
    "crf": "a number from 0 to 63",
    "profile": 'a text such as "High"',
    "source_file": "a file name",
}
_Named: TypeAlias = Annotated[str, Field(min_length=1)]
_DATABASE: TypeAdapter[dict[str, dict[str, tuple[Sample, ...]]]] = TypeAdapter(
    dict[_Named, dict[_Named, tuple[Sample, ...]]]
)
