from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medassay.core.errors import EvidenceBroken
from medassay.trust import ledger


@pytest.fixture
def key():
    return Ed25519PrivateKey.generate()


@pytest.fixture
def path(tmp_path, key):
    path = tmp_path / "ledger.jsonl"
    for number in range(3):
        ledger.append(path, actor="curator", event="ingest", evidence=f"{number:064x}", key=key)
    return path


def test_a_chain_as_written_verifies(path, key):
    assert ledger.verify(path, key.public_key()) == 3


tampering = {
    "a figure changed": lambda lines: [lines[0].replace(b"curator", b"another"), *lines[1:]],
    "a line taken out": lambda lines: [lines[0], lines[2]],
    "two lines swapped": lambda lines: [lines[1], lines[0], lines[2]],
    "a line repeated": lambda lines: [lines[0], lines[0], *lines[1:]],
    "a line of noise": lambda lines: [*lines, b"{}\n"],
}


@pytest.mark.parametrize("alter", tampering.values(), ids=tampering)
def test_any_change_of_history_is_found(path, key, alter):
    path.write_bytes(b"".join(alter(path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(EvidenceBroken):
        ledger.verify(path, key.public_key())


def test_a_chain_signed_by_another_key_is_refused(path):
    with pytest.raises(EvidenceBroken, match="signature"):
        ledger.verify(path, Ed25519PrivateKey.generate().public_key())


def test_a_chain_rebuilt_whole_lacks_the_head_that_was_kept_outside(path, tmp_path, key):
    kept = ledger.read(path)[-1].digest
    rebuilt = tmp_path / "rebuilt.jsonl"
    for number in range(4):
        ledger.append(rebuilt, actor="curator", event="ingest", evidence=f"{number:064x}", key=key)
    assert ledger.verify(path, key.public_key(), expect_head=kept) == 3
    with pytest.raises(EvidenceBroken, match="expected head"):
        ledger.verify(rebuilt, key.public_key(), expect_head=kept)


def test_a_line_that_a_killed_run_left_unfinished_costs_nothing(path, key):
    path.write_bytes(path.read_bytes() + b'{"sequence":3,"ti')
    ledger.append(path, actor="curator", event="gate", evidence="f" * 64, key=key)
    assert ledger.verify(path, key.public_key()) == 4


def test_lines_that_are_added_at_the_same_time_make_one_chain(path, key):
    def add(number: int) -> None:
        ledger.append(path, actor="curator", event="gate", evidence=f"{number:064x}", key=key)

    before = len(ledger.read(path))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(10, 50)))
    assert ledger.verify(path, key.public_key()) == before + 40
    assert {f"{n:064x}" for n in range(10, 50)} <= {entry.evidence for entry in ledger.read(path)}
