"""One slice of a volume, bare and with the borders of reference and prediction, from a scorer's excerpt."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from medassay.core.terms import Lang
from medassay.reports.fonts import sans_of_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MISSING = "#1b2733", "#b3261e"
WIDTH_INCHES, HEIGHT_INCHES = 6.4, 3.6
# Colour tells the structure, the line's form tells whose border it is: both survive a grey printer.
STRUCTURE_COLOURS = ("#f2b134", "#4cc3d9", "#e86a92", "#8fd16a")

WORDS: Mapping[str, Mapping[Lang, str]] = {
    "slice": {"zh": "第 {slice} / {slices} 层", "en": "slice {slice} of {slices}"},
    "reference": {"zh": "参考标准（实线）", "en": "reference (solid)"},
    "prediction": {"zh": "产品结果（虚线）", "en": "device (dashed)"},
    "missing": {"zh": "无预测结果：计为全部错误", "en": "no prediction: counted as all wrong"},
    "anterior": {"zh": "前部", "en": "anterior"},
    "posterior": {"zh": "后部", "en": "posterior"},
}


def draw(excerpt: Mapping[str, Any], lang: Lang) -> bytes:
    """The excerpt as SVG; the same bytes for the same excerpt.

    Parameters
    ----------
    excerpt : mapping
        As `evaluation.scoring.masks` gives it.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    font = sans_of_matplotlib()
    with matplotlib.rc_context({"svg.hashsalt": "medassay", "svg.fonttype": "path"}):
        canvas = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES))
        FigureCanvasSVG(canvas)
        bare, marked = canvas.subplots(1, 2)
        canvas.subplots_adjust(left=0.01, right=0.99, top=0.92, bottom=0.16, wspace=0.03)
        for axis in (bare, marked):
            _grey(axis, excerpt)
        bare.set_title(
            WORDS["slice"][lang].format(slice=excerpt["slice"], slices=excerpt["slices"]),
            fontproperties=_sized(font, 8),
            color=INK,
        )
        _borders(marked, excerpt)
        _legend(canvas, excerpt, lang, font)
        if excerpt["prediction"] is None:
            marked.set_title(WORDS["missing"][lang], fontproperties=_sized(font, 8), color=MISSING)
        sink = io.BytesIO()
        canvas.savefig(sink, format="svg", metadata={"Date": None, "Creator": None})
    return sink.getvalue()


def _grey(axis: Axes, excerpt: Mapping[str, Any]) -> None:
    aspect = excerpt["row_mm"] / excerpt["column_mm"]
    axis.imshow(
        np.array(excerpt["grey"], np.uint8),
        cmap="gray",
        vmin=0,
        vmax=255,
        aspect=aspect,
        interpolation="nearest",
    )
    axis.set_axis_off()


def _borders(axis: Axes, excerpt: Mapping[str, Any]) -> None:
    """Voxels' own edges: a smoothed contour would show a border that nobody drew."""
    from matplotlib.collections import LineCollection

    for colour, number in _coloured(excerpt).values():
        for labels, style in ((excerpt["reference"], "-"), (excerpt["prediction"], "--")):
            if labels is not None:
                edges = _edges(np.array(labels) == number)
                axis.add_collection(LineCollection(edges, colors=colour, linestyles=style, linewidths=1.2))


def _edges(mask: np.ndarray[Any, np.dtype[np.bool_]]) -> list[list[tuple[float, float]]]:
    """Edges between voxels inside and outside, joined along each grid line: both ends of each stretch."""
    padded = np.pad(mask, 1)
    lines: list[list[tuple[float, float]]] = []
    for row in range(padded.shape[0] - 1):
        for start, end in _runs(padded[row] != padded[row + 1]):
            lines.append([(start - 1.5, row - 0.5), (end - 1.5, row - 0.5)])
    for column in range(padded.shape[1] - 1):
        for start, end in _runs(padded[:, column] != padded[:, column + 1]):
            lines.append([(column - 0.5, start - 1.5), (column - 0.5, end - 1.5)])
    return lines


def _runs(flags: np.ndarray[Any, np.dtype[np.bool_]]) -> list[tuple[int, int]]:
    steps = np.diff(np.concatenate([[0], flags.astype(int), [0]]))
    return list(zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True))


def _coloured(excerpt: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    return {
        name: (STRUCTURE_COLOURS[index % len(STRUCTURE_COLOURS)], number)
        for index, (name, number) in enumerate(
            sorted(excerpt["structures"].items(), key=lambda item: item[1])
        )
    }


def _legend(canvas: Any, excerpt: Mapping[str, Any], lang: Lang, font: Any) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=colour, linewidth=3, label=WORDS[name][lang] if name in WORDS else name)
        for name, (colour, _) in _coloured(excerpt).items()
    ]
    handles.append(Line2D([], [], color=INK, linestyle="-", label=WORDS["reference"][lang]))
    if excerpt["prediction"] is not None:
        handles.append(Line2D([], [], color=INK, linestyle="--", label=WORDS["prediction"][lang]))
    canvas.legend(
        handles=handles,
        loc="lower center",
        ncols=len(handles),
        frameon=False,
        prop=_sized(font, 8),
        handlelength=2.2,
        columnspacing=1.2,
    )


def _sized(font: Any, size: float) -> Any:
    sized = font.copy()
    sized.set_size(size)
    return sized
