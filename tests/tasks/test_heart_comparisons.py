"""Laws that hold for beats, runs and episodes alike, on any annotations, with each count entered twice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassay.core.errors import WrongUse
from medassay.formats.waveform.wfdb_annotation import SYMBOLS
from medassay.tasks import episodes, runs
from medassay.tasks.beat_labels import CLASS_MAPS, Labels, codes
from medassay.tasks.beats import BeatRules, match_beats
from medassay.tasks.beats_check import recount
from medassay.tasks.episodes import EpisodeRules, match_episodes
from medassay.tasks.episodes_check import recount_episodes
from medassay.tasks.runs import match_runs
from medassay.tasks.runs_check import recount_runs

HZ, LENGTH = 360, 20_000
BEATS = "NLAjVF/"
RHYTHMS = (b"(AFIB", b"(AFL", b"(VFL", b"(N", b"(B", b"")
# Each law is tried on fewer examples than usual: an example is three comparisons, each counted twice.
few = settings(max_examples=40)
NINE = [f"{name}_{count}" for name in ("QRS", "V", "S") for count in ("TP", "FN", "FP")]


def from_rows(rows):
    """Annotations from (sample, symbol, subtype, text) rows in any order."""
    rows = sorted(rows, key=lambda row: row[0])
    times, symbols, subtypes, texts = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Labels(np.array(times, np.int64), symbols, np.array(subtypes, np.int64), texts)


def shifted(given, by):
    return Labels(given.samples + by, given.symbols, given.subtypes, given.texts)


def marks(symbols, subtypes=(0,), texts=(b"",)):
    return st.tuples(
        st.integers(1, LENGTH), st.sampled_from(symbols), st.sampled_from(subtypes), st.sampled_from(texts)
    )


@st.composite
def beat_rows(draw):
    """Beats more than two match windows apart: where they come faster, the two matchings may pair apart."""
    gaps = draw(st.lists(st.integers(109, 900), max_size=30))
    return [(int(at), draw(st.sampled_from(BEATS)), 0, b"") for at in np.cumsum(gaps) if at < LENGTH]


special_rows = st.lists(
    st.one_of(marks("[]"), marks("~", (0x30, -1, 0x10, 0)), marks("+", texts=RHYTHMS)), max_size=8
)


@st.composite
def pairs(draw):
    """A reference, and a test that moves, renames, drops and adds some of its beats."""
    rows = draw(beat_rows())
    moved = []
    for at, symbol, kind, text in rows:
        fate = draw(st.sampled_from(("same", "same", "moved", "renamed", "dropped")))
        if fate != "dropped":
            shift = draw(st.integers(-70, 70)) if fate == "moved" else 0
            name = draw(st.sampled_from(BEATS)) if fate == "renamed" else symbol
            moved.append((max(1, at + shift), name, kind, text))
    moved += draw(st.lists(marks(BEATS), max_size=4))
    return from_rows(rows + draw(special_rows)), from_rows(moved + draw(special_rows))


starts = st.sampled_from([0.0, 0.0, 2.0, 10.0])


def all_counts(reference, test, *, start_s=0.0, length=LENGTH, **rules):
    """Every count of the three comparisons by name."""
    given = {"sampling_hz": HZ, "length": length}
    beat_rules, episode_rules = BeatRules(start_s=start_s, **rules), EpisodeRules(start_s=start_s)
    found = match_beats(reference, test, **given, rules=beat_rules).counts()
    for kind in runs.KINDS:
        counts = match_runs(reference, test, kind, **given, rules=beat_rules).counts()
        found |= {f"{kind}_{name}": value for name, value in counts.items()}
    for kind in episodes.KINDS:
        counts = match_episodes(reference, test, kind, **given, rules=episode_rules).counts()
        found |= {f"{kind}_{name}": value for name, value in counts.items()}
    return found


@few
@given(pairs(), starts, st.sampled_from(["missed", "left_out"]), st.sampled_from(["left_out", "false"]))
def test_beats_are_counted_alike_by_closest_pairs(pair, start_s, in_shutdown, in_fibrillation):
    reference, test = pair
    given = {
        "sampling_hz": HZ,
        "length": LENGTH,
        "rules": BeatRules(start_s=start_s, fibrillation=in_fibrillation),
    }
    for aggregation in ("exact", "sumstats"):
        how = {"aggregation": aggregation, "in_shutdown": in_shutdown}
        found = match_beats(reference, test, **given).counts(**how)
        assert {name: found[name] for name in NINE} == recount(reference, test, **given, **how)


@few
@given(pairs(), starts, st.sampled_from(runs.KINDS), st.integers(4, 6), st.sampled_from(sorted(CLASS_MAPS)))
def test_runs_are_counted_alike_by_regular_expressions(pair, start_s, kind, long_run_beats, classes):
    given = {"sampling_hz": HZ, "length": LENGTH, "rules": BeatRules(start_s=start_s, classes=classes)}
    found = match_runs(*pair, kind, **given).counts(long_run_beats)
    assert found == recount_runs(*pair, kind, **given, long_run_beats=long_run_beats)


@few
@given(pairs(), starts, st.sampled_from(episodes.KINDS), st.sampled_from([0.0, 0.5]))
def test_episodes_are_counted_alike_from_cumulative_time(pair, start_s, kind, shortest_s):
    rules = EpisodeRules(start_s=start_s, shortest_s=shortest_s)
    given = {"sampling_hz": HZ, "length": LENGTH, "rules": rules}
    for aggregation in ("exact", "sumstats"):
        found = match_episodes(*pair, kind, **given).counts(aggregation)
        again = recount_episodes(*pair, kind, **given, aggregation=aggregation)
        assert found == pytest.approx(again, abs=1e-9)


@few
@given(pairs(), starts)
def test_identical_annotations_agree_perfectly(pair, start_s):
    one = pair[0]
    found = all_counts(one, one, start_s=start_s)
    # A run that is fibrillation without a beat or an end mark has no window: see the test of runs beside this.
    plain = from_rows([row for row in zip_rows(one) if row[1] not in "[]+"])
    found |= {name: n for name, n in all_counts(plain, plain, start_s=start_s).items() if "_run_" in name}
    wrong = [name for name, value in found.items() if value and name.endswith(("_FN", "_FP"))]
    assert wrong == []
    assert sum(
        found[row + column] for row in "NSVFQOX" for column in "nsvfqox" if row + column in found
    ) == sum(found[row + row.lower()] for row in "NSVFQ")
    for kind in episodes.KINDS:
        assert found[f"{kind}_reference_overlap_s"] == found[f"{kind}_reference_s"] == found[f"{kind}_test_s"]
    assert match_beats(one, one, sampling_hz=HZ, length=LENGTH).rr_squared_ms2 == 0


@few
@given(pairs(), st.integers(0, 5000))
def test_nothing_changes_when_the_recording_begins_later(pair, by):
    """As long as the learning period and the end move with it."""
    later = [shifted(part, by) for part in pair]
    before = all_counts(*pair, start_s=1.0)
    assert all_counts(*later, start_s=1.0 + by / HZ, length=LENGTH + by) == pytest.approx(before)


@few
@given(pairs(), st.data())
def test_a_test_beat_that_is_removed_moves_one_count(pair, data):
    """The reference beat that it was paired with goes from its cell to the missed; nothing else changes."""
    reference, _ = pair
    reference = from_rows([row for row in zip_rows(reference) if row[1] in BEATS])
    if len(reference.samples) == 0:
        return
    removed = data.draw(st.integers(0, len(reference.samples) - 1))
    fewer = from_rows([row for place, row in enumerate(zip_rows(reference)) if place != removed])
    whole, less = (
        match_beats(reference, test, sampling_hz=HZ, length=LENGTH, rules=BeatRules(start_s=0)).matrix
        for test in (reference, fewer)
    )
    change = less - whole
    row = np.flatnonzero(change.any(axis=1))
    assert len(row) == 1
    assert change[row[0]].sum() == 0
    assert change[row[0], row[0]] == -1
    assert change[row[0], 5] == 1


def zip_rows(given):
    return list(zip(given.samples.tolist(), given.symbols, given.subtypes.tolist(), given.texts, strict=True))


@few
@given(pairs(), starts)
def test_every_reference_beat_of_the_period_stands_in_one_cell(pair, start_s):
    reference, test = pair
    found = match_beats(reference, test, sampling_hz=HZ, length=LENGTH, rules=BeatRules(start_s=start_s))
    inside = fibrillating(reference)
    beats = [
        at
        for at, symbol, place in zip(reference.samples, reference.symbols, inside, strict=True)
        if symbol in CLASS_MAPS["wfdb"] and not place and start_s * HZ <= at <= LENGTH
    ]
    assert found.matrix[:5].sum() == len(beats)
    assert len(found.pairs) == found.matrix.sum()


def fibrillating(given):
    state, inside = False, []
    for symbol in given.symbols:
        inside.append(state or symbol == "[")
        state = symbol == "[" or (state and symbol != "]")
    return inside


@few
@given(pairs(), starts, st.sampled_from(episodes.KINDS))
def test_no_overlap_exceeds_the_durations_that_it_is_part_of(pair, start_s, kind):
    found = match_episodes(*pair, kind, sampling_hz=HZ, length=LENGTH, rules=EpisodeRules(start_s=start_s))
    assert 0 <= found.reference_overlap == found.test_overlap
    assert found.reference_overlap <= min(found.reference_duration, found.test_duration)
    assert max(found.reference_duration, found.test_duration) <= LENGTH - start_s * HZ


@settings(max_examples=8)
@given(st.lists(pairs(), min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_sums_over_recordings_do_not_depend_on_their_order(recordings, random):
    def summed(order):
        total = {}
        for pair in order:
            for name, value in all_counts(*pair).items():
                total[name] = total.get(name, 0.0) + value
        return total

    mixed = random.sample(recordings, len(recordings))
    assert summed(mixed) == pytest.approx(summed(recordings))


def test_every_symbol_of_an_annotation_file_is_known():
    symbols = sorted(SYMBOLS.values())
    zeros = np.zeros(len(symbols), np.int64)
    assert bytes(codes(Labels(zeros, symbols, zeros))).decode() == "".join(symbols)


zero = np.zeros(2, np.int64)
malformed = {
    "out of order": (Labels(np.array([9, 5]), "NN", zero), "order of time"),
    "negative time": (Labels(np.array([-1, 5]), "NN", zero), "before the recording"),
    "unknown symbol": (Labels(np.array([1, 5]), "Nk", zero), "unknown symbol"),
    "symbol of another script": (Labels(np.array([1, 5]), "N搏", zero), "unknown symbol"),
    "symbol of two characters": (Labels(np.array([1, 5]), ("N", "VV"), zero), "unequal length"),
    "a symbol missing": (Labels(np.array([1, 5]), "N", zero), "unequal length"),
    "a text missing": (Labels(np.array([1, 5]), "N+", zero, (b"",)), "unequal length"),
    "fractions of samples": (Labels(np.array([1.5, 5.0]), "NN", zero), "no whole numbers"),
    "not a number": (Labels(np.array([np.nan, 5.0]), "NN", zero), "no whole numbers"),
}


@pytest.mark.parametrize("side", ["reference", "test"])
@pytest.mark.parametrize("fault", malformed)
def test_malformed_annotations_are_refused_by_every_comparison(fault, side):
    bad, words = malformed[fault]
    good = Labels(np.array([1, 5]), "NN", zero)
    pair = (bad, good) if side == "reference" else (good, bad)
    given = {"sampling_hz": HZ, "length": LENGTH}
    with pytest.raises(WrongUse, match=words):
        match_beats(*pair, **given)
    with pytest.raises(WrongUse, match=words):
        match_runs(*pair, "V", **given)
    with pytest.raises(WrongUse, match=words):
        match_episodes(*pair, "AF", **given)


def test_annotations_after_the_end_are_not_compared():
    inside = from_rows([(500, "N", 0, b""), (900, "V", 0, b""), (1300, "V", 0, b""), (1700, "N", 0, b"")])
    beyond = from_rows([*zip_rows(inside), (5000, "V", 0, b""), (6000, "[", 0, b""), (7000, "]", 0, b"")])
    assert all_counts(inside, beyond, length=2000) == all_counts(inside, inside, length=2000)
    assert all_counts(beyond, inside, length=2000) == all_counts(inside, inside, length=2000)


def test_of_two_beats_at_one_sample_one_finds_the_partner():
    once = from_rows([(1000, "V", 0, b"")])
    twice = from_rows([(1000, "V", 0, b""), (1000, "V", 0, b"")])
    one, other = all_counts(once, twice), all_counts(twice, once)
    assert (one["V_TP"], one["V_FN"], one["V_FP"]) == (1, 0, 1)
    assert (other["V_TP"], other["V_FN"], other["V_FP"]) == (1, 1, 0)


def test_no_annotations_at_all_count_nothing():
    empty = from_rows([])
    assert set(all_counts(empty, empty).values()) == {0.0}
    assert match_beats(empty, empty, sampling_hz=HZ, length=None).rr_error_ms is None


@pytest.mark.parametrize("hz", [0.0, -360.0, float("nan"), float("inf")])
def test_a_clock_that_is_none_is_refused(hz):
    empty = from_rows([])
    with pytest.raises(WrongUse, match="a clock of"):
        match_beats(empty, empty, sampling_hz=hz, length=10)
