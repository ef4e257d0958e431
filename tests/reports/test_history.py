"""What a report says of the ledger: locked before unsealed, or that it cannot be shown."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medassay.reports.history import ledger_facts
from medassay.trust import ledger


@pytest.fixture
def book(tmp_path):
    key = Ed25519PrivateKey.generate()

    def write(*lines):
        path = tmp_path / "ledger.jsonl"
        for event, digest in lines:
            ledger.append(path, actor="a", event=event, evidence=digest, key=key)
        return ledger.read(path)

    return write


def facts(entries, run, validated):
    return ledger_facts(entries, run, validated=validated, inspected=validated, key="k", demo_key=False)


def test_the_lines_of_this_run_are_found_among_others(records, book):
    run, done = records.run_record(), records.digest("validate")
    place, mine = "some-ecg/phantom", run.submission[:16]
    entries = book(
        (f"protocol_locked {place} {mine}", run.protocol),
        (f"labels_unsealed {place} {records.digest('else')[:16]}", run.manifest),
        (f"labels_unsealed some-ecg/open {mine}", run.manifest),
        (f"labels_unsealed {place} {mine}", run.manifest),
        (f"validate {place}", done),
        ("gate other/phantom", records.digest("later")),
    )
    found = facts(entries, run, done)
    assert (found.protocol_locked.sequence, found.unsealed.sequence) == (0, 3)
    assert found.locked_first
    assert (found.head, found.entries) == (entries[4].digest, 5)


def test_a_protocol_that_was_booked_afterwards_is_not_locked_first(records, book):
    run = records.run_record()
    entries = book(
        ("labels_unsealed some-ecg/phantom", run.manifest), ("protocol_locked some-ecg/phantom", run.protocol)
    )
    found = facts(entries, run, records.digest("none"))
    assert not found.locked_first
    record = records.record(ledger=found)
    assert "limit:lock_unproven" in [limit.key for limit in record.limits]


def test_a_protocol_that_was_changed_after_these_labels_were_met_once_is_not_locked_first(records, book):
    run, place = records.run_record(), "some-ecg/phantom"
    entries = book(
        (f"protocol_locked {place}", records.digest("the protocol before")),
        (f"labels_unsealed {place}", run.manifest),
        (f"protocol_locked {place}", run.protocol),
        (f"labels_unsealed {place}", run.manifest),
    )
    found = facts(entries, run, records.digest("none"))
    assert (found.protocol_locked.sequence, found.unsealed.sequence) == (2, 1)
    assert not found.locked_first


def test_the_inspection_is_dated_by_its_first_line(records, book):
    done = records.digest("certify")
    entries = book(("certify some-ecg/phantom", done), ("certify some-ecg/phantom", done))
    found = facts(entries, records.run_record(), done).inspected
    assert (found.sequence, found.digest) == (0, done)
    assert facts(entries, records.run_record(), records.digest("none")).inspected is None


def test_another_protocol_is_not_this_one(records, book):
    run = records.run_record()
    entries = book(
        ("protocol_locked some-ecg/phantom", records.digest("other")),
        ("labels_unsealed some-ecg/phantom", run.manifest),
    )
    assert facts(entries, run, records.digest("none")).protocol_locked is None


def test_an_empty_ledger_proves_nothing(records):
    found = facts([], records.run_record(), records.digest("none"))
    assert (found.unsealed, found.entries, found.locked_first) == (None, 0, False)
