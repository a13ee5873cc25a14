"""`repost probe`: what a file is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias, cast

import typer

from repost.cli.options import AsJson, MaxPixels, check_folder

if TYPE_CHECKING:
    from repost.media.video.probe import VideoExamination

_Said: TypeAlias = "tuple[dict[str, object], str, VideoExamination | None]"
"""What was found about a file: JSON values, text for people, and the examination of a video."""


def probe(
    files: Annotated[list[Path], typer.Argument(help="Images and videos.", show_default=False)],
    quick: Annotated[
        bool, typer.Option("--quick", help="Read only headers of videos; frames are not decoded beyond the first.")
    ] = False,
    figures: Annotated[
        Path | None, typer.Option(help="Draw how the videos were coded, side by side, into this folder.")
    ] = None,
    max_pixels: MaxPixels = None,
    as_json: AsJson = False,
) -> None:
    """Say what a file is: container, size, metadata, how a JPEG or a video was coded."""
    from repost.cli.each import each
    from repost.core.errors import UsageError

    if figures is not None and quick:
        raise UsageError("got --figures and --quick, expected one of them; figures need the frames decoded")
    if figures is not None:
        check_folder("--figures", figures)
    videos: dict[str, VideoExamination] = {}
    failed: typer.Exit | None = None
    try:
        for path, (values, text, video) in each(files, lambda path: _look(path, quick=quick, max_pixels=max_pixels)):
            typer.echo(json.dumps({"file": str(path), **values}, sort_keys=True) if as_json else text)
            if video is not None and figures is not None:
                videos[str(path)] = video
    except typer.Exit as ended:
        failed = ended
    if figures is not None and (videos or not failed):
        _draw(videos, figures)
    if failed:
        raise failed


def _look(path: Path, *, quick: bool, max_pixels: int | None) -> _Said:
    from repost.media.probe import holds_video

    return _look_at_video(path, quick, max_pixels) if holds_video(path) else _look_at_image(path, max_pixels)


def _look_at_image(path: Path, max_pixels: int | None) -> _Said:
    from repost.estimation.history.estimate import table_layers
    from repost.media.probe import probe_file
    from repost.media.read import read_file
    from repost.report.history import layer_rows, layers_in_words

    found = probe_file(path, max_pixels=max_pixels)
    layers = table_layers(read_file(path), name=str(path))
    shown = found | {"layers": layers_in_words(layers)}
    text = "\n".join([str(path), *(f"  {name:<18} {_plain(value)}" for name, value in shown.items())])
    return found | {"layers": layer_rows(layers)}, text, None


def _look_at_video(path: Path, quick: bool, max_pixels: int | None) -> _Said:
    from repost.cli.progress import progress
    from repost.media.video.probe import examination_values, examine_video
    from repost.report.video_probe import video_text

    with progress("decoding", "frame") as tell:
        found = examine_video(path, quick=quick, max_pixels=max_pixels, on_frame=None if quick else tell)
    return examination_values(found), video_text(found, name=str(path)), found


def _draw(videos: dict[str, VideoExamination], folder: Path) -> None:
    from repost.core.errors import UsageError
    from repost.report.video_figures import write_coding_figures

    if not videos:
        raise UsageError("got --figures and no video that can be read, expected at least one; name a video")
    for path in write_coding_figures({name: found.coding for name, found in videos.items()}, folder):
        typer.echo(f"wrote {path}", err=True)


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(entry) for entry in cast("list[object]", value)) or "none"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
