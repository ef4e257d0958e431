"""The engine with the task of events in time, from two readers' sealed tables to the reference."""

import pyarrow as pa
import pytest

from medassay.annotation.agreement import AgreementRecord
from medassay.annotation.annotate import annotate
from medassay.annotation.spec import AnnotationSpec
from medassay.core.canonical import digest_bytes
from medassay.core.errors import WrongUse
from medassay.formats.waveform.szcore import Event, read_events, write_events
from medassay.trust.sealing import sample_key, seal, unseal

KEY = bytes(range(32))
READS = {
    "agree": {"R1": [(100, 60)], "R2": [(104, 60)]},
    "silent": {"R1": [], "R2": []},
    "differ": {"R1": [(100, 60)], "R2": [(1500, 30)], "ARB": [(1500, 30)]},
    "unresolved": {"R1": [(100, 60)], "R2": []},
}
SPEC = {
    "version": "1",
    "task": "events",
    "guide": "x.md",
    "classes": [
        {
            "code": "sz",
            "title": {"zh": "发作", "en": "seizure"},
            "definition": {"zh": "发作", "en": "seizure"},
        }
    ],
    "agreement_limits": {"event_agreement": 1.0},
    "references": {"x": {"method": "reads", "readers": ["R1", "R2"], "arbitrator": "ARB"}},
}


def run(**changes):
    kept, rows = {}, []

    def put(content):
        digest = digest_bytes(content)
        kept[digest] = content
        return digest

    for sample, reads in READS.items():
        for reader, events in reads.items():
            role = f"read:{reader}"
            table = write_events([Event(*event) for event in events], duration_s=3600)
            sealed = seal(table, key=sample_key(KEY, sample), sample=sample, role=role)
            rows.append({"sample_id": sample, "role": role, "name": role, "digest": put(sealed)})
    spec = AnnotationSpec.model_validate(SPEC | changes)
    people = {sample: f"person of {sample}" for sample in READS}
    annotated = annotate(spec, "x", pa.Table.from_pylist(rows), people, kept.__getitem__, put, KEY)
    references = {}
    for row in annotated.reference.to_pylist():
        sample = row["sample_id"]
        key = sample_key(KEY, sample)
        label = unseal(kept[row["digest"]], key=key, sample=sample, role="reference")
        events = [(event.onset_s, event.duration_s) for event in read_events(label).events]
        references[sample] = (row["method"], events)
    return annotated, references


def test_events_are_merged_arbitrated_or_left_out():
    annotated, references = run()
    assert references == {
        "agree": ("agreed", [(102, 60)]),
        "silent": ("agreed", []),
        "differ": ("arbitrated", [(1500, 30)]),
    }
    assert annotated.exclusions["sample_id"].to_pylist() == ["unresolved"]


def test_agreement_counts_what_was_arbitrated_and_left_out():
    record = AgreementRecord.model_validate(run()[0].agreement)
    figure = next(figure for figure in record.figures if figure.name == "event_agreement")
    assert figure.estimate.value == pytest.approx(2 / 5)
    assert (figure.n_defined, figure.n_below, record.n_samples) == (3, 2, 4)


def test_an_option_that_the_task_does_not_have_is_refused():
    with pytest.raises(WrongUse, match="options of the annotation spec"):
        run(options={"tolerance_s": 3})
