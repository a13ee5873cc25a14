"""Everything a file says of itself, as plain values."""

from __future__ import annotations

from pathlib import Path

from repost.media.jpeg import JpegStructure, exact_quality
from repost.media.jpeg_tables import nearest_quality
from repost.media.read import open_image, read_file
from repost.media.sniff import VIDEO_FORMATS, sniff


def holds_video(path: Path) -> bool:
    """Whether a file's content is a video; False too where it cannot be read."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as stream:
            return sniff(stream.read(64)) in VIDEO_FORMATS
    except OSError:
        return False


def probe_file(path: Path, *, max_pixels: int | None = None, quick: bool = False) -> dict[str, object]:
    """Read what a file is. Images are not decoded, videos only where `quick` is off.

    Args:
        path: The file.
        max_pixels: Limit on width x height; the limit in force when None.
        quick: Leave out what only the frames of a video tell.

    Returns:
        JSON values: container, upright size, orientation, metadata; for a JPEG or a video also how it was coded.

    Raises:
        InputNotFound: There is no such file.
        MediaError: It is no media, damaged, or too large.
    """
    if holds_video(path):
        from repost.media.video.probe import probe_video

        return probe_video(path, quick=quick, max_pixels=max_pixels)
    data = read_file(path)
    _, facts = open_image(data, name=str(path), max_pixels=max_pixels)
    found: dict[str, object] = {
        "format": facts.format,
        "width_px": facts.width_px,
        "height_px": facts.height_px,
        "size_bytes": facts.size_bytes,
        "mode": facts.mode,
        "orientation": facts.orientation,
        "animated": facts.animated,
        "has_alpha": facts.has_alpha,
        "metadata": sorted(facts.metadata),
    }
    return found | _probe_jpeg(facts.jpeg) if facts.jpeg else found


def _probe_jpeg(structure: JpegStructure) -> dict[str, object]:
    nearest, distance = nearest_quality(structure.table_of(0), component="luma")
    return {
        "jpeg_quality": nearest,
        "quality_is_exact": exact_quality(structure) is not None,
        "luma_table_distance": distance,
        "subsampling": structure.subsampling,
        "process": structure.process,
        "scan_count": structure.scan_count,
        "optimized_huffman": structure.optimized_huffman,
        "restart_interval_mcu": structure.restart_interval_mcu,
        "quant_tables": [list(table) for table in structure.quant_tables.values()],
    }
