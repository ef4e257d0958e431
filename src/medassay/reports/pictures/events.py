"""An EEG page at the place that says most, under the whole recording with its reference and detected events."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from medassay.core.terms import Lang
from medassay.reports.fonts import sans_of_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, RULE = "#1b2733", "#667380", "#c9d1d8"
REFERENCE, DETECTED = "#2d7a4b", "#b4552d"
WIDTH_INCHES, PAGE_INCHES, LANES_INCHES = 7.2, 3.7, 0.9
STEP_UV = 100.0  # between two traces; a discharge of a few hundred crosses its neighbours, as on paper
HIGHEST_UV = 250.0

# A hundredth of a point is finer than any print; a page of 19 traces is half as large for it.
_POINT = re.compile(rb"(?<=[ML] )(-?\d+\.\d\d)\d* (-?\d+\.\d\d)\d*")

WORDS: Mapping[str, Mapping[Lang, str]] = {
    "reference": {"zh": "参考标准", "en": "reference"},
    "detected": {"zh": "软件检出", "en": "detected"},
    "minutes": {"zh": "自记录开始的分钟数", "en": "minutes from the start of the recording"},
    "seconds": {"zh": "自记录开始的秒数", "en": "seconds from the start of the recording"},
    "scale": {"zh": "100 微伏", "en": "100 µV"},
    "missing": {"zh": "无预测结果：计为全部错误", "en": "no prediction: counted as all wrong"},
    "no_page": {"zh": "未提供信号", "en": "no signal given"},
}


def draw(excerpt: Mapping[str, Any], lang: Lang) -> bytes:
    """The excerpt as SVG; the same bytes for the same excerpt.

    Parameters
    ----------
    excerpt : mapping
        As `evaluation.scoring.events` gives it.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    font = sans_of_matplotlib()
    font.set_size(7)
    page = excerpt["page"]
    height = LANES_INCHES + (PAGE_INCHES if page else 0.3)
    with matplotlib.rc_context({"svg.hashsalt": "medassay", "svg.fonttype": "path", "path.simplify": True}):
        canvas = Figure(figsize=(WIDTH_INCHES, height))
        FigureCanvasSVG(canvas)
        inch = 1 / height
        lanes = canvas.add_axes((0.13, 1 - 0.45 * inch, 0.85, 0.4 * inch))
        _lanes(lanes, excerpt, lang, font)
        if page:
            traces = canvas.add_axes((0.13, 0.42 * inch, 0.85, 1 - 1.32 * inch))
            _traces(traces, excerpt, lang, font)
        else:
            canvas.text(0.13, 0.1 * inch, WORDS["no_page"][lang], color=MUTED, fontproperties=font)
        sink = io.BytesIO()
        canvas.savefig(sink, format="svg", metadata={"Date": None, "Creator": None})
    return _POINT.sub(rb"\1 \2", sink.getvalue())


def _lanes(axes: Axes, excerpt: Mapping[str, Any], lang: Lang, font: Any) -> None:
    """The whole recording: one lane of reference events, one of detected ones, and where the page lies."""
    length = excerpt["duration_s"] / 60
    page = excerpt["page"]
    if page:
        start = page["start_s"] / 60
        axes.axvspan(start, start + _page_s(page) / 60, color=RULE, alpha=0.6, linewidth=0)
    for level, (name, colour) in enumerate((("detected", DETECTED), ("reference", REFERENCE))):
        events = excerpt[name]
        if events is None:
            axes.text(
                0.01 * length, level, WORDS["missing"][lang], color=colour, va="center", fontproperties=font
            )
        else:
            spans = [(start / 60, max((end - start) / 60, length / 400)) for start, end in events]
            axes.broken_barh(spans, (level - 0.32, 0.64), color=colour, linewidth=0)
    axes.set_xlim(0, length)
    axes.set_ylim(-0.6, 1.6)
    axes.set_yticks((0, 1), (WORDS["detected"][lang], WORDS["reference"][lang]))
    _plain(axes, font)
    axes.set_xlabel(WORDS["minutes"][lang], fontproperties=font, color=MUTED, labelpad=1)


def _traces(axes: Axes, excerpt: Mapping[str, Any], lang: Lang, font: Any) -> None:
    import numpy as np

    page = excerpt["page"]
    rows, start = np.array(page["rows"], dtype=float), page["start_s"]
    time = start + np.arange(rows.shape[1]) / page["rate_hz"]
    end = start + _page_s(page)
    _spans(axes, excerpt["reference"], (start, end), REFERENCE, 0.16, None)
    _spans(axes, excerpt["detected"] or (), (start, end), DETECTED, 0.16, "////")
    for number, row in enumerate(rows):
        level = -number * STEP_UV
        axes.plot(
            time, level + (row - np.median(row)).clip(-HIGHEST_UV, HIGHEST_UV), color=INK, linewidth=0.45
        )
    right = end - 0.012 * (end - start)
    axes.plot((right, right), (STEP_UV * 0.3, STEP_UV * 1.3), color=INK, linewidth=1.4, clip_on=False)
    axes.text(
        right - 0.006 * (end - start),
        STEP_UV * 0.8,
        WORDS["scale"][lang],
        ha="right",
        va="center",
        color=INK,
        fontproperties=font,
        bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1},
    )
    axes.set_xlim(start, end)
    axes.set_ylim(-(len(rows) - 0.2) * STEP_UV, 1.5 * STEP_UV)
    axes.set_yticks([-i * STEP_UV for i in range(len(rows))], [_short(label) for label in page["labels"]])
    _plain(axes, font)
    axes.set_xlabel(WORDS["seconds"][lang], fontproperties=font, color=MUTED, labelpad=1)


def _spans(
    axes: Axes,
    events: Sequence[Sequence[float]],
    shown: tuple[float, float],
    colour: str,
    alpha: float,
    hatch: str | None,
) -> None:
    """Shade what of the events lies on the page; the detected ones are hatched, so that grey print tells too."""
    for start, end in events:
        if start < shown[1] and end > shown[0]:
            left, right = max(start, shown[0]), min(end, shown[1])
            axes.axvspan(left, right, facecolor=colour, alpha=alpha, linewidth=0)
            if hatch:
                axes.axvspan(
                    left, right, facecolor="none", edgecolor=colour, hatch=hatch, alpha=0.35, linewidth=0
                )


def _plain(axes: Axes, font: Any) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(RULE)
    axes.tick_params(length=2, color=RULE, labelcolor=MUTED, pad=2)
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_fontproperties(font)


def _page_s(page: Mapping[str, Any]) -> float:
    return float(len(page["rows"][0]) / page["rate_hz"])


def _short(label: str) -> str:
    """The electrode, without what stands before and after it on every line."""
    return label.removeprefix("EEG ").removesuffix("-REF")
