"""A curator freezes, asks, withdraws a subject, freezes again and compares: by the commands as typed."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from medassay.cli.main import app
from medassay.core.errors import EvidenceBroken, WrongUse
from medassay.core.workspace import SPEC_FOLDERS, Workspace
from medassay.datasets.manifest import Manifest
from medassay.trust import ledger
from medassay.trust.evidence import Outcome
from medassay.verbs import annotate, cut, freeze, gate, ingest, init, query, withdraw
from medassay.verbs.stage import Place, frozen_manifest

ROOT = Path(__file__).parents[2]
STEM = "t2dm-cgm"
SUB = {
    "name": "men-and-women",
    "title": {"zh": "甲", "en": "a"},
    "intended_use": {"zh": "甲", "en": "a"},
    "target_population": {"zh": "甲", "en": "a"},
    "subjects": 8,
    "shares": {"sex": {"F": 0.5, "M": 0.5}},
    "source_of_shares": "invented for this test",
    "seed": 1,
}


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A workspace of this test's own: who withdrew stays withdrawn."""
    root = tmp_path / "workspace"
    for folder in SPEC_FOLDERS:
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("MEDASSAY_KEYS", str(tmp_path / "keys"))
    monkeypatch.delenv("MEDASSAY_STORE", raising=False)
    init.run(root, demo_keys=True)
    return Workspace(root)


@pytest.fixture
def typed(tiny):
    def run(*words):
        done = CliRunner().invoke(app, [*words, "--workspace", str(tiny.root), "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return run


def test_a_version_is_asked_cut_withdrawn_from_and_compared(tiny, turn, typed):
    turn(
        f"datasets/{STEM}.yaml",
        sources__0__phantom__subjects=16,
        sources__0__phantom__days=4,
        split__train=0.4,
        sub_databases=[SUB],
    )
    turn(f"quality/{STEM}.yaml", limits__largest_excluded_share=0.9)
    place = Place(tiny, STEM, "phantom")
    for step in (ingest, gate, annotate):
        step.run(place)
    first = freeze.run(place)
    assert first.outcome is Outcome.PASSED
    assert freeze.run(place).digest == first.digest
    one = frozen_manifest(place, first)

    parts = {row["split"]: row["samples"] for row in typed("query", STEM, "phantom", "--ask", "split")}
    assert parts == {part: len(one.samples(part)) for part in ("train", "tune", "test")}
    [counter] = typed("query", STEM, "phantom", "--ask", "counters")
    assert (counter["data_type"], counter["modality"]) == ("record", "CGM")
    sealed = query.run(place, "SELECT count(*) AS n FROM files WHERE sealed AND digest IS NOT NULL").rows
    assert sealed == [{"n": 0}]

    part = cut.run(place, "men-and-women")
    made = Manifest.read(place.store.get(part.output("manifest")), part.output("manifest"))
    assert made.master == one.digest
    assert set(made.subjects()) < set(one.subjects())

    subject = one.subjects("train")[0]
    booked = len(ledger.read(tiny.ledger))
    done = typed("withdraw", STEM, "phantom", subject, "--reason", "consent_withdrawn")
    assert ledger.read(tiny.ledger)[booked].event == f"withdraw {STEM}/phantom"
    assert done["parameters"] == {"subject": subject, "why": "consent_withdrawn"}
    gone = [row for row in one.rows if row.subject == subject]
    with pytest.raises(EvidenceBroken, match="withdrew"):
        place.store.get(gone[0].digest)
    held = typed("verify", one.digest[:12])
    assert held["passed"]
    assert (held["withdrawn"], held["present"]) == (len(gone), len(one.rows) - len(gone))
    altered = tiny.object(next(row.digest for row in one.rows if row.subject != subject))
    whole = altered.read_bytes()
    altered.write_bytes(b"other")
    done = CliRunner().invoke(app, ["verify", one.digest[:12], "--workspace", str(tiny.root)])
    assert done.exit_code == 1
    assert "altered bytes" in done.stdout
    altered.write_bytes(whole)

    second = freeze.run(place)
    two = frozen_manifest(place, second)
    assert subject not in two.subjects()
    told = typed("diff", one.digest[:12], two.digest[:12])
    assert {change["why"] for change in told["withdrawn"] if change["subject"] == subject} == {
        "withdraw:consent_withdrawn:subject_withdrew"
    }
    back = typed("diff", two.digest[:12], one.digest[:12])
    assert [change["sample"] for change in back["added"]] == [
        change["sample"] for change in told["withdrawn"]
    ]

    again = ingest.run(place)  # the export still holds the subject's files
    assert again.counts["samples_refused:subject_withdrew"] == len({row.sample for row in gone})
    assert not tiny.object(gone[0].digest).exists()
    for step in (gate, annotate, freeze):
        assert step.run(place).outcome is Outcome.PASSED
    assert frozen_manifest(place, place.evidence("freeze")).digest == two.digest

    with pytest.raises(WrongUse, match="one of consent_withdrawn"):
        withdraw.run(place, subject, "she told us that she moved away")
    with pytest.raises(WrongUse, match="does not know"):
        withdraw.run(place, "S-0000000000000000", "consent_withdrawn")
