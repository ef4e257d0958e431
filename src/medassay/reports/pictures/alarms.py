"""A day of a glucose trace with its episodes and the alarms, from a scorer's excerpt."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from medassay.core.terms import Lang
from medassay.reports.fonts import sans_of_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, LOW, HIGH = "#1b2733", "#667380", "#b4552d", "#b08a2e"
WIDTH_INCHES, HEIGHT_INCHES = 7.2, 2.6
KIND_COLOUR = {"hypo": LOW, "hyper": HIGH}

WORDS: Mapping[str, Mapping[Lang, str]] = {
    "hypo": {"zh": "低血糖事件", "en": "hypoglycaemia"},
    "hyper": {"zh": "高血糖事件", "en": "hyperglycaemia"},
    "glucose": {"zh": "葡萄糖 (mmol/L)", "en": "glucose (mmol/L)"},
    "time": {"zh": "自记录开始的小时数", "en": "hours from the start of the trace"},
    "true": {"zh": "正确报警", "en": "right alarm"},
    "false": {"zh": "误报", "en": "false alarm"},
    "undecided": {"zh": "无法判定的报警", "en": "undecided alarm"},
    "ongoing": {"zh": "事件中的报警", "en": "alarm during an episode"},
    "merged": {"zh": "并入前一次的报警", "en": "merged alarm"},
    "hypo_alarms": {"zh": "低血糖报警", "en": "hypo alarms"},
    "hyper_alarms": {"zh": "高血糖报警", "en": "hyper alarms"},
    "missing": {"zh": "无预测结果：计为全部漏报", "en": "no prediction: counted as all missed"},
}
# A fate is told by shape as well as by colour.
MARKS: Mapping[str, tuple[str, str]] = {
    "true": ("^", "#2d7a4b"),
    "false": ("x", "#b3261e"),
    "undecided": ("o", MUTED),
    "ongoing": ("|", MUTED),
    "merged": (".", MUTED),
}


def draw(excerpt: Mapping[str, Any], lang: Lang) -> bytes:
    """The excerpt as SVG; the same bytes for the same excerpt.

    Parameters
    ----------
    excerpt : mapping
        As `evaluation.scoring.alarms` gives it.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    font = sans_of_matplotlib()
    with matplotlib.rc_context({"svg.hashsalt": "medassay", "svg.fonttype": "path"}):
        canvas = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES))
        FigureCanvasSVG(canvas)
        trace, lanes = canvas.subplots(
            2, 1, sharex=True, gridspec_kw={"height_ratios": [5, 1.1], "hspace": 0.06}
        )
        canvas.subplots_adjust(left=0.15, right=0.985, top=0.86, bottom=0.17)
        _trace(trace, excerpt, lang, font)
        _lanes(lanes, excerpt, lang, font)
        handles = [*_handles(trace), *_handles(lanes)]
        canvas.legend(
            [handle for handle, _ in handles],
            [name for _, name in handles],
            loc="upper right",
            bbox_to_anchor=(0.99, 1.0),
            ncols=max(1, len(handles)),
            frameon=False,
            prop=_sized(font, 7),
            handletextpad=0.4,
            columnspacing=1.0,
        )
        sink = io.BytesIO()
        canvas.savefig(sink, format="svg", metadata={"Date": None, "Creator": None})
    return sink.getvalue()


def _trace(axis: Axes, excerpt: Mapping[str, Any], lang: Lang, font: Any) -> None:
    for stretch in _without_gaps(excerpt):
        axis.plot(
            [minute / 60 for minute, _ in stretch],
            [value for _, value in stretch],
            color=INK,
            linewidth=1.1,
            marker="." if len(stretch) == 1 else None,
        )
    for name in ("hypo_below_mmol_per_l", "hyper_above_mmol_per_l"):
        axis.axhline(
            excerpt[name], color=KIND_COLOUR[name.split("_")[0]], linewidth=0.7, linestyle=(0, (4, 3))
        )
    named: set[str] = set()
    for episode in excerpt["episodes"]:
        kind = episode["kind"]
        axis.axvspan(
            max(episode["start_min"], excerpt["from_min"]) / 60,
            min(episode["end_min"], excerpt["to_min"]) / 60,
            color=KIND_COLOUR[kind],
            alpha=0.22,
            linewidth=0,
            label=None if kind in named else WORDS[kind][lang],
        )
        named.add(kind)
    highest = max([*excerpt["glucose_mmol_per_l"], excerpt["hyper_above_mmol_per_l"]])
    axis.set_ylim(1.5, max(12.0, highest * 1.05))
    axis.set_ylabel(WORDS["glucose"][lang], fontproperties=_sized(font, 7.5), color=INK)
    if excerpt["missing"]:
        axis.text(
            0.01, 0.96, WORDS["missing"][lang], transform=axis.transAxes, va="top", color="#b3261e",
            fontproperties=_sized(font, 8),
        )  # fmt: skip
    _plain(axis, font)


def _lanes(axis: Axes, excerpt: Mapping[str, Any], lang: Lang, font: Any) -> None:
    """A lane a kind; each alarm by what became of it."""
    lanes = {"hypo": 1.0, "hyper": 0.0}
    for fate, (mark, colour) in MARKS.items():
        alarms = [alarm for alarm in excerpt["alarms"] if alarm["fate"] == fate]
        if alarms:
            axis.scatter(
                [alarm["time_min"] / 60 for alarm in alarms],
                [lanes[alarm["kind"]] for alarm in alarms],
                marker=mark,
                color=colour,
                s=20,
                linewidths=1.1,
                label=WORDS[fate][lang],
            )
    axis.set_ylim(-0.6, 1.6)
    axis.set_yticks(
        [1.0, 0.0], [WORDS["hypo_alarms"][lang], WORDS["hyper_alarms"][lang]], fontproperties=_sized(font, 7)
    )
    axis.set_xlim(excerpt["from_min"] / 60, excerpt["to_min"] / 60)
    axis.set_xlabel(WORDS["time"][lang], fontproperties=_sized(font, 7.5), color=INK)
    _plain(axis, font, keep_y=True)


def _without_gaps(excerpt: Mapping[str, Any]) -> Iterator[list[tuple[float, float]]]:
    """Readings between gaps: a line across a gap would be an invented trace."""
    stretch: list[tuple[float, float]] = []
    for minute, value in zip(excerpt["time_min"], excerpt["glucose_mmol_per_l"], strict=True):
        if stretch and minute - stretch[-1][0] > excerpt["gap_min"]:
            yield stretch
            stretch = []
        stretch.append((minute, value))
    if stretch:
        yield stretch


def _handles(axis: Axes) -> Sequence[tuple[Any, Any]]:
    return list(zip(*axis.get_legend_handles_labels(), strict=True))


def _plain(axis: Axes, font: Any, *, keep_y: bool = False) -> None:
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axis.spines[side].set_color(MUTED)
    axis.tick_params(colors=MUTED, labelsize=7, length=2.5)
    for label in [*axis.get_xticklabels(), *([] if keep_y else axis.get_yticklabels())]:
        label.set_fontproperties(_sized(font, 7))


def _sized(font: Any, size: float) -> Any:
    sized = font.copy()
    sized.set_size(size)
    return sized
