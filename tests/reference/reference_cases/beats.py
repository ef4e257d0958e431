"""WFDB's own comparison tools on 30 annotation pairs: bxb, rxr, epicmp, and sumstats over 17 of them.

Everything goes through the scorer, as a recording of a protocol would; the printed percentages are held to
the digits that are printed.
"""

import json
import re
from functools import cache
from pathlib import Path

from medassay.evaluation.scoring import beats
from medassay.formats.waveform.wfdb_annotation import read_annotations
from medassay.tasks.beat_labels import Labels
from medassay.tasks.beats import COLUMNS, BeatRules, match_beats
from medassay.tasks.episodes import EpisodeRules, match_episodes
from medassay.tasks.runs import match_runs
from reference_cases import Case

SOURCE = "WFDB 10.7.0 bxb, rxr, epicmp, sumstats"
BEATS = {"QRS": "QRS", "VEB": "V", "SVEB": "S"}
RUNS = {"Couplet": "couplet", "Short run": "short_run", "Long run": "long_run"}
KINDS = {"VE": "V", "SVE": "S"}
LINE_RUNS = ["CTs", "CFN", "CTp", "CFP", "STs", "SFN", "STp", "SFP", "LTs", "LFN", "LTp", "LFP"]
OUR_RUNS = [f"{name}_{count}" for name in RUNS.values() for count in ("TPs", "FN", "TPp", "FP")]
RUN_SHARES = [
    f"{name}_{figure}" for name in RUNS.values() for figure in ("sensitivity", "positive_predictivity")
]
EPISODE_SHARES = [
    f"{what}_{figure}"
    for what in ("episode", "duration")
    for figure in ("sensitivity", "positive_predictivity")
]
COMBINED = [(rows, column) for column in ("nfq", "s", "v") for rows in ("N", "S", "V", "FQ", "OX")] + [
    (rows, "ox") for rows in ("N", "S", "V", "FQ")
]


def cases(folder: Path):
    folder = folder / "beats"
    index = json.loads((folder / "index.json").read_text())
    for case in index:
        yield from _of_bxb(folder, case)
        yield from _of_rxr(folder, case)
        yield from _of_epicmp(folder, case)
    yield from _of_sumstats(folder, {case["case"]: case for case in index})


def _case(name, figure, ours, theirs, tolerance=0.0):
    return Case("beats", name, figure, ours, theirs, tolerance, SOURCE)


@cache
def _files(folder, name):
    return tuple((folder / f"{name}{suffix}").read_bytes() for suffix in (".atr", ".tst", ".hea"))


@cache
def _labels(folder, name):
    found = [read_annotations(content) for content in _files(folder, name)[:2]]
    return [Labels(part.samples, part.symbols, part.subtypes, part.aux) for part in found]


@cache
def _score(folder, name, start, aggregation):
    reference, test, header = _files(folder, name)
    options = beats.Options(start_s=float(start), aggregation=aggregation)
    return beats.score(reference, test, {"x.hea": header}, options).statistics


def _given(case):
    return {"sampling_hz": case["fs"], "length": case["nsamples"]}


def _percent(share):
    return None if share is None else 100 * share


def _lines(folder, name, report):
    path = folder / name
    return (path.parent / f"{path.name}.{report}.txt").read_text().splitlines()


def _number(word):
    return None if word == "-" else float(word)


def _of_bxb(folder, case):
    name, theirs = case["case"], case["expected"]["bxb"]
    ours = _score(folder, name, case["f"], "exact")
    for row, values in theirs["matrix"].items():
        for column, value in zip(COLUMNS, values, strict=False):
            yield _case(name, f"bxb {row}{column}", ours[row + column], value)
    for label, beat in BEATS.items():
        for figure, miss in (("sensitivity", "FN"), ("positive predictivity", "FP")):
            expected = theirs[f"{label} {figure}"]
            right, wrong = ours[f"{beat}_TP"], ours[f"{beat}_{miss}"]
            yield _case(name, f"{label} {figure} num", right, expected["num"])
            yield _case(name, f"{label} {figure} den", right + wrong, expected["den"])
            share = right / (right + wrong) if right + wrong else None
            yield _case(name, f"{label} {figure} %", _percent(share), expected["pct"], 0.00501)
    match = match_beats(*_labels(folder, name), **_given(case), rules=BeatRules(start_s=float(case["f"])))
    yield _case(name, "RMS RR error ms", match.rr_error_ms, theirs.get("RMS RR interval error ms"), 0.00501)
    words = _lines(folder, name, "bxb_L1")[-1].split()
    for (rows, columns), word in zip(COMBINED, words[1:20], strict=True):
        total = sum(ours.get(row + column, 0.0) for row in rows for column in columns)
        yield _case(name, f"bxb -L {rows}/{columns}", total, float(word))
    yield _case(name, "bxb -L RR error", match.rr_error_ms, _number(words[-1]), 0.00501)
    yield from _shutdown(name, ours, _lines(folder, name, "bxb_L2")[-1].split())


def _shutdown(name, ours, words):
    for row, word in zip("NSVFQ", words[1:6], strict=True):
        yield _case(name, f"{row} in shutdown", ours[f"{row}x"], float(word))
    for of, word in zip(("QRS", "N", "S", "V", "F"), words[6:11], strict=True):
        share = ours[f"{of}_missed_in_shutdown_sum"] if ours[f"{of}_missed_in_shutdown_records"] else None
        yield _case(name, f"% {of} missed in shutdown", _percent(share), _number(word), 0.00501)
    seconds, *totals = (float(word) for word in words[11:] if word != "seconds")
    yield _case(name, "shutdown s", float(int(ours["shutdown_s"] + 0.5)), seconds)
    for row, total in zip("NSVFQ", totals, strict=True):
        yield _case(name, f"all of row {row}", sum(ours[row + column] for column in COLUMNS), total)


def _of_rxr(folder, case):
    name = case["case"]
    ours = _score(folder, name, case["f"], "exact")
    for label, kind in KINDS.items():
        theirs = case["expected"]["rxr"][label]
        rules = BeatRules(start_s=float(case["f"]))
        match = match_runs(*_labels(folder, name), kind, **_given(case), rules=rules)
        for table, matrix in (("sens_matrix", match.of_reference), ("ppv_matrix", match.of_test)):
            for i, row in enumerate(theirs[table]):
                for j, value in enumerate(row):
                    if value is not None:
                        yield _case(name, f"rxr {label} {table} {i}/{j}", float(matrix[i, j]), value)
        for words, length in RUNS.items():
            for figure, right, wrong in (
                ("sensitivity", "TPs", "FN"),
                ("positive predictivity", "TPp", "FP"),
            ):
                expected = theirs[f"{words} {figure}"]
                above, beside = (ours[f"{kind}_{length}_{count}"] for count in (right, wrong))
                yield _case(name, f"{label} {words} {figure} num", above, expected["num"])
                yield _case(name, f"{label} {words} {figure} den", above + beside, expected["den"])
                share = above / (above + beside) if above + beside else None
                yield _case(name, f"{label} {words} {figure} %", _percent(share), expected["pct"], 0.501)
        yield from _run_line(
            name, ours, label, _lines(folder, name, f"rxr_L{1 + (label == 'SVE')}")[-1].split()
        )


def _run_line(name, ours, label, words):
    kind = KINDS[label]
    for count, our, word in zip(LINE_RUNS, OUR_RUNS, words[1:13], strict=True):
        yield _case(name, f"rxr -L {label} {count}", ours[f"{kind}_{our}"], float(word))
    for share, word in zip(RUN_SHARES, words[13:], strict=True):
        yield _case(name, f"rxr -L {label} {share}", _own(ours, f"{kind}_{share}"), _number(word), 0.501)


def _own(ours, key):
    """A recording's own figure in per cent."""
    return 100 * ours[f"{key}_sum"] if ours[f"{key}_records"] else None


def _of_epicmp(folder, case):
    name = case["case"]
    ours = _score(folder, name, case["f"], "exact")
    for kind in ("AF", "VF"):
        theirs = case["expected"][f"epicmp_{kind}"]
        rules = EpisodeRules(start_s=float(case["f"]))
        match = match_episodes(*_labels(folder, name), kind, **_given(case), rules=rules)
        counts = match.counts()
        for figure, right, wrong in (("sensitivity", "TPs", "FN"), ("positive predictivity", "TPp", "FP")):
            expected = theirs[f"Episode {figure}"]
            above, beside = counts[f"episode_{right}"], counts[f"episode_{wrong}"]
            yield _case(name, f"{kind} episode {figure} num", above, expected["num"])
            yield _case(name, f"{kind} episode {figure} den", above + beside, expected["den"])
            own = _own(ours, f"{kind}_episode_{figure.replace(' ', '_')}")
            yield _case(name, f"{kind} episode {figure} %", own, expected["pct"], 0.501)
        for figure, side in (("sensitivity", "reference"), ("positive predictivity", "test")):
            expected = theirs[f"Duration {figure}"]
            yield _case(
                name, f"{kind} {side} overlap s", counts[f"{side}_overlap_s"], expected["num_s"], 0.001
            )
            yield _case(name, f"{kind} {side} s", counts[f"{side}_s"], expected["den_s"], 0.001)
            own = _own(ours, f"{kind}_duration_{figure.replace(' ', '_')}")
            yield _case(name, f"{kind} duration {figure} %", own, expected["pct"], 0.501)
            yield _case(
                name, f"{kind} {side} duration", counts[f"{side}_s"], theirs[f"{side} duration s"], 0.001
            )
        words = _lines(folder, name, f"epi_{kind}_L")[-1].split()
        for count, word in zip(("TPs", "FN", "TPp", "FP"), words[1:5], strict=True):
            yield _case(name, f"epicmp -L {kind} {count}", counts[f"episode_{count}"], float(word))
        for share, word in zip(EPISODE_SHARES, words[5:9], strict=True):
            yield _case(
                name, f"epicmp -L {kind} {share}", _own(ours, f"{kind}_{share}"), _number(word), 0.501
            )
        for side, word in zip(("reference", "test"), words[9:11], strict=True):
            yield _case(name, f"epicmp -L {kind} {side} s", counts[f"{side}_s"], _seconds(word), 0.001)


def _seconds(word):
    seconds = 0.0
    for part in word.split(":"):
        seconds = 60 * seconds + float(part)
    return seconds


def _of_sumstats(folder, index):
    names = [line.split()[0] for line in (folder / "_aggregate" / "cases.txt").read_text().splitlines()]
    sums, exact = ({}, {})
    for total, aggregation in ((sums, "sumstats"), (exact, "exact")):
        for name in names:
            for key, value in _score(folder, name, index[name]["f"], aggregation).items():
                total[key] = total.get(key, 0.0) + value
    shares = {key: _ratio(metric, sums) for key, metric in beats.metrics(beats.Options()).items()}
    beat_shares = [
        f"{figure}[{beat}]" for beat in BEATS.values() for figure in ("sensitivity", "positive_predictivity")
    ]
    line = _report(folder, "bxb_L1")
    for (rows, columns), word in zip(COMBINED, line["Sum"], strict=True):
        total = sum(sums.get(row + column, 0.0) for row in rows for column in columns)
        yield _case("_aggregate", f"sum {rows}/{columns}", total, float(word))
    yield from _pooled("bxb -L", shares, beat_shares, line, 0.00501)
    yield _case(
        "_aggregate", "average RR error", shares["average_rr_error"], float(line["Average"][-1]), 0.00501
    )
    yield _case("_aggregate", "all QRS", sums["QRS_TP"] + sums["QRS_FN"], line["Total"][0])
    yield _case("_aggregate", "all VEB", sums["V_TP"] + sums["V_FN"], line["Total"][1])
    yield _case("_aggregate", "all SVEB", sums["S_TP"] + sums["S_FN"], line["Total"][2])
    shutdown = _report(folder, "bxb_L2")["Sum"]
    for row, word in zip("NSVFQ", shutdown[:5], strict=True):
        yield _case("_aggregate", f"sum {row} in shutdown", sums[f"{row}x"], float(word))
    yield _case("_aggregate", "sum shutdown s", sums["shutdown_s"], float(shutdown[5]))
    for report, kind in (("rxr_L1", "V"), ("rxr_L2", "S")):
        line = _report(folder, report)
        for our, word in zip(OUR_RUNS, line["Sum"], strict=True):
            yield _case("_aggregate", f"sum {kind} {our}", sums[f"{kind}_{our}"], float(word))
        yield from _pooled(report, shares, [f"{share}[{kind}]" for share in RUN_SHARES], line, 0.501)
        for place, length in enumerate(RUNS.values()):
            total = sums[f"{kind}_{length}_TPs"] + sums[f"{kind}_{length}_FN"]
            yield _case("_aggregate", f"all {kind} {length}", total, line["Total"][place])
    for kind in ("AF", "VF"):
        line = _report(folder, f"epi_{kind}_L")
        for count, word in zip(("TPs", "FN", "TPp", "FP"), line["Sum"][:4], strict=True):
            yield _case(
                "_aggregate", f"sum {kind} episode {count}", sums[f"{kind}_episode_{count}"], float(word)
            )
        for side, word in zip(("reference", "test"), line["Sum"][4:], strict=True):
            yield _case(
                "_aggregate", f"sum {kind} {side} s", sums[f"{kind}_{side}_s"], _seconds(word), 0.00051
            )
        yield from _pooled(
            f"epicmp {kind}", shares, [f"{share}[{kind}]" for share in EPISODE_SHARES], line, 0.501
        )


def _report(folder, name):
    """The words of the Sum, Gross and Average lines, and the numbers of the line of totals."""
    found = {}
    for line in (folder / "_aggregate" / f"{name}.sumstats.txt").read_text().splitlines():
        first = line.split()[0] if line.split() else ""
        if first == "Total":
            found[first] = [float(number) for number in re.findall(r": (\d+)", line)]
        elif first in ("Sum", "Gross", "Average"):
            found[first] = [word for word in line.split()[1:] if word != "seconds"]
    return found


def _pooled(report, shares, keys, line, tolerance):
    for way, prefix in (("Gross", ""), ("Average", "average_")):
        for key, word in zip(keys, line[way], strict=False):
            ours = _percent(shares[prefix + key])
            yield _case("_aggregate", f"{report} {way} {key}", ours, _number(word), tolerance)


def _ratio(metric, sums):
    below = sum(weight * sums[key] for key, weight in metric.denominator.items())
    return sum(weight * sums[key] for key, weight in metric.numerator.items()) / below if below else None
