"""Boxes that somebody has found already, from a JSON file."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from repost.core.errors import BoxesNotFound, InputNotFound, InvalidBox, InvalidBoxes
from repost.core.files import digest_file
from repost.faces.face import Box, Face, Points

if TYPE_CHECKING:
    from repost.media.picture import Rgb8

_FARTHEST_PX = 1_000_000
_Pixel = Annotated[int, Field(ge=-_FARTHEST_PX, le=_FARTHEST_PX)]
_Place = Annotated[float, Field(ge=-_FARTHEST_PX, le=_FARTHEST_PX)]
_Frame = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,8})$")]


class GivenFace(BaseModel):
    """A face in a file of boxes.

    Attributes:
        box: Left, top, right and bottom in pixels of the upright picture; the last column and row belong to it.
        confidence: On whatever scale; faces are in the order of the file.
        points: Five points, or None.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    box: tuple[_Pixel, _Pixel, _Pixel, _Pixel]
    confidence: Annotated[float, Field(allow_inf_nan=False)] = 1.0
    points: Annotated[tuple[tuple[_Place, _Place], ...], Field(min_length=5, max_length=5)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare_box(cls, given: Any) -> Any:  # noqa: ANN401 - before it is checked
        return dict[str, Any](box=given) if type(given) is list else given

    @model_validator(mode="after")
    def _not_empty(self) -> GivenFace:
        if Box(*self.box).area == 0:
            raise ValueError(f"got the box {list(self.box)}, expected left <= right and top <= bottom")
        return self

    def face(self) -> Face:
        """The same as a result of a detector."""
        points: Points | None = self.points
        return Face(Box(*self.box), self.confidence, points)


class BoxFile(BaseModel):
    """A file of boxes.

    Attributes:
        schema_version: 1.
        boxes: Faces by source, as manifest rows name it, and by frame number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    boxes: Mapping[str, Mapping[_Frame, tuple[GivenFace, ...]]]


class GivenBoxes:
    """Looks boxes up by source and frame.

    Args:
        file: A `BoxFile` as JSON.

    Raises:
        InputNotFound: There is no such file.
        InvalidBoxes: It is malformed; every fault is named.
    """

    def __init__(self, file: Path) -> None:
        if not file.is_file():
            raise InputNotFound(file)
        self._file, self._digest = file, digest_file(file)
        try:
            self._boxes = BoxFile.model_validate_json(file.read_bytes()).boxes
        except ValidationError as error:
            problems = [(".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors()]
            raise InvalidBoxes(file, problems) from error
        faces = [face for frames in self._boxes.values() for given in frames.values() for face in given]
        self.gives_points = bool(faces) and all(face.points is not None for face in faces)

    def identity(self) -> str:
        """Name, and digest of the file."""
        return f"boxes {self._digest}"

    def find(self, pixels: Rgb8, *, source: str = "", frame: int = 0) -> list[Face]:
        """See `FaceDetector.find`.

        Raises:
            BoxesNotFound: The file does not name the source, or not this frame of it.
            InvalidBox: A box has no pixel in the picture.
        """
        frames = self._boxes.get(source)
        if frames is None:
            near = difflib.get_close_matches(source, self._boxes, n=3)
            hint = f"; it has {', '.join(near)}" if near else ""
            raise BoxesNotFound(source, path=self._file, reason=f"the file of boxes does not name it{hint}")
        given = frames.get(str(frame))
        if given is None:
            raise BoxesNotFound(source, path=self._file, reason=f"the file of boxes has no entry for frame {frame}")
        faces = [one.face() for one in given]
        height, width = pixels.shape[:2]
        for face in faces:
            if face.box.right < 0 or face.box.bottom < 0 or face.box.left >= width or face.box.top >= height:
                raise InvalidBox(face.box, width=width, height=height)
        return faces
