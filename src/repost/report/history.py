"""The compression history of a file, in lines of text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from repost.estimation.history.blind import Layer
from repost.estimation.history.estimate import History
from repost.report.words import format_in_words, shown


def history_text(found: History, *, name: str) -> str:
    """A history for people.

    Args:
        found: The history.
        name: Of the file.

    Returns:
        The file in one line, then a line for each compression, the last one first.
    """
    return "\n".join(_lines(found, name))


def history_row(found: History, *, name: str) -> dict[str, object]:
    """A history as JSON values; docs/history.md describes the keys.

    Args:
        found: The history.
        name: Of the file, as it was given.
    """
    return {
        "file": name,
        "format": found.format,
        "compressed": found.compressed,
        "layers": layer_rows(found.layers),
        "grid_phase_px": None if found.grid_phase_px is None else list(found.grid_phase_px),
        "doubt": found.doubt,
    }


def layer_rows(layers: Iterable[Layer]) -> list[dict[str, object]]:
    """Layers as JSON values, outermost first."""
    return [
        {
            "quality": layer.quality,
            "table_exact": layer.table_exact,
            "subsampling": layer.subsampling,
            "source": layer.source,
            "table": list(layer.table),
            "evidence_nats": _rounded(layer.evidence_nats),
            "margin_nats": _rounded(layer.margin_nats),
        }
        for layer in layers
    ]


def layers_in_words(layers: Sequence[Layer]) -> str:
    """Layers in one line, the last compression first."""
    return ", before that ".join(_quality(layer) + _subsampling(layer) for layer in layers) or "none"


def _lines(found: History, name: str) -> Iterator[str]:
    yield shown(name)
    if not found.layers:
        why = "never a JPEG, or hidden by scaling, flatness or another codec"
        yield f"  {format_in_words(found.format)} with no sign of JPEG in its pixels: {why}"
    for depth, layer in enumerate(found.layers):
        when = "saved last as" if depth == 0 else "before that most likely as"
        how = "read from the file" if layer.source == "tables" else f"found in the {_place(found)}"
        yield f"  {when} JPEG {_quality(layer)}{_subsampling(layer)}: {how}"
    if found.layers and len(found.layers) == 1 and found.doubt is None:
        yield "  no earlier compression found on the same grid"
    if found.doubt is not None:
        yield f"  {found.doubt}"


def _quality(layer: Layer) -> str:
    if layer.quality is None:
        return "with a table of its own"
    return f"quality {layer.quality}" if layer.table_exact else f"with a table of its own, near quality {layer.quality}"


def _subsampling(layer: Layer) -> str:
    return "" if layer.subsampling is None else f", colour {layer.subsampling}"


def _place(found: History) -> str:
    return "coefficients" if found.format == "jpeg" else "pixels"


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 1)
