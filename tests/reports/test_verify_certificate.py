"""An inspection record recomputes too, and its papers are held against the ledger."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medassay.core.canonical import canonical_json, digest_bytes
from medassay.quality.certificate import recomputed
from medassay.reports.checks import Store
from medassay.reports.verify import verify
from medassay.trust import ledger
from medassay.trust.evidence import Evidence, Link, Outcome

PLACE = "some-ecg/phantom"


class Kept:
    """A workspace's ledger with one booked inspection record, and its papers in a folder."""

    def __init__(self, records, folder):
        self.key, self.ledger = Ed25519PrivateKey.generate(), folder / "ledger.jsonl"
        self.evidences, self.folder = {}, folder
        steps = {kind: self.finish(kind, {}).digest for kind in ("gate", "annotate")}
        plain = recomputed(records.inspection()).model_dump(mode="json")
        plain["gate"]["evidence"], plain["annotation"]["evidence"] = steps["gate"], steps["annotate"]
        self.plain = plain
        papers = {"inspection.json": canonical_json(plain), "inspection.zh.pdf": b"%PDF"}
        for name, content in papers.items():
            (folder / name).write_bytes(content)
        views = {f"view:{name}": digest_bytes(content) for name, content in papers.items()}
        self.finish("certify", {"certificate": digest_bytes(canonical_json(plain))} | views)

    def finish(self, kind, outputs):
        evidence = Evidence(
            kind=kind,
            target=PLACE,
            inputs=(),
            outputs=tuple(Link(role=role, digest=digest) for role, digest in outputs.items()),
            code={},
            environment={},
            outcome="passed",
        )
        self.evidences[evidence.digest] = evidence
        ledger.append(self.ledger, actor="a", event=f"{kind} {PLACE}", evidence=evidence.digest, key=self.key)
        return evidence

    def verify(self, plain=None, *, store=True, **options):
        path = self.folder / "inspection.json"
        if plain is not None:
            path.write_bytes(canonical_json(plain))
        found = Store(
            get={}.__getitem__,
            evidence=self.evidences.__getitem__,
            ledger=self.ledger,
            key=self.key.public_key(),
            demo_key=True,
        )
        return verify(path, found if store else None, **options)


@pytest.fixture
def kept(records, tmp_path):
    return Kept(records, tmp_path)


def test_an_untouched_inspection_record_passes_with_and_without_its_workspace(kept):
    digest = digest_bytes(canonical_json(kept.plain))
    alone = kept.verify(store=False, expect_digest=digest)
    assert alone.passed, alone.first_difference
    assert {check.name: check.outcome for check in alone.checks}["store"] == Outcome.NOT_ASSESSED
    inside = kept.verify(expect_digest=digest)
    assert inside.passed, inside.first_difference
    assert {"ledger", "booked record", "paper inspection.zh.pdf"} <= {check.name for check in inside.checks}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("outcome",), "failed"),
        (("samples",), 500),
        (("gate", "excluded_samples", "value"), 0.01),
        (("gate", "touched_subjects", "upper"), 0.5),
        (("gate", "limits", 0, "found"), 0.001),
        (("gate", "limits", 1, "kept"), False),
        (("statement", "en"), "Inspected by an independent body."),
    ],
)
def test_what_follows_from_the_record_is_recomputed_without_any_workspace(kept, path, value):
    node = kept.plain
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    first = kept.verify(kept.plain, store=False).first_difference
    assert first is not None
    assert first.name == "inspection"


def test_a_count_that_is_changed_with_all_that_follows_is_found_by_the_ledger(kept):
    from medassay.quality.certificate import Certificate

    kept.plain["gate"]["checks"][0]["failed"] = 0
    plain = recomputed(Certificate.model_validate(kept.plain)).model_dump(mode="json")
    assert kept.verify(plain, store=False).passed
    first = kept.verify(plain).first_difference
    assert first is not None
    assert first.name == "booked record"


def test_an_inspection_paper_edited_by_hand_is_found(kept):
    (kept.folder / "inspection.zh.pdf").write_bytes(b"%PDF of another")
    first = kept.verify().first_difference
    assert first is not None
    assert first.name == "paper inspection.zh.pdf"


def test_what_is_no_inspection_record_is_said_with_the_place(kept):
    del kept.plain["manifest"]
    first = kept.verify(kept.plain).first_difference
    assert first is not None
    assert (first.name, first.where) == ("record", "manifest")
