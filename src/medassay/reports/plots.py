"""Forest plots and training curves as SVG: the same bytes for the same figures, text as outlines of one font."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from medassay.reports.fonts import sans_of_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

INK, MUTED, ACCENT, GOAL = "#1b2733", "#667380", "#1f5f8b", "#b4552d"
ROW_INCHES = 0.3
WIDTH_INCHES = 7.2
LONGEST_NAME = 34
WIDE_FROM = 0x2E80  # signs from here on are Chinese, Japanese or Korean
KEPT = 64  # plots of one record in its two languages: each edition shows the same ones


@dataclass(frozen=True)
class Line:
    """One line of a forest plot. `figure` and `interval` are as printed in the table beside it."""

    name: str
    value: float
    lower: float | None
    upper: float | None
    goal: float | None
    subjects: int
    figure: str
    interval: str

    @property
    def text(self) -> str:
        return f"{self.name} {self.figure} ({self.interval}), n = {self.subjects}"


@dataclass(frozen=True)
class Labels:
    goal: str
    subjects: str


def forest(groups: Sequence[Sequence[Line]], *, labels: Labels, limit: float | None = None) -> bytes:
    """Each group on an axis of its own: point, interval, and the goal as a tick on its line.

    Parameters
    ----------
    groups : sequence of lines of one unit
    limit : float
        One goal for all lines, drawn through the whole axis; else each line's own.
    """
    return _forest(tuple(tuple(group) for group in groups), labels, limit)


@lru_cache(maxsize=KEPT)
def _forest(groups: tuple[tuple[Line, ...], ...], labels: Labels, limit: float | None) -> bytes:
    heights = [len(group) * ROW_INCHES + 0.42 for group in groups]
    with _canvas(WIDTH_INCHES, sum(heights)) as (canvas, font):
        axes = canvas.subplots(
            len(groups), 1, squeeze=False, gridspec_kw={"height_ratios": heights, "hspace": 0.25}
        )
        canvas.subplots_adjust(left=0.34, right=0.73, top=0.995, bottom=0.26 / sum(heights))
        for axis, group in zip(axes[:, 0], groups, strict=True):
            _forest_axis(axis, group, limit, labels, font)
        return _svg(canvas)


def curves(figures: Mapping[str, Sequence[tuple[int, float]]], *, step: str) -> bytes:
    """Training curves, a panel each: figure to (step, value)."""
    return _curves(tuple((name, tuple(points)) for name, points in figures.items()), step)


@lru_cache(maxsize=KEPT)
def _curves(panels: tuple[tuple[str, tuple[tuple[int, float], ...]], ...], step: str) -> bytes:
    with _canvas(WIDTH_INCHES, 1.9) as (canvas, font):
        axes = canvas.subplots(1, len(panels), squeeze=False)
        canvas.subplots_adjust(left=0.07, right=0.985, top=0.86, bottom=0.24, wspace=0.24)
        for axis, (name, points) in zip(axes[0], panels, strict=True):
            axis.plot([x for x, _ in points], [y for _, y in points], color=ACCENT, linewidth=1.4)
            axis.set_title(name, fontproperties=font, fontsize=8, color=INK, loc="left")
            axis.set_xlabel(step, fontproperties=font, fontsize=7.5, color=MUTED)
            _plain(axis, font)
        return _svg(canvas)


def _forest_axis(axis: Axes, lines: Sequence[Line], limit: float | None, labels: Labels, font: Any) -> None:
    axis.set_ylim(len(lines) - 0.5, -0.8)  # with room for the word above the first goal
    axis.set_xlim(*_span(lines, limit))
    if limit is not None:
        axis.axvline(limit, color=GOAL, linewidth=1, linestyle=(0, (4, 2)))
    for row, line in enumerate(lines):
        _row(axis, row, line, own_goal=limit is None, labels=labels, font=font)
    axis.set_yticks([])
    _plain(axis, font)
    axis.spines["left"].set_visible(False)


def _row(axis: Axes, row: int, line: Line, *, own_goal: bool, labels: Labels, font: Any) -> None:
    if line.lower is not None and line.upper is not None:
        axis.plot([line.lower, line.upper], [row, row], color=ACCENT, linewidth=1.6, solid_capstyle="butt")
    axis.plot([line.value], [row], marker="s", markersize=5, color=ACCENT)
    if own_goal and line.goal is not None:
        axis.plot([line.goal] * 2, [row - 0.36, row + 0.36], color=GOAL, linewidth=1.4)
    aside: dict[str, Any] = {
        "transform": axis.get_yaxis_transform(),
        "va": "center",
        "fontproperties": font,
        "clip_on": False,
    }
    name = _in_lines(line.name)
    size = 8 if name == line.name else 7
    axis.text(-0.03, row, name, ha="right", fontsize=size, linespacing=1.05, color=INK, **aside)
    interval = f" ({line.interval})" if line.lower is not None else ""
    axis.text(1.03, row, f"{line.figure}{interval}", ha="left", fontsize=7.5, color=INK, **aside)
    axis.text(-0.86, row, f"n = {line.subjects}", ha="left", fontsize=7, color=MUTED, **aside)
    if own_goal and line.goal is not None and row == 0:
        axis.annotate(
            labels.goal,
            (line.goal, -0.38),
            (0, 0),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=6.5,
            color=GOAL,
            fontproperties=font,
        )


def _span(lines: Sequence[Line], limit: float | None) -> tuple[float, float]:
    ends = [
        end
        for line in lines
        for end in (line.value, line.lower, line.upper, line.goal, limit)
        if end is not None
    ]
    low, high = min(ends), max(ends)
    margin = 0.06 * (high - low) or 0.05 * abs(high) or 0.5
    return low - margin, high + margin


def _plain(axis: Axes, font: Any) -> None:
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    for spine in axis.spines.values():
        spine.set_color("#aab4bd")
        spine.set_linewidth(0.7)
    axis.tick_params(length=3, width=0.7, color="#aab4bd", labelcolor=MUTED)
    for label in (*axis.get_xticklabels(), *axis.get_yticklabels()):
        label.set_fontproperties(font)
        label.set_fontsize(7)
        label.set_color(MUTED)


def _in_lines(name: str) -> str:
    """A name in the room beside its line: at most two lines of text; the table has it in full.

    A Chinese sign is as wide as two others and may end a line; elsewhere a line ends at a space.

    Examples
    --------
    >>> _in_lines("VEB positive predictivity, average of recordings")
    'VEB positive predictivity, average\\nof recordings'
    """
    first = _fitting(name)
    if first == len(name):
        return name
    if " " in name[: first + 1] and ord(name[first]) <= WIDE_FROM:
        first = name.rindex(" ", 0, first + 1)
    rest = name[first:].lstrip()
    second = _fitting(rest)
    end = "" if second == len(rest) else "…"
    return f"{name[:first].rstrip()}\n{rest[:second].rstrip()}{end}"


def _fitting(name: str) -> int:
    """How many signs of a name go into one line."""
    width = 0
    for number, sign in enumerate(name):
        width += 2 if ord(sign) > WIDE_FROM else 1
        if width > LONGEST_NAME:
            return number
    return len(name)


@contextmanager
def _canvas(width: float, height: float) -> Iterator[tuple[Canvas, Any]]:
    """A figure without any state of the process, so that a plot is a function of its figures."""
    import matplotlib
    from matplotlib.figure import Figure

    settings: Any = {"svg.hashsalt": "medassay", "svg.fonttype": "path", "axes.unicode_minus": True}
    with matplotlib.rc_context(settings):
        yield Figure(figsize=(width, height)), sans_of_matplotlib()


def _svg(canvas: Canvas) -> bytes:
    sink = io.BytesIO()
    canvas.savefig(sink, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    return sink.getvalue()
