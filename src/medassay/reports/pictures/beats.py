"""Ten seconds of a recording with the reference's beats and the device's, from a scorer's excerpt."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from medassay.core.terms import Lang
from medassay.reports.fonts import sans_of_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, GRID, WRONG = "#1b2733", "#667380", "#f0d9d5", "#b3261e"
WIDTH_INCHES, LEAD_INCHES, LANES_INCHES = 7.2, 1.15, 0.85
SMALL_S, LARGE_S, LARGE_MV = 0.04, 0.2, 0.5  # the squares of ECG paper

WORDS: Mapping[str, Mapping[Lang, str]] = {
    "reference": {"zh": "参考", "en": "reference"},
    "test": {"zh": "软件", "en": "device"},
    "time": {"zh": "自记录开始的时间 (s)", "en": "time from the start of the recording (s)"},
    "wrong": {"zh": "不一致", "en": "differs"},
    "unmatched": {"zh": "无匹配", "en": "no partner"},
    "agrees": {"zh": "本段全部一致", "en": "all beats of this strip agree"},
}


def draw(excerpt: Mapping[str, Any], lang: Lang) -> bytes:
    """The excerpt as SVG; the same bytes for the same excerpt.

    Parameters
    ----------
    excerpt : mapping
        As `evaluation.scoring.beats` gives it.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    font = sans_of_matplotlib()
    leads = excerpt["leads"]
    with matplotlib.rc_context({"svg.hashsalt": "medassay", "svg.fonttype": "path"}):
        height = LEAD_INCHES * len(leads) + LANES_INCHES + 0.45
        canvas = Figure(figsize=(WIDTH_INCHES, height))
        FigureCanvasSVG(canvas)
        ratios = [LEAD_INCHES] * len(leads) + [LANES_INCHES]
        rows = canvas.subplots(
            len(ratios), 1, sharex=True, gridspec_kw={"height_ratios": ratios, "hspace": 0.08}, squeeze=False
        )
        canvas.subplots_adjust(left=0.1, right=0.985, top=0.93, bottom=0.42 / height)
        for lead, axes in zip(leads, rows[:, 0], strict=False):
            _lead(axes, lead, excerpt, font)
        _lanes(rows[-1, 0], excerpt, lang, font)
        _caption(canvas, excerpt, lang, font)
        sink = io.BytesIO()
        canvas.savefig(sink, format="svg", metadata={"Date": None, "Creator": None})
    return sink.getvalue()


def _lead(axes: Axes, lead: Mapping[str, Any], excerpt: Mapping[str, Any], font: Any) -> None:
    import numpy as np

    values = np.array([np.nan if value is None else value for value in lead["mv"]], dtype=np.float64)
    time = excerpt["start_s"] + np.arange(len(values)) * excerpt["step_s"]
    axes.plot(time, values, color=INK, linewidth=0.8)
    _paper(axes, time[0], time[-1])
    for mark in excerpt["wrong"]:
        axes.axvspan(
            mark["time_s"] - excerpt["window_s"],
            mark["time_s"] + excerpt["window_s"],
            color=WRONG,
            alpha=0.14,
        )
    axes.set_ylabel(
        f"{lead['name']}\nmV", fontproperties=_sized(font, 7), rotation=0, labelpad=16, va="center"
    )
    axes.tick_params(labelsize=6, length=2, colors=MUTED, labelbottom=False)
    for label in axes.get_yticklabels():
        label.set_fontproperties(_sized(font, 6))


def _paper(axes: Axes, begin: float, end: float) -> None:
    from matplotlib.ticker import MultipleLocator

    axes.set_xlim(begin, end)
    low, high = axes.get_ylim()
    axes.set_ylim(low, max(high, low + 2 * LARGE_MV))
    axes.xaxis.set_major_locator(MultipleLocator(1))
    axes.xaxis.set_minor_locator(MultipleLocator(LARGE_S))
    axes.yaxis.set_major_locator(MultipleLocator(LARGE_MV * (2 if high - low > 3 else 1)))
    axes.grid(which="both", color=GRID, linewidth=0.5)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)


def _lanes(axes: Axes, excerpt: Mapping[str, Any], lang: Lang, font: Any) -> None:
    """One lane for each side; a mark that differs is said by a box as well as by colour."""
    wrong = [mark["time_s"] for mark in excerpt["wrong"]]
    for height, side in ((1.0, "reference"), (0.0, "test")):
        for mark in excerpt[side]:
            near = any(abs(mark["time_s"] - time) <= excerpt["window_s"] for time in wrong)
            axes.text(
                mark["time_s"],
                height,
                mark["symbol"],
                fontproperties=_sized(font, 8),
                color=WRONG if near else INK,
                ha="center",
                va="center",
                bbox={
                    "boxstyle": "square,pad=0.15",
                    "facecolor": "white",
                    "edgecolor": WRONG,
                    "linewidth": 0.7,
                }
                if near
                else None,
            )
    axes.set_ylim(-0.6, 1.6)
    axes.set_yticks([1.0, 0.0], [WORDS["reference"][lang], WORDS["test"][lang]])
    axes.set_xlabel(WORDS["time"][lang], fontproperties=_sized(font, 7), color=MUTED)
    axes.tick_params(length=0, colors=INK)
    for label in axes.get_yticklabels():
        label.set_fontproperties(_sized(font, 7))
    for label in axes.get_xticklabels():
        label.set_fontproperties(_sized(font, 6))
    for spine in axes.spines.values():
        spine.set_visible(False)


def _caption(canvas: Any, excerpt: Mapping[str, Any], lang: Lang, font: Any) -> None:
    """What differs, by pairs of classes: the reference's in capitals, the device's small."""
    pairs: dict[str, int] = {}
    for mark in excerpt["wrong"]:
        pairs[mark["pair"]] = pairs.get(mark["pair"], 0) + 1
    told = ", ".join(f"{_pair(pair, lang)} × {count}" for pair, count in sorted(pairs.items()))
    text = f"{WORDS['wrong'][lang]}: {told}" if told else WORDS["agrees"][lang]
    canvas.text(
        0.985,
        0.985,
        text,
        fontproperties=_sized(font, 7),
        color=WRONG if told else MUTED,
        ha="right",
        va="top",
    )


def _pair(pair: str, lang: Lang) -> str:
    nothing = WORDS["unmatched"][lang]
    first = nothing if pair[0] in "OX" else pair[0]
    second = nothing if pair[1] in "ox" else pair[1].upper()
    return f"{first} → {second}"


def _sized(font: Any, points: float) -> Any:
    sized = font.copy()
    sized.set_size(points)
    return sized
