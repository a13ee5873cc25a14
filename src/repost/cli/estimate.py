"""`repost estimate`: learn a platform from pairs, or the history of one file. One file per sub-verb."""

from __future__ import annotations

import typer

from repost.cli import estimate_file, estimate_images, estimate_investigate, estimate_videos

app = typer.Typer(help="Learn a platform from pairs; read the compression history of one file.", no_args_is_help=True)
app.command("images")(estimate_images.estimate_images)
app.command("videos")(estimate_videos.estimate_videos)
app.command("file")(estimate_file.estimate_file)
app.command("investigate")(estimate_investigate.estimate_investigate)
