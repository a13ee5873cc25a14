"""Figures of how videos were coded, drawn with matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from repost.media.video.frames import VP9_QP_COUNT, StreamCoding
from repost.report.drawing import WIDE_INCHES, draw, write_files
from repost.report.words import shown

_HIGH_INCHES = 4.2
_ROW_INCHES = 1.9
_MOST_FRAMES = 250
"""Frames that are drawn one by one; x264's longest group by default, and what can still be told apart."""
_KINDS = {"I": "#c0392b", "P": "#2471a3", "B": "#95a5a6", "?": "#7d3c98"}
_FEW_TICKS = 5
"""Ratio of rates below which steps of 1, 2 and 5 might leave an axis without a number."""
_UNDER_PT, _LINE_PT = 4.2, 1.4
_WIDEST_BAR_PT, _BARS_WIDTH_PT = 6.0, 420.0


def write_coding_figures(codings: Mapping[str, StreamCoding], folder: Path) -> list[Path]:
    """Draw how videos were coded, side by side: quantisation parameters, and kinds and sizes of frames.

    Args:
        codings: How frames were coded, by the name of each video, such as shared, emulated and original.
        folder: Where to; made where it does not exist.

    Returns:
        The files: frames.svg, frames.png and, where a codec tells its quantisation parameters, qp.svg and qp.png.

    Raises:
        MissingExtra: Matplotlib is not installed.
        OutputUnwritable: The folder cannot be written.
    """
    figures = {"frames": draw_frames(codings)}
    if any(coding.qp_by_kind for coding in codings.values()):
        figures["qp"] = draw_qp(codings)
    return _write(figures, folder)


def write_rate_curve(
    points: Sequence[tuple[float, float]], folder: Path, *, shared_bps: float, crf: float | None
) -> list[Path]:
    """Draw bitrate against CRF; see `draw_rate_curve`.

    Returns:
        The files: rate.svg and rate.png.

    Raises:
        MissingExtra: Matplotlib is not installed.
        OutputUnwritable: The folder cannot be written.
    """
    return _write({"rate": draw_rate_curve(points, shared_bps=shared_bps, crf=crf)}, folder)


def draw_rate_curve(points: Sequence[tuple[float, float]], *, shared_bps: float, crf: float | None) -> dict[str, bytes]:
    """Draw the bitrate that each CRF gave, and where the shared file's bitrate meets it.

    Args:
        points: CRF and bitrate in bits per second of every encode, in any order.
        shared_bps: Bitrate of the shared file, above 0.
        crf: The CRF that was found, whole or fractional; None where none was.

    Returns:
        The figure as "svg" and "png".

    Raises:
        MissingExtra: Matplotlib is not installed.
    """
    return draw(
        lambda figure: _fill_rate_curve(figure, sorted(points), shared_bps / 1e3, crf),
        wide_inches=WIDE_INCHES / 2 + 1,
        high_inches=_HIGH_INCHES,
    )


def draw_qp(codings: Mapping[str, StreamCoding]) -> dict[str, bytes]:
    """Draw the quantisation parameters of all blocks, one line for each video; codecs on other scales apart.

    Args:
        codings: How frames were coded, by the name of each video.

    Returns:
        The figure as "svg" and "png".

    Raises:
        MissingExtra: Matplotlib is not installed.
    """
    scales = dict.fromkeys(len(coding.qp_histogram) for coding in codings.values() if coding.qp_by_kind)
    wide = WIDE_INCHES if len(scales) > 1 else WIDE_INCHES / 2 + 2

    def fill(figure: Any) -> None:  # noqa: ANN401 - matplotlib is untyped
        plots = figure.subplots(1, max(1, len(scales)), squeeze=False)[0]
        for axes, bins in zip(plots, scales, strict=False):
            _fill_qp(axes, codings, bins)

    return draw(fill, wide_inches=wide, high_inches=_HIGH_INCHES)


def draw_frames(codings: Mapping[str, StreamCoding]) -> dict[str, bytes]:
    """Draw kinds and sizes of the first frames, one row for each video.

    Args:
        codings: How frames were coded, by the name of each video.

    Returns:
        The figure as "svg" and "png".

    Raises:
        MissingExtra: Matplotlib is not installed.
    """
    return draw(
        lambda figure: _fill_frames(figure, codings),
        wide_inches=WIDE_INCHES,
        high_inches=1.0 + _ROW_INCHES * max(1, len(codings)),
    )


def _write(figures: Mapping[str, Mapping[str, bytes]], folder: Path) -> list[Path]:
    files = {f"{name}.{kind}": data for name, kinds in figures.items() for kind, data in kinds.items()}
    return write_files(files, folder)


def _fill_rate_curve(
    figure: Any,  # noqa: ANN401
    points: Sequence[tuple[float, float]],
    shared_kbps: float,
    crf: float | None,
) -> None:
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter

    axes = figure.subplots()
    axes.set_yscale("log")
    axes.axhline(
        shared_kbps, color=_KINDS["I"], linestyle="--", linewidth=1.2, label=f"shared file, {shared_kbps:,.0f} kbit/s"
    )
    axes.plot([crf for crf, _ in points], [rate / 1e3 for _, rate in points], marker="o", markersize=4,
              color=_KINDS["P"], label="encodes")  # fmt: skip
    if crf is not None:
        axes.axvline(crf, color="#333333", linestyle=":", linewidth=1.2, label=f"CRF {crf:g}")
    rates = [shared_kbps, *(rate / 1e3 for _, rate in points)]
    wide = max(rates) > _FEW_TICKS * min(rates)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if wide else MaxNLocator(nbins=6))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=(1, 2, 5, 10)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.grid(axis="y", alpha=0.25)
    axes.set(xlabel="CRF", ylabel="bitrate (kbit/s)", title="Bitrate at each CRF")
    axes.legend(frameon=False)


def _fill_qp(axes: Any, codings: Mapping[str, StreamCoding], bins: int) -> None:  # noqa: ANN401
    """Shares of blocks as outlines, means as dashes; only the values that occur, with one free on each side."""
    drawn = {name: coding for name, coding in codings.items() if coding.qp_by_kind and len(coding.qp_histogram) == bins}
    used = [index for coding in drawn.values() for index in coding.qp_histogram.nonzero()[0]]
    edges = [index - 0.5 for index in range(bins + 1)]
    for place, (name, coding) in enumerate(drawn.items()):
        shares = 100 * coding.qp_histogram / coding.qp_histogram.sum()
        mean = coding.mean_qp() or 0.0
        # The first is wide where there are more, so that equal ones are seen beneath each other.
        colour, width = f"C{place}", _UNDER_PT if place == 0 and len(drawn) > 1 else _LINE_PT
        axes.stairs(shares, edges, color=colour, linewidth=width, label=f"{_label(name, codings)} (mean {mean:.1f})")
        axes.stairs(shares, edges, color=colour, fill=True, alpha=0.12)
        axes.axvline(mean, color=colour, linestyle="--", linewidth=0.7 * width)
    axes.set_xlim(min(used) - 1.5, max(used) + 1.5)
    axes.set_ylim(bottom=0)
    scale = "VP9 quantiser index, by frame" if bins == VP9_QP_COUNT else "quantisation parameter (QP), by block"
    axes.set(xlabel=scale, ylabel="share (%)", title="How coarsely blocks are quantised")
    axes.legend(frameon=False)


def _fill_frames(figure: Any, codings: Mapping[str, StreamCoding]) -> None:  # noqa: ANN401
    rows = figure.subplots(max(1, len(codings)), 1, squeeze=False, sharex=True)[:, 0]
    most = min(_MOST_FRAMES, max((len(coding.kinds) for coding in codings.values()), default=1))
    width = min(_WIDEST_BAR_PT, _BARS_WIDTH_PT / most)
    for axes, (name, coding) in zip(rows, codings.items(), strict=False):
        sizes = coding.sizes_bytes or (None,) * len(coding.kinds)
        for kind, colour in _KINDS.items():
            bars = [
                (index, size / 1e3)
                for index, (letter, size) in enumerate(zip(coding.kinds[:most], sizes, strict=False))
                if letter == kind and size is not None
            ]
            if bars:
                places, heights = zip(*bars, strict=True)
                axes.vlines(places, 0, heights, color=colour, linewidth=width, label=f"{kind}-frames")
        axes.set_title(_label(name, codings), loc="left", fontsize=10)
        axes.set(ylabel="size (kB)", xlim=(-1, most))
        axes.set_ylim(bottom=0)
    rows[-1].set_xlabel("frame, as shown" if most < _MOST_FRAMES else f"frame, as shown (the first {most})")
    handles = {label: handle for axes in rows for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="outside upper right", ncols=len(handles), frameon=False)


def _label(name: str, names: Mapping[str, object]) -> str:
    """The shortest name that tells a video from the others, with a space before it: matplotlib hides names with `_`."""
    short = Path(name).name
    alone = sum(Path(other).name == short for other in names) == 1
    return f" {shown(short if alone else name)}"
