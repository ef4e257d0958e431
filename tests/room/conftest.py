"""A whole database, task and device of a few bytes: the path from training to figures in a second."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from medassay.core.specs import load_spec
from medassay.datasets.manifest import Manifest, Row
from medassay.datasets.spec import Source
from medassay.evaluation import scoring
from medassay.evaluation.protocol import Protocol
from medassay.registry.device import DeviceSpec
from medassay.registry.submission import package
from medassay.room.validation import validate
from medassay.trust.sealing import sample_key, seal

HERE = Path(__file__).parent / "spikes"
collect_ignore = ["spikes"]  # a device and scorers that the tests hand to the engine
LABEL_KEY = b"k" * 32
TEXT = {"zh": "甲", "en": "a"}


def manifest_of(rows):
    """A version with these rows, in the order that a manifest asks for."""
    return Manifest(
        dataset="spikes",
        source="hospital",
        source_class="public",
        spec_version="1",
        kind="numbers",
        task="spikes",
        seed=1,
        division="seeded",
        disjointness="proven",
        rows=tuple(sorted(rows, key=lambda row: (row.sample, row.role, row.name))),
    )


class Database:
    """Thirty people, two samples each, with sealed labels."""

    def __init__(self, label_key=LABEL_KEY):
        self.label_key = label_key
        self.objects, rows, self.strata = {}, [], {}
        generator = np.random.default_rng(1)
        for person in range(30):
            split = ["train", "tune", "test"][person % 3]
            for visit in range(2):
                sample, subject = f"R{person:02d}{visit}", f"S{person:02d}"
                values = generator.normal(0, 1, 60).clip(-3, 3)
                marked = generator.choice(60, 4, replace=False)
                values[marked] += 7
                signal = " ".join(f"{value:.3f}" for value in values).encode()
                label = " ".join(map(str, sorted(marked))).encode()
                roles = {
                    "signal": (f"{sample}.num", signal),
                    "reference": (f"{sample}.ref", self.seal(sample, label)),
                }
                roles["read:R1"] = (f"{sample}.R1.ref", self.seal(sample, b"1", "read:R1"))
                rows += [
                    Row(
                        sample=sample,
                        subject=subject,
                        split=split,
                        role=role,
                        name=name,
                        digest=self.put(content),
                    )
                    for role, (name, content) in roles.items()
                ]
                self.strata[sample] = {"site": "ab"[person % 2], "sex": None}
        self.manifest = manifest_of(rows)
        self.released = {row.sample: sample_key(label_key, row.sample) for row in rows if row.split != "test"}

    def seal(self, sample, label, role="reference"):
        return seal(label, key=sample_key(self.label_key, sample), sample=sample, role=role)

    def put(self, content):
        digest = hashlib.sha256(content).hexdigest()
        self.objects[digest] = content
        return digest

    def get(self, digest):
        return self.objects[digest]

    def altered(self, change):
        """The manifest with each row changed; `change` gives the fields to replace."""
        return manifest_of(row.model_copy(update=change(row)) for row in self.manifest.rows)


@pytest.fixture
def database():
    return Database()


@pytest.fixture
def device_folder(tmp_path):
    """A copy of the honest device, to be made dishonest."""
    folder = tmp_path / "spike-detector"
    folder.mkdir()
    for path in (HERE / "device").iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture
def device(device_folder):
    return load_spec(device_folder / "device.yaml", DeviceSpec)


@pytest.fixture
def protocol():
    return Protocol.model_validate(
        {
            "version": "1",
            "task": "spikes",
            "options": {"tolerance": 0},
            "endpoints": [
                {
                    "id": "se",
                    "title": TEXT,
                    "metric": "sensitivity",
                    "goals": {"hospital": {"direction": "at_least", "limit": 0.6}},
                },
                {"id": "false", "title": TEXT, "metric": "false"},
            ],
            "primary": "se",
            "alpha": 0.025,
            "tested": ["se"],
            "sample_size": {
                "hospital": {
                    "measure": "proportion",
                    "assumed": 0.9,
                    "subjects": 12,
                    "per_subject": 8,
                    "correlation": 0.05,
                    "aim": 0.8,
                    "power": 0.999,
                    "reason": TEXT,
                    "shortfall": TEXT,
                }
            },
            "interval": "percentile",
            "clusters": "subject",
            "unusable_prediction": "worst",
            "empties": "not_counted",
            "stress": None,
            "confidence": 0.95,
            "replicates": 1000,
            "seed": 1,
            "unit_of_analysis": "subject",
            "minimum_subjects": 10,
            "multiplicity": "single_primary",
            "missing_prediction": "worst",
            "subgroups": ["site", "sex"],
            "minimum_cell": 2,
            "factors": [],
            "looks_before": {},
        }
    )


@pytest.fixture
def source():
    return Source.model_validate(
        {
            "name": "hospital",
            "source_class": "public",
            "form": "numbers",
            "folder": "numbers",
            "identity": "known",
            "lawful_basis": {"licence": "CC0-1.0"},
        }
    )


@pytest.fixture(autouse=True)
def _spikes_is_a_task(monkeypatch):
    monkeypatch.setattr(scoring, "__path__", [*scoring.__path__, str(HERE / "scoring")])


@pytest.fixture
def submitted(device_folder, device):
    """A submission of the device as it lies there, with a model that was never trained."""

    def act(**files):
        content = {path.name: path.read_bytes() for path in device_folder.iterdir()}
        content |= {"model/threshold.json": b'{"threshold": 5.0}'}
        content |= {name.replace("__", "."): text.encode() for name, text in files.items()}
        return package(
            content, device="spike-detector", device_version="1.0.0", trained_on="d" * 64, parameters={}
        )

    return act


@pytest.fixture
def validated(database, protocol, source, tmp_path):
    def act(submission, **changes):
        events = []
        workdir = tmp_path / "validation"
        shutil.rmtree(workdir, ignore_errors=True)
        arguments = {
            "manifest": database.manifest,
            "protocol": protocol,
            "get": database.get,
            "label_key": b"k" * 32,
            "dataset": "spikes",
            "source": source,
            "strata": database.strata,
            "workdir": workdir,
            "book": lambda event, digest: events.append((event, digest)),
            "earlier_looks": 2,
        }
        validation = validate(submission, **(arguments | changes))
        act.events = events
        return validation

    return act
