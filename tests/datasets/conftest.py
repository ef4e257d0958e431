import importlib.util
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from medassay.core.canonical import digest_bytes
from medassay.datasets import ingest as engine
from medassay.datasets.catalogue import table_of
from medassay.datasets.freeze import freeze
from medassay.datasets.spec import DatasetSpec
from medassay.trust.evidence import Evidence, Outcome
from medassay.trust.keys import KeyRing

place = importlib.util.spec_from_file_location("toy_intake", Path(__file__).with_name("toy_intake.py"))
toy_intake = importlib.util.module_from_spec(place)
place.loader.exec_module(toy_intake)

TEXT = {"zh": "甲", "en": "a"}
SOURCE = {
    "name": "toys",
    "source_class": "public",
    "form": "toy",
    "folder": "toys",
    "identity": "known",
    "lawful_basis": {"licence": "CC0-1.0"},
}
SPEC = {
    "title": TEXT,
    "version": "1",
    "disease": {"name": TEXT, "icd10": ["I49.3"]},
    "kind": "toy",
    "task": "toys",
    "intended_use": TEXT,
    "target_population": TEXT,
    "split": {"train": 0.6, "tune": 0.2, "test": 0.2, "seed": 1},
    "freeze_needs": ["ingest", "gate", "annotate"],
}
KEYS = KeyRing(True, bytes(range(32)), bytes(range(1, 33)), bytes(range(2, 34)))


def spec_of(source=None, **changes):
    return DatasetSpec.model_validate(SPEC | {"sources": [SOURCE | (source or {})]} | changes)


@pytest.fixture(scope="session")
def a_spec():
    return spec_of


@dataclass
class Store:
    """Objects in memory; can be made to die after some puts."""

    kept: dict = field(default_factory=dict)
    dies_after: int | None = None

    def put(self, content):
        if self.dies_after is not None and len(self.kept) >= self.dies_after:
            raise KeyboardInterrupt
        return self.kept.setdefault(digest_bytes(content), content) and digest_bytes(content)


@dataclass
class Toys:
    """A folder of toys, and how it is ingested."""

    folder: Path
    store: Store = field(default_factory=Store)

    def write(self, **texts):
        for name, text in texts.items():
            stem, _, suffix = name.rpartition("_")
            path = self.folder / f"{stem}.{suffix}"
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return self

    def spec(self, source=None, **changes):
        return spec_of(source, **changes)

    def ingest(self, source=None, store=None, withdrawn=None, **changes):
        spec = spec_of(source, **changes)
        put = (store or self.store).put
        return engine.ingest("toys", spec, spec.sources[0], self.folder, KEYS, put, withdrawn=withdrawn)


@pytest.fixture
def toys(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "module_of", lambda *_, **__: toy_intake.TOY)
    folder = tmp_path / "export"
    folder.mkdir()
    return Toys(folder)


KINDS = ("ingest", "gate", "annotate")


def evidence(kind, outcome=Outcome.PASSED, target="toys/toys"):
    return Evidence(kind=kind, target=target, inputs=(), outputs=(), code={}, environment={}, outcome=outcome)


STEPS = [evidence(kind) for kind in KINDS]


class Frozen:
    """Toys that were ingested, and how they are frozen."""

    def __init__(self, toys, source=None, write=True, **changes):
        texts = {f"s{n}_toy": f"id:{n // 2}\ntext {n:02}" for n in range(24)}
        labels = {f"s{n}_label": f"label {n}" for n in range(24)}
        if write:
            toys.write(**texts, **labels, bad_toy="id:0\n", x_pdf="?")
        self.ingested = toys.ingest(source, **changes)
        self.spec = toys.spec(source, **changes)
        self.tables = {
            name: getattr(self.ingested, name) for name in ("offered", "catalogue", "objects", "measurements")
        }
        labels = {
            row["sample_id"]: row["digest"]
            for row in self.ingested.objects.to_pylist()
            if row["role"] == "reference"
        }
        self.set(labels=labels, excluded=[])

    def set(self, labels=None, excluded=None):
        if labels is not None:
            self.labels = labels
            reference = [{"sample_id": s, "digest": d, "method": "published"} for s, d in labels.items()]
            self.tables["reference"] = table_of("reference", reference, order=("sample_id",))
        if excluded is not None:
            gone = [
                {"sample_id": s, "stage": "gate", "check": "flat", "reason": "signal_flat"} for s in excluded
            ]
            self.tables["exclusions"] = table_of("exclusions", gone, order=("sample_id",))

    def run(self, steps=STEPS, source=None, **others):
        return freeze("toys", self.spec, source or self.spec.sources[0], steps, **self.tables, **others)


@pytest.fixture
def frozen_toys(toys):
    def made(source=None, *, write=True, **texts_or_changes):
        texts = {name: text for name, text in texts_or_changes.items() if name.endswith(("_toy", "_label"))}
        changes = {name: value for name, value in texts_or_changes.items() if name not in texts}
        return Frozen(toys.write(**texts), source, write, **changes)

    return made
