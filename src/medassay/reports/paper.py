"""One record in one language and edition: what every section is written from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from medassay.core.specs import Stated
from medassay.core.terms import Lang
from medassay.evaluation.scorer import formula_of
from medassay.evaluation.sufficient import Statistics, sizes
from medassay.reports import numbers
from medassay.reports.document import Block, Cell, Code, Edition
from medassay.reports.figures import Figure
from medassay.reports.given import Given
from medassay.reports.limits import Remark
from medassay.reports.record import ReportRecord
from medassay.reports.sentences import of, say, sentences


@dataclass(frozen=True)
class Words:
    """The words of one language."""

    lang: Lang

    def say(self, key: str, **values: object) -> str:
        return say(key, self.lang, **values)

    def of(self, stated: Stated) -> str:
        return of(stated, self.lang)

    def yes_no(self, answer: bool) -> str:
        return self.say("yes" if answer else "no")

    def word(self, key: str, otherwise: str) -> str:
        """A word of the table, or what a spec calls the thing: axes and units of other databases are free."""
        return self.say(key) if key in sentences() else otherwise

    def means(self, text: str) -> str:
        """By which means the room was sealed, or why not, in words where they are known ones."""
        program, _, how = text.partition(": ")
        if f"means:{how}" not in sentences():
            return text
        said = self.say(f"means:{how}")
        return said if program == "not sealed" else self.say("means_line", program=program, how=said)

    def stated(self, value: object) -> str:
        return self.say("not_stated") if value in (None, "") else str(value)


@dataclass(frozen=True)
class Paper(Words):
    """A report's record in one language and edition.

    `excerpts` are the scorer's, by digest; only the auditor's edition has any use for them.
    """

    record: ReportRecord
    edition: Edition
    excerpts: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def given(self) -> Given:
        return self.record.given

    def remark(self, remark: Remark) -> str:
        """A limit or deviation; a value may itself be the key of a word, or a known means of sealing."""
        return self.say(remark.key, **{name: self._value(value) for name, value in remark.values.items()})

    def _value(self, value: str) -> str:
        return (
            self.means(value.removeprefix("means:"))
            if value.startswith("means:")
            else self.word(value, value)
        )

    def endpoint(self, figure: Figure) -> str:
        """The title of a figure's endpoint, as the protocol has it."""
        found = next(e for e in self.given.protocol.endpoints if e.id == figure.endpoint)
        return self.of(found.title)

    def asked(self, statistics: Statistics) -> dict[str, float]:
        """Those statistics that a figure of this report is made of, of scores their number.

        The record holds the scores, and what else was counted.
        """
        used = {name for figure in self.record.figures for name in (*figure.numerator, *figure.denominator)}
        return {name: value for name, value in sizes(statistics).items() if name in used}

    def axis(self, axis: str) -> str:
        """A factor by the protocol's own title, an attribute by the table's word."""
        for factor in self.given.protocol.factors:
            if factor.axis == axis:
                return self.of(factor.title)
        return self.word(f"stratum:{axis}", axis)

    def level(self, axis: str, level: str | None) -> str:
        if level is None:
            return self.say("not_available")
        return self.word(f"group:{axis}:{level}", self.word(f"group:{level}", level))


Content = Callable[[Paper], Iterable[Block]]


def time(text: str) -> str:
    """A ledger's time to the second, in UTC; the label beside it says so."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def counts(statistics: Mapping[str, float]) -> Code:
    """Statistics of one sample or subject; those that are zero are left out, and a note says so."""
    shown = [f"{name} {numbers.count(value)}" for name, value in sorted(statistics.items()) if value]
    return Code(", ".join(shown))


def settings(values: Mapping[str, object]) -> Cell:
    """Parameters or conventions as they stand, in one order."""
    return Code(", ".join(f"{name} = {_plain(value)}" for name, value in sorted(values.items())))


def formula(figure: Figure) -> Cell:
    return Code(formula_of(figure.numerator, figure.denominator, figure.form, figure.standard))


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_plain(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_plain(item) for item in value) + "]"
    if value is None:
        return "—"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
