"""How figures are written: enough digits to be on the right side of their goal, and never a bare zero for nothing."""

from __future__ import annotations

import math

from medassay.core.estimate import Estimate
from medassay.core.terms import Lang
from medassay.reports.sentences import say, sentences

DECIMALS = {"1": 3, "%": 1, "mm": 2, "/d": 2, "/h": 2, "min": 1, "s": 2, "ms": 1, "mL": 2, "cm3": 2, "mm3": 0}
MOST_DECIMALS = 12


def number(value: float, unit: str = "1", *, against: float | None = None) -> str:
    """`value` in decimals of its unit; more of them where rounding would move it onto or over `against`.

    A bound of 0.8996 with a goal of at least 0.900 is printed as 0.8996: printed as 0.900 it would contradict
    the verdict beside it.
    """
    decimals = DECIMALS.get(unit)
    if decimals is None:
        decimals = _decimals_of_four_digits(value)
    while against is not None and decimals < MOST_DECIMALS and _moved(value, against, decimals):
        decimals += 1
    text = f"{value:.{decimals}f}"
    return text[1:].replace("-", "") if text.startswith("-") and float(text) == 0 else text.replace("-", "−")


def with_unit(text: str, unit: str, lang: Lang) -> str:
    """The figure and its unit in words, where there are words for the UCUM code; else the code itself."""
    if unit == "1":
        return text
    key = f"unit:{unit}"
    word = say(key, lang) if key in sentences() else unit
    return f"{text}{word}" if word == "%" else f"{text} {word}"


def interval(estimate: Estimate, lang: Lang, *, against: float | None = None) -> str:
    """ "0.873–0.941", or why there is none."""
    if estimate.lower is None or estimate.upper is None:
        return reason(estimate.undefined, lang)
    ends = (number(end, estimate.unit, against=against) for end in (estimate.lower, estimate.upper))
    return " – ".join(ends)


def point(estimate: Estimate, lang: Lang, *, against: float | None = None) -> str:
    """The figure with its unit, or that it is not estimable."""
    if estimate.value is None:
        return say("not_estimable", lang)
    return with_unit(number(estimate.value, estimate.unit, against=against), estimate.unit, lang)


def full(estimate: Estimate, lang: Lang, *, against: float | None = None) -> str:
    """Figure, confidence and interval in one line, or the reason why there is none."""
    if estimate.value is None:
        return say("not_estimable_because", lang, reason=reason(estimate.undefined, lang))
    shown = point(estimate, lang, against=against)
    if estimate.lower is None or estimate.confidence is None:
        return say("without_interval", lang, value=shown, reason=reason(estimate.undefined, lang))
    return say(
        "with_interval",
        lang,
        value=shown,
        confidence=percent(estimate.confidence),
        interval=interval(estimate, lang, against=against),
    )


def reason(undefined: str, lang: Lang) -> str:
    """A scorer's or statistic's reason in the reader's language, where it is one of the known ones."""
    key = f"undefined:{undefined}"
    return say(key, lang) if key in sentences() else undefined


def goal(direction: str, limit: float, unit: str, lang: Lang) -> str:
    """ "≥ 0.90": the limit as declared, not rounded."""
    sign = "≥" if direction == "at_least" else "≤"
    return f"{sign} {with_unit(f'{limit:g}', unit, lang)}"


def percent(share: float) -> str:
    return f"{100 * share:g}%"


def count(value: float) -> str:
    """A count with thin groups of three, or as it is where it is no whole number."""
    return f"{int(value):,}".replace(",", "\u202f") if float(value).is_integer() else f"{value:.4g}"


def _decimals_of_four_digits(value: float) -> int:
    if value == 0:
        return 0
    return min(MOST_DECIMALS, max(0, 3 - math.floor(math.log10(abs(value)))))


def _moved(value: float, against: float, decimals: int) -> bool:
    rounded = round(value, decimals)
    return (rounded > against) - (rounded < against) != (value > against) - (value < against)
