"""A version says what it added, withdrew and moved, and why; labels that change hands make another version."""

from medassay.core.findings import Reason
from medassay.datasets.freeze import Before
from medassay.datasets.manifest import Manifest, Row
from medassay.datasets.versions import NEWLY_OFFERED, NO_LONGER_OFFERED, between, moved_from_test


def manifest(*samples, spec_version="1"):
    """Each sample is (number, part) or (number, part, label, image)."""
    rows = []
    for number, part, *digests in samples:
        label, image = digests or ("a", "b")
        common = {"sample": f"R-{number}", "subject": f"S-{number}", "split": part}
        rows.append(Row(name=f"R-{number}.dcm", role="image", digest=image * 64, **common))
        rows.append(Row(name=f"R-{number}.reference", role="reference", digest=label * 64, **common))
    return Manifest(
        dataset="toys", source="a", source_class="public", spec_version=spec_version, kind="toy", task="toys",
        seed=1, division="seeded", disjointness="proven", rows=tuple(rows),
    )  # fmt: skip


def gone(number, stage="gate", check="flat", reason="signal_flat"):
    return {"sample_id": f"R-{number}", "stage": stage, "check": check, "reason": reason}


def test_the_first_version_added_everything():
    made = between(None, manifest((1, "train"), (2, "test")))
    assert made.previous is None
    assert [(one.sample, one.why) for one in made.added] == [("R-1", NEWLY_OFFERED), ("R-2", NEWLY_OFFERED)]
    assert (made.withdrawn, made.kept) == ((), 0)


def test_each_change_is_told_once_and_with_its_reason():
    old = manifest(*((n, "train") for n in range(1, 7)))
    new = manifest(
        (1, "train"), (2, "test"), (3, "train", "c", "b"), (7, "train"), (8, "tune"), spec_version="2"
    )
    made = between(
        old,
        new,
        gone=[gone(4), gone(4, check="noise"), gone(1, check="of another time")],
        refused={"R-5": "truncated"},
        was_gone=[gone(7, "annotate", "reference", "reference_missing")],
    )
    assert {one.sample: one.why for one in made.withdrawn} == {
        "R-4": "gate:flat:signal_flat",
        "R-5": "ingest:intake:truncated",
        "R-6": NO_LONGER_OFFERED,
    }
    assert {one.sample: one.why for one in made.added} == {
        "R-7": "formerly_out:annotate:reference:reference_missing",
        "R-8": NEWLY_OFFERED,
    }
    assert [(one.sample, one.before, one.after) for one in made.moved] == [("R-2", "train", "test")]
    assert (made.relabelled, made.refiled, made.kept) == (("R-3",), (), 3)
    assert (made.spec_version_before, made.spec_version) == ("1", "2")
    assert made.kept + len(made.added) == len(new.samples())
    assert made.kept + len(made.withdrawn) == len(old.samples())


def test_other_files_under_the_same_label_are_told_apart_from_another_label():
    made = between(manifest((1, "train", "a", "b")), manifest((1, "train", "a", "c")))
    assert (made.relabelled, made.refiled) == ((), ("R-1",))


def test_labels_that_change_hands_are_two_relabelled_samples_of_another_version():
    old = manifest((1, "train", "a", "b"), (2, "test", "c", "b"))
    new = manifest((1, "train", "c", "b"), (2, "test", "a", "b"))
    assert old.digest != new.digest
    assert between(old, new).relabelled == ("R-1", "R-2")


def test_people_who_were_tested_on_and_may_be_learned_from_now_are_warned_of():
    made = between(manifest((1, "test"), (2, "train")), manifest((1, "train"), (2, "test")))
    [finding] = moved_from_test(made)
    assert finding.found.startswith("1 samples")
    assert moved_from_test(between(None, manifest((1, "train")))) == []


def test_swapping_the_label_files_of_two_cases_changes_the_version(frozen_toys, toys):
    made = frozen_toys()
    one, two = toys.folder / "s1.label", toys.folder / "s2.label"
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    swapped = frozen_toys(write=False)
    before, after = made.run().manifest, swapped.run().manifest
    assert before.digest != after.digest
    assert len(between(before, after).relabelled) == 2


def test_a_version_that_is_frozen_again_keeps_its_history(frozen_toys):
    toys = frozen_toys()
    first = toys.run()
    again = toys.run(before=Before(first.manifest, (), first.dynamics))
    assert again.dynamics == first.dynamics
    assert again.manifest.digest == first.manifest.digest


def test_a_withdrawn_subject_is_left_out_and_the_next_version_says_why(frozen_toys):
    toys = frozen_toys()
    first = toys.run()
    subject = first.manifest.subjects("test")[0]
    second = toys.run(
        before=Before(first.manifest, (), first.dynamics), withdrawn={subject: "consent_withdrawn"}
    )
    assert subject not in second.manifest.subjects()
    assert {one.why for one in second.dynamics.withdrawn} == {
        f"withdraw:consent_withdrawn:{Reason.SUBJECT_WITHDREW.value}"
    }
    assert {one.subject for one in second.dynamics.withdrawn} == {subject}
    assert {cause.check for cause in second.flow.excluded} == {"consent_withdrawn"}


def test_a_split_that_keeps_places_moves_nobody_when_one_withdraws(frozen_toys):
    split = {"train": 0.6, "tune": 0.2, "test": 0.2, "seed": 1, "keep_places": True}
    toys = frozen_toys(split=split)
    first = toys.run()
    before = Before(first.manifest, (), first.dynamics)
    for subject in first.manifest.subjects():
        assert toys.run(before=before, withdrawn={subject: "site_withdrew"}).dynamics.moved == ()
