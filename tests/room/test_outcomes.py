"""What becomes of a flawed prediction in `validate`: the second table in docs/score.md, held.

Nothing leaves the denominator: 20 test samples of 10 subjects are scored whatever comes back.
"""

import pytest

from medassay.room.results import results_of

HEAD = """
import json, sys
from pathlib import Path
given, out = Path(sys.argv[1]), Path(sys.argv[2])
rows = [json.loads(line) for line in (given / "samples.jsonl").read_text().splitlines()]
ids = [row["sample_id"] for row in rows]
def mark(row):
    values = [float(v) for v in (given / row["files"]["signal"][0]).read_text().split()]
    return " ".join(str(n) for n, v in enumerate(values) if v > 3.5)
answers = {row["sample_id"]: mark(row) for row in rows}
told = [(i, "ok") for i in ids]
first = ids[0]
"""
TAIL = """
for i, text in answers.items(): (out / f"{i}.txt").write_text(text)
(out / "status.jsonl").write_text("".join(json.dumps({"sample_id": i, "status": s}) + "\\n" for i, s in told))
"""
# flaw: (what the device does, statuses and how many samples have them)
OUTCOMES = {
    "no flaw": ("", {"ok": 20}),
    "malformed file": ("answers[first] = 'x y'", {"ok": 19, "unreadable": 1}),
    "missing file": ("del answers[first]", {"ok": 19, "unreadable": 1}),
    "missing status": ("told = told[1:]", {"ok": 19, "failed": 1}),
    "said to have failed": ("told[0] = (first, 'failed')", {"ok": 19, "failed": 1}),
    "abstained": ("told[0] = (first, 'abstained')", {"ok": 19, "abstained": 1}),
    "duplicate status": ("told.append(told[0])", {"failed": 20}),
    "not a number": ("answers[first] = '3 NaN'", {"ok": 19, "unreadable": 1}),
    "out of range": ("answers[first] = '3 1e9'", {"ok": 19, "unreadable": 1}),
    "unknown case in the status": ("told.append(('R999', 'ok'))", {"failed": 20}),
    "file of an unknown case": ("answers['R999'] = '1 2'", {"ok": 20}),
    "another order": ("told.reverse(); answers = dict(reversed(answers.items()))", {"ok": 20}),
}


@pytest.mark.parametrize(("flaw", "statuses"), OUTCOMES.values(), ids=OUTCOMES)
def test_a_flaw_costs_what_the_table_says_and_no_sample_leaves_the_denominator(
    flaw, statuses, submitted, validated, protocol
):
    record = validated(submitted(predict__py=f"{HEAD}\n{flaw}\n{TAIL}")).record
    found = {}
    for case in record.cases:
        found[case.status] = found.get(case.status, 0) + 1
    assert found == statuses
    assert all(case.reason for case in record.cases if case.status == "unreadable")
    assert len(record.subjects) == 10
    estimate = results_of(record, protocol, locked_first=True).of("se").estimate
    assert estimate.n_events == 80, "every reference event is in the denominator"
    assert estimate.value == pytest.approx(statuses.get("ok", 0) / 20)
    assert "R999" not in record.model_dump_json()
