"""What single readers' references make of a device's predictions, beside the reference standard."""

import pytest

from medassay.room.results import results_of
from medassay.trust.sealing import sample_key, unseal


def as_marked(_, positions):
    return positions


def two_of_four(_, positions):
    return positions[:2]


@pytest.fixture
def read(database):
    """Reads of one reader of every test sample: the reference standard as `change` alters its positions."""

    def act(reader, change=as_marked):
        found = {}
        for sample, rows in database.manifest.samples("test").items():
            row = next(row for row in rows if row.role == "reference")
            key = sample_key(database.label_key, sample)
            label = unseal(database.get(row.digest), key=key, sample=sample, role="reference")
            marked = change(sample, [int(part) for part in label.split()])
            content = " ".join(map(str, marked)).encode()
            found[sample] = database.put(database.seal(sample, content, f"read:{reader}"))
        return found

    return act


def without_the_last_of_every_third(sample, positions):
    return positions[:-1] if int(sample[1:3]) % 9 == 2 else positions


def test_a_readers_own_figure_is_that_of_the_predictions_against_what_he_marked(
    validated, submitted, protocol, read
):
    reads = {"A": read("A"), "B": read("B", without_the_last_of_every_third)}
    run = validated(submitted(), reads=reads).record
    own = {row.subject: row.statistics for row in run.subjects}
    first, second = ([row for row in run.readers if row.reader == place] for place in (1, 2))
    assert {row.subject: row.statistics for row in first} == own, "who marked the standard scores as it does"
    marked = {row.subject: row.statistics["tp"] + row.statistics["fn"] for row in second}
    assert marked == {subject: 6.0 if int(subject[1:]) % 9 == 2 else 8.0 for subject in own}, (
        "one of four spikes less in both of a third's samples"
    )
    found = results_of(run, protocol, locked_first=True)
    [sensitivity, _] = found.over_readers
    tp, events = (
        sum(row.statistics[n] for row in run.readers for n in names) for names in (("tp",), ("tp", "fn"))
    )
    assert sensitivity.endpoint == "se"
    assert sensitivity.over_readers.value == pytest.approx(tp / events)
    assert sensitivity.each_reader[0].value == found.of("se").estimate.value
    assert sensitivity.reference_standard == found.of("se").estimate, (
        "the protocol's interval is the percentile"
    )


def test_readers_who_disagree_widen_the_interval_of_the_device_and_leave_the_verdict(
    validated, submitted, protocol, read
):
    submission = submitted(**{"model/threshold__json": '{"threshold": 2.2}'})
    alone = results_of(validated(submission).record, protocol, locked_first=True)
    reads = {"A": read("A"), "B": read("B", two_of_four)}
    beside = results_of(validated(submission, reads=reads).record, protocol, locked_first=True)
    assert beside.verdict == alone.verdict
    assert beside.endpoints == alone.endpoints
    false = next(one for one in beside.over_readers if one.endpoint == "false")
    assert false.widening > 1
    assert false.over_readers.upper > false.reference_standard.upper
    assert false.remarks == ("2 readers: the interval over readers is coarse",)


def test_no_name_of_a_reader_stands_in_the_record(validated, submitted, read):
    reads = {"Dr Amber": read("Dr Amber"), "Dr Birch": read("Dr Birch")}
    assert "Dr " not in validated(submitted(), reads=reads).record.model_dump_json()


def test_a_read_that_cannot_be_scored_counts_as_not_made_and_the_samples_tell(
    validated, submitted, protocol, read, database
):
    second = read("B")
    lost, spoilt = sorted(second)[:2]  # both visits of one person
    del second[lost]
    second[spoilt] = database.put(database.seal(spoilt, b"no number", "read:B"))
    run = validated(submitted(), reads={"A": read("A"), "B": second}).record
    assert len({row.subject for row in run.readers if row.reader == 1}) == 10
    assert len({row.subject for row in run.readers if row.reader == 2}) == 9
    found = results_of(run, protocol, locked_first=True).over_readers[0]
    assert found.each_reader[1].n_subjects == 9


@pytest.mark.parametrize("readers", [(), ("A",)])
def test_fewer_than_two_readers_carry_no_disagreement(validated, submitted, protocol, read, readers):
    run = validated(submitted(), reads={name: read(name) for name in readers}).record
    found = results_of(run, protocol, locked_first=True)
    assert found.over_readers == ()
    assert "over_readers" not in found.model_dump(), "records of before keep their digests"
    assert ("readers" in run.model_dump()) == bool(readers)
