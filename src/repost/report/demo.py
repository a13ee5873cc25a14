"""The demo: real photographs on five networks, and a page to look at them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from repost import batch
from repost.batch import Item, Row
from repost.channel.compare import METRICS
from repost.channel.files import ShareFiles
from repost.channel.image import Emulated
from repost.core.errors import OutputUnwritable
from repost.media.upload import Upload
from repost.platforms import Profile, resolve
from repost.report.contact_sheet import write_contact_sheet
from repost.report.demo_photos import CREDITS, MOSAIC, photograph_names, write_photographs
from repost.report.pictures import draw_pictures
from repost.report.shares import share_of, trace_of

PLATFORMS = ("facebook", "twitter", "wechat", "weibo", "instagram")
_DRAWING = 1
"""Raised when previews are drawn otherwise, so that those of an earlier run are not taken for new ones."""


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo made.

    Attributes:
        page: The contact sheet.
        rows: One for each photograph and platform, as in the manifest, in the order they are shown.
        failed: How many of them failed.
    """

    page: Path
    rows: tuple[dict[str, object], ...]
    failed: int


@dataclass(frozen=True, slots=True)
class DrawnShares:
    """Work of a batch: share each file, then draw the pictures for the page."""

    shares: ShareFiles

    def settings(self, part: str) -> str:
        """Everything besides the content that decides the files written."""
        return json.dumps({"shares": self.shares.settings(part), "drawing": _DRAWING}, sort_keys=True)

    def blank(self, item: Item, part: str) -> dict[str, object]:
        """A manifest row of which nothing is known yet."""
        return self.shares.blank(item, part) | {"pictures": None}

    def run(self, item: Item, parts: tuple[str, ...]) -> Iterator[Row]:
        """Share one file on several platforms and draw what became of it."""
        upload: Upload | None = None
        for row in self.shares.run(item, parts):
            if row.status == "done":
                upload = upload or Upload.of(item.source)
                yield self._drawn(row, upload, item.source)
            else:
                yield row

    def _drawn(self, row: Row, upload: Upload, source: Path) -> Row:
        out = self.shares.out
        emulated = Emulated((out / row.outputs[0]).read_bytes(), trace_of(row.fields))
        pictures = draw_pictures(
            upload,
            emulated,
            upload_path=source.relative_to(out).as_posix(),
            folder=out,
            name=row.item,
            platform=row.part,
        )
        fields = {**row.fields, "pictures": {name: getattr(pictures, name) for name in pictures.__slots__}}
        drawn = (pictures.before, pictures.after, pictures.difference)
        return replace(row, fields=fields, outputs=(*row.outputs, *drawn))


def run_demo(
    out: Path,
    *,
    platforms: Sequence[str] = PLATFORMS,
    photographs: Sequence[str] | None = None,
    jobs: int | None = None,
    on_progress: Callable[[int, int | None], None] | None = None,
) -> Demo:
    """Share the demo's photographs and write the contact sheet.

    Args:
        out: Output folder; made where it does not exist. What an earlier demo left there is used again.
        platforms: Names of platforms, or paths to TOML profiles.
        photographs: Which of `photograph_names`; all when None.
        jobs: Worker processes; one per processor core when None.
        on_progress: Called with how many shares are finished and how many there are.

    Returns:
        Where the page is, and the rows.

    Raises:
        ProfileNotFound: A platform is not known.
        InvalidProfile: A profile file is wrong.
        MissingExtra: scikit-image or scikit-learn is not installed.
        OutputBusy: Another run is writing to `out`.
        OutputUnwritable: The folder cannot be written.
    """
    profiles = {_called(name, profile): profile for name, profile in ((name, resolve(name)) for name in platforms)}
    names = list(photographs or photograph_names())
    out = out.absolute()
    items = _items(_written(out, names), tuple(profiles))
    work = DrawnShares(ShareFiles(out, profiles, metrics=METRICS, named=frozenset(names)))
    rows: dict[tuple[str, str], Row] = {}
    for event in batch.run(items, work, out=out, jobs=min(jobs or os.cpu_count() or 1, len(items))):
        if isinstance(event, batch.RowFinished):
            rows[event.row.item, event.row.part] = event.row
            if on_progress:
                on_progress(event.finished, event.total)
    shown = [rows[name, platform] for name in names for platform in profiles]
    manifest_rows = tuple(row.manifest_row() for row in shown)
    page = write_contact_sheet(
        [share_of(row) for row in manifest_rows],
        out / "index.html",
        title="What networks do to photographs",
        note=CREDITS,
    )
    return Demo(page, manifest_rows, failed=sum(row.status == "failed" for row in shown))


def _written(out: Path, names: list[str]) -> list[Path]:
    try:
        written = {path.name: path for path in write_photographs(out / "photographs")}
    except OSError as error:
        raise OutputUnwritable(out, reason=str(error.strerror or error)) from error
    return [written[name] for name in names]


def _items(photographs: list[Path], parts: tuple[str, ...]) -> list[Item]:
    """The largest photograph goes first, so that no worker is left alone with it at the end."""
    ordered = sorted(photographs, key=lambda path: path.name != MOSAIC)
    stems = batch.output_stems(path.name for path in photographs)
    return [Item(path.name, path, parts, stems[path.name]) for path in ordered]


def _called(name: str, profile: Profile) -> str:
    """What a platform is called in rows and folders: as asked for, and by its own name where that was a file."""
    if not name.endswith(".toml"):
        return name.strip().lower()
    return profile.platform if profile.main_route else f"{profile.platform}/{profile.route}"
