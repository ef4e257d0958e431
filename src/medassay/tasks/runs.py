"""Runs of ectopic beats compared run by run: couplets, short and long runs, as WFDB's `rxr` counts them.

A run is a row of consecutive ventricular (V, F) or supraventricular (S) beats; any other beat, or the start of
an unreadable stretch, ends it. Ventricular fibrillation counts as a run of the greatest length for V, atrial
fibrillation for S, and within atrial fibrillation each otherwise normal beat is supraventricular. For every
run of one annotator the longest run of the other within the run's window is looked up: the reference's runs
tell the sensitivity, the test's the positive predictivity.

Steps, in order, for each direction: 1 name the annotations, 2 find the runs from the end of the learning
period on, each with the time from a match window before its first beat to one after its last, 3 read the
other annotator forward once and take its longest run in that time. An annotation read for one run is not read
again for the next.

References
----------
ANSI/AAMI EC57, run-by-run comparison; WFDB Software Package 10.7, program `rxr`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from medassay.core.errors import WrongUse
from medassay.core.method import method
from medassay.tasks.beat_labels import (
    CLASSES,
    IntArray,
    Labels,
    beat_classes,
    codes,
    in_samples,
    unreadable,
)
from medassay.tasks.beats import BeatRules

Kind = Literal["V", "S"]
KINDS: tuple[Kind, ...] = ("V", "S")
LONGEST = 6  # longer runs are not told apart
CLASSES_OF_LENGTH = ("couplet", "short_run", "long_run")

# Names of annotations beside the classes: begin and end of ventricular and of atrial fibrillation, begin of an
# unreadable stretch, and whatever ends no run.
VF_ON, VF_OFF, AF_ON, AF_OFF, UNREADABLE, OTHER = "[", "]", "{", "}", "U", "."


@dataclass(frozen=True)
class _Roles:
    """What each name means to one kind of run."""

    beats: str
    ends: str  # of a run
    opens: str
    closes: str
    breaks: str  # what also ends a run where the other annotator is read
    stops: str  # what ends the other annotator's episode


_ROLES: dict[str, _Roles] = {
    "V": _Roles("VF", "NSQU", VF_ON, VF_OFF, AF_ON, VF_OFF + AF_ON + UNREADABLE),
    "S": _Roles("S", "NVFQU", AF_ON, AF_OFF, VF_ON, AF_OFF + VF_ON + UNREADABLE),
}


@dataclass(frozen=True)
class RunMatch:
    """Runs of one kind; rows are the reference's lengths 0 to 5 and more than 5, columns the test's."""

    of_reference: IntArray  # shape (7, 7): each run of the reference once
    of_test: IntArray  # shape (7, 7): each run of the test once

    def counts(self, long_run_beats: int = LONGEST) -> dict[str, float]:
        """TPs and FN of the reference's runs, TPp and FP of the test's, by length class; additive.

        A couplet is detected by any run of two or more, a short run (3 to 5) by any of three or more, a long
        run (6 and more) by a long run alone. A reported couplet is right where the reference has two or more,
        a reported short run where it has three or more, a reported long run where it has six or more. EC57's
        six beats of a long run are a declared convention, 4 to 6.
        """
        if not 4 <= long_run_beats <= LONGEST:
            raise WrongUse(
                found=f"long runs from {long_run_beats} beats",
                wanted=f"4 to {LONGEST} beats",
                remedy="Correct the option.",
            )
        found: dict[str, float] = {}
        bounds = ((2, 2), (3, long_run_beats - 1), (long_run_beats, LONGEST))
        for name, (shortest, longest) in zip(CLASSES_OF_LENGTH, bounds, strict=True):
            ours = self.of_reference[shortest : longest + 1]
            theirs = self.of_test[:, shortest : longest + 1]
            found |= {
                f"{name}_TPs": float(ours[:, shortest:].sum()),
                f"{name}_FN": float(ours[:, :shortest].sum()),
                f"{name}_TPp": float(theirs[shortest:].sum()),
                f"{name}_FP": float(theirs[:shortest].sum()),
            }
        return found


@method(
    id="run-by-run-ec57",
    task="beats",
    zh="逐阵比较（成对、短阵与长阵异位搏动）",
    en="run-by-run comparison (couplets, short and long runs)",
    formula="Se = TPs / (TPs + FN), +P = TPp / (TPp + FP) of couplets, runs of 3 to 5 and of 6 and more beats",
    source="ANSI/AAMI EC57; IEC 60601-2-47; WFDB 10.7.0 rxr",
    check="WFDB 10.7.0 rxr; a second reading by regular expressions (runs_check)",
)
def match_runs(
    reference: Labels,
    test: Labels,
    kind: Kind,
    *,
    sampling_hz: float,
    length: int | None,
    rules: BeatRules | None = None,
) -> RunMatch:
    """Compare the runs of two annotators of one recording.

    Parameters
    ----------
    reference, test : Labels
        In samples of one clock, with `texts` where rhythms were annotated.
    kind : {"V", "S"}
        Ventricular or supraventricular runs.
    sampling_hz : float
    length : int or None
        Samples of the recording, after which nothing is compared; None: all annotations are.

    Returns
    -------
    RunMatch
        An annotator without an annotation after the learning period has no runs.

    Raises
    ------
    WrongUse
        When annotations are malformed (see `beat_labels.codes`), or a rule is unknown.

    Examples
    --------
    >>> none = np.zeros(4, np.int64)
    >>> at = np.array([400, 700, 1000, 1300])
    >>> found = match_runs(Labels(at, "NVVN", none), Labels(at, "NVNN", none), "V",
    ...                    sampling_hz=360, length=2000, rules=BeatRules(start_s=0)).counts()
    >>> found["couplet_TPs"], found["couplet_FN"], found["couplet_FP"]
    (0.0, 1.0, 0.0)
    """
    if kind not in KINDS:
        raise WrongUse(found=f"runs of '{kind}'", wanted="V or S", remedy="Correct the call.")
    rules = rules or BeatRules()
    window, start = in_samples(rules.window_s, sampling_hz), in_samples(rules.start_s, sampling_hz)
    ours, theirs = (Named.of(labels, rules.classes, length) for labels in (reference, test))
    of_reference, of_test = (np.zeros((LONGEST + 1, LONGEST + 1), np.int64) for _ in range(2))
    reader = _Reader(theirs, _ROLES[kind])
    for size, first, last in _runs(ours, _ROLES[kind], start, window):
        of_reference[size, reader.longest(first, last)] += 1
    reader = _Reader(ours, _ROLES[kind])
    for size, first, last in _runs(theirs, _ROLES[kind], start, window):
        of_test[reader.longest(first, last), size] += 1
    return RunMatch(of_reference, of_test)


@dataclass(frozen=True)
class Named:
    """One annotator's annotations by name: a class, or one of the names above; one character each."""

    times: list[int]
    names: str

    @classmethod
    def of(cls, labels: Labels, classes: str, length: int | None) -> Named:
        """Name annotations in order of time, knowing which fibrillation goes on.

        A rhythm that starts with `(AF` begins atrial fibrillation, one that starts with `(VF` ventricular
        fibrillation, any other ends either; one kind's begin ends the other's. A mark of what already is,
        or a rhythm without a name, says nothing.
        """
        found = codes(labels)
        named = np.array([ord(name) for name in CLASSES + OTHER])[beat_classes(found, classes)]
        shut = unreadable(labels, found)
        atrial = ventricular = silent = False
        normal_from: int | None = None
        for place in np.flatnonzero(np.isin(found, np.frombuffer(b"[]~+", np.uint8))).tolist():
            text = labels.texts[place] if labels.texts else b""
            name, was_atrial = OTHER, atrial
            symbol = chr(found[place])
            if symbol == "~":
                name = UNREADABLE if shut[place] and not silent else OTHER
                silent = bool(shut[place])
            elif symbol == "[" or (symbol == "+" and text.startswith(b"(VF")):
                name = OTHER if ventricular else VF_ON
                atrial, ventricular = False, True
            elif symbol == "+" and text.startswith(b"(AF"):
                name = OTHER if atrial else AF_ON
                atrial, ventricular = True, False
            elif symbol == "]" and ventricular:
                name, ventricular = VF_OFF, False
            elif symbol == "+" and text:
                name = AF_OFF if atrial else VF_OFF if ventricular else OTHER
                atrial = ventricular = False
            named[place] = ord(name)
            if atrial and not was_atrial:
                normal_from = place
            elif was_atrial and not atrial and normal_from is not None:
                _as_supraventricular(named[normal_from:place])
        if atrial and normal_from is not None:
            _as_supraventricular(named[normal_from:])
        last = len(found) if length is None else int(np.searchsorted(labels.samples, length, side="right"))
        return cls(labels.samples[:last].tolist(), named[:last].astype(np.uint8).tobytes().decode("ascii"))


def _as_supraventricular(named: IntArray) -> None:
    named[named == ord("N")] = ord("S")


def _runs(found: Named, roles: _Roles, start: int, window: int) -> Iterator[tuple[int, int, int]]:
    """Length, first and last sample of each run's window, from `start` on, in order.

    Fibrillation is a run of the greatest length from its mark on. One that began in the learning period is
    looked for around the period's end. Its window ends after its last beat or its end mark. Where another
    beat comes before either, `rxr` keeps the end of the window before, so that the run is found only within
    fibrillation that began earlier; so it is here, since public figures were counted that way.
    """
    size, first, last = 0, 0, 0
    for time, name in zip(found.times, found.names, strict=True):
        if time < start:
            if name == roles.opens:
                size, first, last = LONGEST, start - window, start + window
            elif name in (VF_OFF, AF_OFF):
                size, first, last = 0, 0, 0
        elif size == 0:
            if name in roles.beats:
                size, first, last = 1, time - window, time + window
            elif name == roles.opens:
                size, first = LONGEST, time - window
        elif name in roles.ends:
            yield size, first, last
            size = 0
        elif name in roles.beats:
            size, last = min(size + 1, LONGEST), time + window
        elif name == roles.closes:
            last = time + window
    if size:
        yield size, first, last


@dataclass
class _Reader:
    """Reads one annotator forward and tells the longest run in one window after the other."""

    found: Named
    roles: _Roles
    place: int = 0
    fibrillating_until: float = field(default=0.0)

    def longest(self, first: int, last: int) -> int:
        """The longest run from `first` to `last`; fibrillation that reaches into it is the longest there is."""
        if self.fibrillating_until > first:
            return LONGEST
        times, names = self.found.times, self.found.names
        while self.place < len(times) and times[self.place] < first:
            if names[self.place] == self.roles.opens:
                end = self._skip_episode()
                if end > first:
                    self.fibrillating_until = end
                    return LONGEST
            else:
                self.place += 1
        size = best = 0
        while self.place < len(times) and times[self.place] <= last:
            name = names[self.place]
            if name == self.roles.opens:
                self.fibrillating_until = self._skip_episode()
                return LONGEST
            if name in self.roles.beats:
                size += 1
                best = max(best, size)
            elif name in self.roles.ends or name == self.roles.breaks:
                size = 0
            self.place += 1
        return min(best, LONGEST)

    def _skip_episode(self) -> float:
        """Read past the end of the episode that begins here; its time, infinite where it never ends."""
        times, names = self.found.times, self.found.names
        self.place += 1
        while self.place < len(times) and names[self.place] not in self.roles.stops:
            self.place += 1
        if self.place == len(times):
            return float("inf")
        self.place += 1
        return float(times[self.place - 1])
