"""A re-score and a comparison as typed: what they show, what they keep, and what they refuse."""

import json
from importlib import import_module

import pytest

from medassay.trust import ledger
from medassay.trust.evidence import Outcome
from medassay.verbs import verify

pytestmark = pytest.mark.usefixtures("quick_views")
SE = "se"


@pytest.fixture
def newer(spikes, monkeypatch):
    """The scorer of tomorrow: one more spike is found in every sample."""

    def scorer():
        task = import_module("medassay.evaluation.scoring.spikes")
        was = task.score, task.second

        def counted(statistics):
            return {**statistics, "tp": statistics["tp"] + 1, "fn": max(0.0, statistics["fn"] - 1)}

        def score(*arguments):
            one = was[0](*arguments)
            return type(one)(counted(one.statistics), one.badness, one.excerpt)

        monkeypatch.setattr(task, "VERSION", "2")
        monkeypatch.setattr(task, "score", score)
        monkeypatch.setattr(task, "second", lambda *arguments: counted(was[1](*arguments)))

    return scorer


def figure(record, endpoint=SE):
    return next(f for f in record["figures"] if f["endpoint"] == endpoint and f["axis"] is None)["estimate"][
        "value"
    ]


def events(spikes):
    return [entry.event.split()[0] for entry in ledger.read(spikes.place.workspace.ledger)]


def test_a_re_score_shows_both_figures_and_overwrites_neither_record_nor_report(spikes, newer):
    spikes.submit("one", 8.5)
    validated = spikes.step("validate", "one")
    spikes.step("report", "one")
    old = spikes.report("one")
    kept = spikes.place.evidence("validate", "one").output("run")
    newer()
    again = spikes.step("validate", "one", "--rescore")
    roles = {link["role"]: link["digest"] for link in again["inputs"]}
    assert roles["superseded"] == kept
    assert spikes.place.store.get(kept), "the superseded record lies where it lay"
    assert events(spikes).count("rescored") == 1
    spikes.step("report", "one")
    new = spikes.report("one")
    run = new["given"]["run"]
    assert run["predictions"] == old["given"]["run"]["predictions"]
    assert (run["supersedes"]["scorer_version"], run["scorer_version"]) == ("1", "2")
    assert run["supersedes"]["figures"][SE]["value"] == figure(old) < figure(new)
    assert validated["outcome"] == again["outcome"] == "passed"

    assert (new["given"]["issue"]["status"], new["given"]["issue"]["replaces"]) == ("draft", old["number"])
    left = spikes.path(f"superseded/{old['number']}")
    superseded = json.loads(left.read_bytes())
    assert superseded["given"]["issue"]["status"] == "superseded"
    assert superseded["given"]["issue"]["replaced_by"] == new["number"] != superseded["number"]
    assert superseded["figures"] == old["figures"]
    assert superseded["limits"][0] == {"key": "limit:superseded", "values": {"number": new["number"]}}
    for path in (left, spikes.path("one")):
        found = verify.run(path, workspace=spikes.root)
        assert found.passed, found.first_difference


def test_the_scorer_of_yesterday_has_nothing_to_score_again_and_no_label_is_opened(spikes):
    spikes.submit("one", 8.5)
    spikes.step("validate", "one")
    before = events(spikes)
    error = spikes.typed("validate", "spikes", "hospital", "one", "--rescore", code=2)
    assert "the same scorer" in error.found
    assert events(spikes) == before


def test_tampered_predictions_are_not_scored_again_and_the_validation_stays(spikes, newer):
    spikes.submit("one", 8.5)
    spikes.step("validate", "one")
    before = spikes.place.evidence("validate", "one").digest
    run = spikes.place.record(spikes.place.evidence("validate", "one"), "run")
    prediction = spikes.place.workspace.object(sorted(run["predictions"].values())[0])
    prediction.chmod(0o644)
    prediction.write_bytes(b"1 2 3")
    newer()
    booked = events(spikes)
    spikes.typed("validate", "spikes", "hospital", "one", "--rescore", code=1)
    assert spikes.place.evidence("validate", "one").digest == before
    assert events(spikes) == booked


def test_a_refused_validation_left_nothing_to_score_again(spikes):
    spikes.submit("one", 8.5)
    spikes.place.finish("freeze", inputs={}, outcome=Outcome.FAILED, counts={})
    assert spikes.step("validate", "one")["outcome"] == "refused"
    error = spikes.typed("validate", "spikes", "hospital", "one", "--rescore", code=2)
    assert "refused" in error.found


def test_other_goals_than_those_before_the_labels_opened_are_said_and_make_every_figure_exploratory(
    spikes, protocol
):
    spikes.submit("one", 8.5)
    spikes.step("validate", "one")
    spikes.ask(protocol, version="2")
    spikes.step("validate", "one")
    spikes.step("report", "one")
    record = spikes.report("one")
    assert "limit:lock_unproven" in [limit["key"] for limit in record["limits"]]
    assert {figure["standing"] for figure in record["figures"]} == {"exploratory"}
    headline = spikes.place.record(spikes.place.evidence("validate", "one"), "headline")
    assert record["verdict"] == headline["verdict"] != "met"


@pytest.fixture
def two(spikes, protocol):
    """Two devices on one test version; the new one is held against the other by its protocol."""
    comparator = {"title": {"zh": "甲", "en": "a"}, "endpoint": SE, "claim": "non_inferiority", "margin": 0.3}
    spikes.ask(protocol, comparator=comparator | {"reason": {"zh": "甲", "en": "a"}})
    for device, threshold in (("new", 6.0), ("old", 6.8)):
        spikes.submit(device, threshold)
        spikes.step("validate", device)
        spikes.step("report", device)
    return spikes


def test_two_devices_on_one_test_version_are_compared_as_pairs_and_the_next_report_shows_it(two):
    assert two.report("new")["comparisons"] == []
    rows = two.typed("compare", str(two.path("new")), str(two.path("old")))
    [found] = [row for row in rows if row["endpoint"] == SE]
    difference = figure(two.report("new")) - figure(two.report("old"))
    assert found["difference"]["value"] == pytest.approx(difference)
    assert found["difference"]["lower"] < difference < found["difference"]["upper"]
    assert found["claim"]["claim"] == "non_inferiority"
    assert found["claim"]["margin"] == 0.3
    assert found["claim"]["outcome"] == ("met" if found["difference"]["lower"] > -0.3 else "not_met")
    assert [row["claim"] for row in rows if row["endpoint"] != SE] == [None]
    assert events(two).count("compare") == 1

    two.step("report", "new")
    record = two.report("new")
    assert record["given"]["compared"][0]["device"] == "old"
    assert record["comparisons"][0]["differences"] == rows
    assert verify.run(two.path("new"), workspace=two.root).passed
    two.step("report", "old")
    assert two.report("old")["comparisons"] == [], "it is kept of the new device's run alone"


def test_a_comparison_made_twice_stands_once_and_one_outside_a_workspace_is_not_kept(
    two, tmp_path, monkeypatch
):
    words = ("compare", str(two.path("new")), str(two.path("old")))
    assert two.typed(*words) == two.typed(*words)
    two.step("report", "new")
    assert len(two.report("new")["comparisons"]) == 1
    booked = events(two)
    monkeypatch.chdir(tmp_path)
    from medassay.verbs import compare

    assert compare.run(two.path("old"), two.path("new"))[0].endpoint == SE
    assert events(two) == booked


def test_a_compared_figure_altered_together_with_the_seal_is_found(two, tmp_path):
    from medassay.reports.record import ReportRecord, seal_of

    two.typed("compare", str(two.path("new")), str(two.path("old")))
    two.step("report", "new")
    plain = two.report("new")
    plain["comparisons"][0]["differences"][0]["claim"]["outcome"] = "met"
    plain["comparisons"][0]["differences"][0]["difference"]["value"] += 0.1
    plain["comparisons"][0]["differences"][0]["difference"]["upper"] += 0.1
    record = ReportRecord.model_validate(plain)
    path = tmp_path / "altered.json"
    path.write_bytes(record.model_copy(update={"seal": seal_of(record)}).to_json())
    assert verify.run(path, workspace=two.root).first_difference.name == "comparisons"


def test_a_comparator_s_statistics_that_are_not_those_of_its_run_are_found_in_the_store(two):
    from medassay.reports.record import ReportRecord, derive

    two.typed("compare", str(two.path("new")), str(two.path("old")))
    two.step("report", "new")
    record = ReportRecord.model_validate(two.report("new"))
    other = record.given.compared[0]
    worse = {name: {**row, "tp": 0.0} for name, row in other.statistics.items()}
    given = record.given.model_copy(update={"compared": (other.model_copy(update={"statistics": worse}),)})
    two.path("new").write_bytes(derive(given).to_json())
    found = verify.run(two.path("new"), workspace=two.root)
    assert found.first_difference.name == f"compared run {other.run[:12]}"


def test_reports_of_two_test_versions_two_scorers_or_one_run_are_not_compared(two, newer):
    from medassay.reports.record import ReportRecord

    new, old = (str(two.path(name)) for name in ("new", "old"))
    assert "two reports of one run" in two.typed("compare", new, new, code=2).found
    newer()
    two.step("validate", "old", "--rescore")
    two.step("report", "old")
    assert "scorer version 2" in two.typed("compare", new, old, code=2).found
    record = ReportRecord.model_validate(two.report("old"))
    run = record.given.run.model_copy(update={"manifest": "a" * 64})
    two.path("old").write_bytes(
        record.model_copy(
            update={
                "given": record.given.model_copy(update={"run": run}),
                "digests": {**record.digests, "run": "b" * 64},
            }
        ).to_json()
    )
    error = two.typed("compare", new, old, code=2)
    assert "dataset version" in error.found
    assert "--rescore" in error.remedy


def test_a_report_is_final_under_keys_of_one_s_own_only(spikes):
    spikes.submit("one", 8.5)
    spikes.step("validate", "one")
    error = spikes.typed("report", "spikes", "hospital", "one", "--status", "final", code=2)
    assert "demonstration keys" in error.found
    spikes.step("report", "one", "--status", "withdrawn")
    record = spikes.report("one")
    assert record["given"]["issue"]["status"] == "withdrawn"
    assert record["limits"][0]["key"] == "limit:withdrawn"


def test_a_product_that_is_declared_otherwise_after_the_test_has_no_report(spikes):
    spikes.submit("finder", 3.5)
    spikes.step("validate", "finder")
    spikes.step("report", "finder")
    declared = spikes.root / "registry" / "finder" / "device.yaml"
    declared.write_text(declared.read_text("utf-8") + "\n# for another use\n", "utf-8")
    assert "changed since train" in str(spikes.typed("report", "spikes", "hospital", "finder", code=1))


def test_a_version_that_was_trained_after_the_test_is_not_reported_with_its_figures(spikes):
    spikes.submit("finder", 3.5)
    spikes.step("validate", "finder")
    spikes.submit("finder", 1.5)
    assert "built on another train" in str(spikes.typed("report", "spikes", "hospital", "finder", code=1))


def test_two_implementations_that_differ_leave_no_report(spikes, monkeypatch):
    spikes.submit("one", 8.5)
    task = import_module("medassay.evaluation.scoring.spikes")
    was = task.second
    monkeypatch.setattr(task, "second", lambda *a: was(*a) | {"tp": was(*a)["tp"] + 1})
    assert spikes.step("validate", "one")["outcome"] == "failed"
    assert spikes.step("report", "one")["outcome"] == "refused"
    assert not spikes.path("one").exists()
