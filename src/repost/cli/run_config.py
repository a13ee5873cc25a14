"""The file that `repost run` carries out: steps in order, each with the options of its verb."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from repost.core.errors import InputNotFound, UsageError
from repost.platforms.faults import faults_of


class _Step(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def options(self, folder: Path) -> dict[str, Any]:
        """Options that were given, as the verb's function takes them; paths are relative to the config's folder."""
        given = self.model_dump(exclude={"do"}, exclude_unset=True)
        return {name: _from(folder, value) for name, value in given.items()}


def _from(folder: Path, value: Any) -> Any:  # noqa: ANN401 - any option
    if isinstance(value, Path):
        return folder / value
    if isinstance(value, tuple | list):
        return [_from(folder, one) for one in value]  # pyright: ignore[reportUnknownVariableType]
    return value


class EstimateVideos(_Step):
    """`repost estimate videos`."""

    do: Literal["estimate-videos"]
    originals: Path
    shared: Path
    platform: str
    out: Path
    codec: str = "libx264"
    crf_min: Annotated[int, Field(ge=0, le=63)] = 20
    crf_max: Annotated[int, Field(ge=0, le=63)] = 51
    reference_json: Path | None = None
    route: str = "post"
    observed: str = ""
    findings: Path | None = None
    figures: Path | None = None
    jobs: Annotated[int, Field(ge=0)] = 0


class EstimateImages(_Step):
    """`repost estimate images`."""

    do: Literal["estimate-images"]
    platform: str
    out: Path
    originals: Path | None = None
    shared: Path | None = None
    pairs: Path | None = None
    route: str = "post"
    observed: str = ""
    findings: Path | None = None
    jobs: Annotated[int, Field(ge=0)] = 0


class Emulate(_Step):
    """`repost emulate`."""

    do: Literal["emulate"]
    sources: tuple[Path, ...] = Field(min_length=1)
    out: Path
    platform: tuple[str, ...] | None = None
    profile: tuple[Path, ...] | None = None
    seed: int = 0
    metrics: str = ""
    match: str = "bitrate"
    every: Annotated[int, Field(ge=1)] | None = None
    reference_json: Path | None = None
    lookup: str = "reference"
    codec: str = "libx264"
    jobs: Annotated[int, Field(ge=0)] = 0
    engine: str = "local"

    def options(self, folder: Path) -> dict[str, Any]:
        """The same, and platforms that are files are relative to the config's folder too."""
        given = super().options(folder)
        if self.platform is not None:
            given["platform"] = [str(folder / name) if name.endswith(".toml") else name for name in self.platform]
        return given


Step: TypeAlias = Annotated[EstimateVideos | EstimateImages | Emulate, Field(discriminator="do")]


class RunConfig(BaseModel):
    """A whole file.

    Attributes:
        schema_version: Version of this layout.
        steps: Carried out in order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    steps: tuple[Step, ...] = Field(min_length=1)


def load_config(path: Path) -> RunConfig:
    """Read a config file.

    Args:
        path: TOML.

    Raises:
        InputNotFound: There is no such file.
        UsageError: It cannot be read, is no TOML, or a field is wrong; every one is named.
    """
    if not path.is_file():
        raise InputNotFound(path)
    parsed: dict[str, Any] = {}
    try:
        parsed = tomllib.loads(path.read_text(encoding="utf-8"))
        return RunConfig.model_validate(parsed)
    except OSError as error:
        raise UsageError(f"'{path}' cannot be read: {error.strerror or error}; check its permissions") from error
    except RecursionError as error:
        raise UsageError(f"'{path}' has lists too deep inside each other; the format: docs/cli.md") from error
    except ValidationError as error:
        problems = "".join(f"\n  {field}: {fault}" for field, fault in faults_of(error, parsed, model=RunConfig))
        raise UsageError(f"'{path}' cannot be run:{problems}\n  the format: docs/cli.md") from error
    except ValueError as error:  # besides syntax errors, text that is not UTF-8 and numbers of thousands of digits
        raise UsageError(f"'{path}' is no TOML: {error}; the format: docs/cli.md") from error
