import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassay.core.errors import EvidenceBroken
from medassay.datasets.flow import Counts, flow_of

states = st.sampled_from(["refused", "excluded", "train", "tune", "test"])


def tables(samples, unassigned=0):
    """`samples`: (subject, state, number of files) each."""
    offered, catalogue, exclusions, parts = [], [], [], {}
    for number, (subject, state, files) in enumerate(samples):
        name, refused = f"R-{number}", state == "refused"
        outcome = {"outcome": "refused" if refused else "sample", "sample_id": name}
        offered += [outcome] * files
        status, reason = ("refused", "truncated") if refused else ("accepted", None)
        catalogue.append({"sample_id": name, "subject_id": subject, "status": status, "reason": reason})
        if state == "excluded":
            exclusions += [
                {"sample_id": name, "stage": stage, "check": "c", "reason": "signal_flat"}
                for stage in ("gate", "annotate")
            ]
        elif not refused:
            parts[name] = state
    offered += [{"outcome": "unassigned", "sample_id": None}] * unassigned
    return offered, catalogue, exclusions, parts


people = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(["train", "tune", "test"]), min_size=8)


@given(people, st.lists(st.tuples(st.sampled_from("abcdefgh"), states, st.integers(0, 3))), st.integers(0, 3))
def test_the_flow_adds_up_whatever_became_of_the_samples(part_of, drawn, unassigned):
    samples = [
        (subject, state if state in ("refused", "excluded") else part_of[subject], files)
        for subject, state, files in drawn
    ]
    flow = flow_of(*tables(samples, unassigned))
    assert flow.files.offered == sum(files for *_, files in samples) + unassigned
    assert flow.samples.offered == len(samples)
    assert flow.subjects.offered == len({subject for subject, *_ in samples})
    for part in ("train", "tune", "test"):
        assert getattr(flow.samples, part) == sum(state == part for _, state, _ in samples)
        assert getattr(flow.subjects, part) == len({s for s, state, _ in samples if state == part})
    assert flow.unassigned_files == unassigned


def test_a_sample_counts_at_the_first_stage_that_excluded_it():
    flow = flow_of(*tables([("a", "excluded", 1), ("b", "train", 1)]))
    assert [(c.stage, c.samples) for c in flow.excluded] == [("gate", 1)]


def test_a_subject_is_where_any_of_its_samples_came_furthest():
    flow = flow_of(
        *tables([("a", "refused", 1), ("a", "test", 1), ("b", "refused", 1), ("b", "excluded", 1)])
    )
    assert (flow.subjects.test, flow.subjects.excluded, flow.subjects.refused) == (1, 1, 0)


WHOLE = [("a", "refused", 1), ("b", "excluded", 1), ("c", "train", 1)]


def lose_exclusion(offered, catalogue, exclusions, parts):
    exclusions.clear()


def exclude_trained(offered, catalogue, exclusions, parts):
    exclusions.append({"sample_id": "R-2", "stage": "gate", "check": "c", "reason": "signal_flat"})


def train_refused(offered, catalogue, exclusions, parts):
    parts["R-0"] = "train"


def lose_sample(offered, catalogue, exclusions, parts):
    catalogue.pop()


def repeat_sample(offered, catalogue, exclusions, parts):
    catalogue.append(catalogue[2])


def contradict_file(offered, catalogue, exclusions, parts):
    offered[0] = {"outcome": "sample", "sample_id": "R-0"}


def divide_subject(offered, catalogue, exclusions, parts):
    catalogue.append({"sample_id": "R-9", "subject_id": "c", "status": "accepted", "reason": None})
    parts["R-9"] = "test"


@pytest.mark.parametrize(
    "spoil",
    [
        lose_exclusion,
        exclude_trained,
        train_refused,
        lose_sample,
        repeat_sample,
        contradict_file,
        divide_subject,
    ],
)
def test_tables_that_do_not_belong_together_are_broken_evidence(spoil):
    made = tables(WHOLE)
    flow_of(*made)
    spoil(*made)
    with pytest.raises(EvidenceBroken, match="case flow"):
        flow_of(*made)


def test_counts_that_do_not_add_up_are_never_made():
    with pytest.raises(ValueError, match="offered is"):
        Counts(offered=5, refused=1, excluded=1, train=1, tune=1, test=0)
