"""A third party's document beside the holder's own inspection: bound to one version, and told by reports on it."""

import pytest

from medassay.core.canonical import digest_bytes
from medassay.verbs import verify
from medassay.verbs.attach import attachments

pytestmark = pytest.mark.usefixtures("quick_views")
DOCUMENT = b"%PDF-1.7 as the laboratory gave it"
LABORATORY = ("--issuer", "A Laboratory", "--number", "L-2026-17")


@pytest.fixture
def paper(tmp_path):
    path = tmp_path / "wang-xiaoming.pdf"
    path.write_bytes(DOCUMENT)
    return path


@pytest.fixture
def attach(spikes, paper):
    return lambda *words, code=0: spikes.typed(
        "certify", "spikes", "hospital", "--attach", str(paper), *words, code=code
    )


def test_a_report_names_who_issued_a_document_on_its_version_and_its_digest(spikes, attach):
    spikes.submit("one", 8.5)
    spikes.step("validate", "one")
    attach(*LABORATORY)
    assert spikes.place.store.get(digest_bytes(DOCUMENT)) == DOCUMENT
    spikes.step("report", "one")
    [told] = spikes.report("one")["given"]["inspection"]["attached"]
    assert told["document"] == digest_bytes(DOCUMENT)
    assert (told["issuer"]["name"], told["issuer"]["number"]) == ("A Laboratory", "L-2026-17")
    assert verify.run(spikes.path("one"), workspace=spikes.root).passed


def test_a_document_bound_twice_stands_once_and_another_stands_beside_it(spikes, attach):
    for number in ("1", "1", "2"):
        attach("--issuer", "A Laboratory", "--number", number)
    assert [one.issuer.number for one in attachments(spikes.place)] == ["1", "2"]


def test_neither_the_name_of_the_file_nor_its_words_stand_in_what_is_written(spikes, attach):
    shown = str(attach(*LABORATORY))
    evidence = spikes.place.evidence("attach").model_dump_json()
    for word in ("wang-xiaoming", "as the laboratory gave it"):
        assert word not in shown
        assert word not in evidence


@pytest.mark.parametrize(
    "words",
    [
        ("--number", "1"),
        ("--issuer", "A Laboratory"),
        (*LABORATORY, "--act", "certification"),
    ],
)
def test_a_document_without_issuer_or_number_or_right_to_certify_is_refused(spikes, attach, words):
    attach(*words, code=2)
    assert attachments(spikes.place) == []


@pytest.mark.parametrize("content", [b"", None])
def test_an_empty_or_missing_document_is_refused(spikes, attach, paper, content):
    paper.unlink() if content is None else paper.write_bytes(content)
    attach(*LABORATORY, code=2)
    assert attachments(spikes.place) == []


def test_an_issuer_without_a_document_is_refused(spikes):
    spikes.typed("certify", "spikes", "hospital", *LABORATORY, code=2)
