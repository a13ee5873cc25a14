"""Boxes that have been found already: a JSON file of them, or the manifest of an earlier run."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, InstanceOf, ValidationError, model_validator

from repost.core.errors import BoxesNotFound, InputNotFound, InvalidBox, InvalidBoxes
from repost.core.files import digest_file
from repost.faces.face import Box, Face, box_of

if TYPE_CHECKING:
    from repost.media.picture import Rgb8

_FARTHEST_PX = 1_000_000
_Pixel = Annotated[int, Field(ge=-_FARTHEST_PX, le=_FARTHEST_PX)]
_Place = Annotated[float, Field(ge=-_FARTHEST_PX, le=_FARTHEST_PX)]
_Side = Annotated[int, Field(gt=0, le=_FARTHEST_PX)]
_Frame = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,8})$")]

_SAME_SHAPE = 0.02
"""By how much a rendition may be stretched: encoders round sides to multiples of 2, 8 or 16."""


class GivenFace(BaseModel):
    """A face in a file of boxes.

    Attributes:
        box: Left, top, right and bottom in pixels of the upright picture; the last column and row belong to it.
        confidence: On whatever scale; faces are in the order of the file.
        points: Five points, or None.
        size_px: Width and height of the picture that the box is of; None where it is that of any picture shown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    box: tuple[_Pixel, _Pixel, _Pixel, _Pixel]
    confidence: Annotated[float, Field(allow_inf_nan=False)] = 1.0
    points: Annotated[tuple[tuple[_Place, _Place], ...], Field(min_length=5, max_length=5)] | None = None
    size_px: tuple[_Side, _Side] | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare_box(cls, given: Any) -> Any:  # noqa: ANN401 - before it is checked
        return dict[str, Any](box=given) if type(given) is list else given

    @model_validator(mode="after")
    def _not_empty(self) -> GivenFace:
        if Box(*self.box).area == 0:
            raise ValueError(f"got the box {list(self.box)}, expected left <= right and top <= bottom")
        return self

    def face(self, width: int, height: int) -> Face:
        """The same as a result of a detector, in a rendition of the picture.

        Args:
            width: Of the rendition, in pixels.
            height: Of it.

        Raises:
            InvalidBox: It has another shape, or no pixel of the box.
        """
        box, points = Box(*self.box), self.points
        if self.size_px is not None and self.size_px != (width, height):
            across, down = width / self.size_px[0], height / self.size_px[1]
            if abs(across / down - 1) > _SAME_SHAPE:
                raise InvalidBox(box, width=width, height=height, found_in=self.size_px)
            box = box_of(box.left * across, box.top * down, box.width * across, box.height * down)
            points = points and tuple((x * across, y * down) for x, y in points)
        if box.right < 0 or box.bottom < 0 or box.left >= width or box.top >= height:
            raise InvalidBox(box, width=width, height=height)
        return Face(box, self.confidence, points)


class BoxFile(BaseModel):
    """A file of boxes.

    Attributes:
        schema_version: 1.
        boxes: Faces by source, as manifest rows name it, and by frame number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    boxes: Mapping[str, Mapping[_Frame, tuple[GivenFace, ...]]]


class FoundRow(BaseModel):
    """A row of the manifest of `repost faces`. What else it holds is passed over.

    Attributes:
        source: What the frame is from; any string, since names of files need not be Unicode.
        frame: Its number.
        status: What is in a frame is known where it is "done" or "no_face".
        box: Of the face, where it is "done".
        confidence: Likewise.
        size_px: Width and height of the frame.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    source: InstanceOf[str]
    frame: Annotated[int, Field(ge=0)]
    status: Literal["done", "no_face", "failed", "skipped"]
    box: Any = None
    confidence: Any = None
    size_px: Any = None


_Frames: TypeAlias = Mapping[str, tuple[GivenFace, ...]]
_Problems: TypeAlias = list[tuple[str, str]]


class GivenBoxes:
    """Looks boxes up by source and frame.

    Args:
        file: A `BoxFile` as JSON, or a manifest of `repost faces`: a `FoundRow` a line.

    Raises:
        InputNotFound: There is no such file.
        InvalidBoxes: It is malformed; every fault is named.
    """

    def __init__(self, file: Path) -> None:
        if not file.is_file():
            raise InputNotFound(file)
        self._file, self._digest = file, digest_file(file)
        content = file.read_bytes()
        self._boxes, problems = _from_manifest(content) if _is_manifest(content) else _from_boxes(content)
        if problems:
            raise InvalidBoxes(file, problems)
        faces = [face for frames in self._boxes.values() for given in frames.values() for face in given]
        self.gives_points = bool(faces) and all(face.points is not None for face in faces)

    def identity(self) -> str:
        """Name, and digest of the file."""
        return f"boxes {self._digest}"

    def find(self, pixels: Rgb8, *, source: str = "", frame: int = 0) -> list[Face]:
        """See `FaceDetector.find`.

        Raises:
            BoxesNotFound: The file does not name the source, or not this frame of it.
            InvalidBox: A box has no pixel in the picture, or is of one of another shape.
        """
        frames = self._boxes.get(source)
        if frames is None:
            near = difflib.get_close_matches(source, self._boxes, n=3)
            hint = f"; it has {', '.join(near)}" if near else ""
            raise BoxesNotFound(source, path=self._file, reason=f"the file of boxes does not name it{hint}")
        given = frames.get(str(frame))
        if given is None:
            raise BoxesNotFound(source, path=self._file, reason=f"the file of boxes has no entry for frame {frame}")
        height, width = pixels.shape[:2]
        return [one.face(width, height) for one in given]


def _from_boxes(content: bytes) -> tuple[Mapping[str, _Frames], _Problems]:
    try:
        return BoxFile.model_validate_json(content).boxes, []
    except ValidationError as error:
        return {}, _problems(error)


def _is_manifest(content: bytes) -> bool:
    try:
        return "source" in json.loads(content.partition(b"\n")[0])
    except (ValueError, TypeError, RecursionError):
        return False


def _from_manifest(content: bytes) -> tuple[Mapping[str, _Frames], _Problems]:
    boxes: dict[str, dict[str, tuple[GivenFace, ...]]] = {}
    problems: _Problems = []
    for number, line in enumerate(content.splitlines(), 1):
        try:
            row = FoundRow.model_validate(json.loads(line))
            face = {"box": row.box, "confidence": row.confidence, "size_px": row.size_px}
            faces = (GivenFace.model_validate(face),) if row.status == "done" else ()
        except ValidationError as error:
            problems += [(f"line {number}: {place}", said) for place, said in _problems(error)]
            continue
        except (ValueError, RecursionError) as error:
            problems.append((f"line {number}", str(error)))
            continue
        frames = boxes.setdefault(row.source, {})
        if str(row.frame) in frames:
            problems.append((f"line {number}", f"got frame {row.frame} of {row.source} again, expected it once"))
        if row.status in ("done", "no_face"):
            frames[str(row.frame)] = faces
    return boxes, problems


def _problems(error: ValidationError) -> _Problems:
    return [(".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors()]
