"""`repost pairs`: make what is to be uploaded, and find the pairs among what came back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repost.cli.options import AsJson, MaxPixels, Sources

if TYPE_CHECKING:
    from repost.pairs.manifest import SheetManifest

app = typer.Typer(
    help="Collect pairs of what was uploaded and what came back, by hand: no account or API is used.",
    no_args_is_help=True,
)
Seed = Annotated[int, typer.Option(help="The same seed gives the same files.")]
Platform = Annotated[str, typer.Option("--platform", "-p", help="The network they are meant for.")]


@app.command()
def sheets(
    sources: Sources,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the sheets.")] = Path("upload"),
    platform: Platform = "",
    seed: Seed = 0,
    format: Annotated[str, typer.Option(help="png (lossless) or jpeg (quality 100, chroma 4:4:4).")] = "png",
    tile: Annotated[int, typer.Option(min=16, help="Side of a tile in pixels, a multiple of 16.")] = 256,
    fit: Annotated[str, typer.Option(help="fill: scale to the tile; crop: take the middle unscaled.")] = "fill",
    max_size: Annotated[
        str, typer.Option(help="Largest sheet, WIDTHxHEIGHT.  [default: 4096x4096 twitter, else 1280x2048]")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Stitch small pictures into sheets of many sizes, to upload by hand.

    Every picture is on exactly one sheet. OUT/sheets.json says where; keep it for `repost pairs recover`.
    """
    from repost.cli.progress import progress
    from repost.pairs.sheets import make_sheets, settings_for

    settings = settings_for(platform, tile_px=tile, format=format, fit=fit, max_size_px=_size(max_size))
    with progress("stitching", "sheet") as advance:
        made = make_sheets(sources, out, platform=platform, settings=settings, seed=seed, on_progress=advance)
    _tell(made, out, as_json=as_json)


@app.command()
def probe(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the pack.")] = Path("probe_pack"),
    photo: Annotated[
        list[Path] | None,
        typer.Option("--photo", help="A photograph to make it of; repeatable.  [default: those of scikit-image]"),
    ] = None,
    platform: Platform = "",
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Make about twenty files whose downloads tell what a network does.

    Upload them by hand, download them again, then `repost pairs recover`. OUT/README.txt says it step by step.
    """
    from tempfile import TemporaryDirectory

    from repost.cli.progress import progress
    from repost.core.errors import MissingExtra
    from repost.pairs.probe_pack import make_probe_pack
    from repost.report.demo_photos import write_photographs

    with TemporaryDirectory() as borrowed, progress("making", "file") as advance:
        try:
            photos = photo or write_photographs(Path(borrowed))
        except MissingExtra as missing:
            typer.echo(f"made-up texture instead of photographs; {missing}", err=True)
            photos = []
        made = make_probe_pack(out, photos, platform=platform, seed=seed, on_progress=advance)
    _tell(made, out, as_json=as_json)


@app.command()
def recover(
    manifest: Annotated[Path, typer.Option(help="sheets.json of what was uploaded, or its folder.")],
    downloads: Annotated[Path, typer.Option(help="Folder with what came back, of one network, under any names.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the pairs.")] = Path("pairs"),
    max_pixels: MaxPixels = None,
    as_json: AsJson = False,
) -> None:
    """Find the pairs among downloads that were renamed, turned, resized, cropped or padded.

    What is no pair for certain is named, never guessed. OUT/pairs.json lists everything.
    """
    from repost.cli.exits import EXIT_FAILED
    from repost.cli.progress import progress
    from repost.pairs.recover import recover as recover_pairs
    from repost.report.recovery import print_recovery, recovery_counts

    with progress("matching", "download") as advance:
        pairs = recover_pairs(manifest, downloads, out=out, max_pixels=max_pixels, on_progress=advance)
    if as_json:
        for kind, rows in (("file", pairs.files), ("tile", pairs.tiles), ("problem", pairs.problems)):
            for row in rows:
                typer.echo(json.dumps({"row": kind, **row.model_dump(mode="json")}, sort_keys=True))
    else:
        print_recovery(pairs)
    counts = ", ".join(f"{count} {name}" for name, count in recovery_counts(pairs).items())
    typer.echo(f"{counts}; {out / 'pairs.json'}", err=True)
    if pairs.failed:
        raise typer.Exit(EXIT_FAILED)


def _size(text: str) -> tuple[int, int] | None:
    from repost.core.errors import UsageError

    if not text:
        return None
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise UsageError(f"got --max-size {text!r}, expected WIDTHxHEIGHT such as 1280x2048")
    return int(width), int(height)


def _tell(made: SheetManifest, out: Path, *, as_json: bool) -> None:
    """Print what is to be uploaded and what to do next; failed sources end in exit code 4."""
    from repost.cli.exits import EXIT_FAILED
    from repost.report.words import shown, without_name

    for sheet in made.sheets:
        if as_json:
            typer.echo(json.dumps({"row": "sheet", **sheet.model_dump(mode="json")}, sort_keys=True))
        else:
            typer.echo(f"{out / sheet.file}  {sheet.width_px}x{sheet.height_px}  {sheet.about or len(sheet.tiles)}")
    for row in made.failed:
        if as_json:
            typer.echo(json.dumps({"row": "failed", **row.model_dump(mode="json")}, sort_keys=True))
        else:
            typer.echo(f"failed: {shown(row.source_id)}: {shown(without_name(row.reason, row.source_id))}", err=True)
    typer.echo(
        f"{len(made.sheets)} files to upload by hand, {len(made.failed)} sources failed. Download them again into one "
        f"folder, then: repost pairs recover --manifest {out} --downloads FOLDER -o PAIRS",
        err=True,
    )
    if made.failed:
        raise typer.Exit(EXIT_FAILED)
