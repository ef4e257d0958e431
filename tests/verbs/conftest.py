"""A workspace whose database was already frozen: what validate, compare and report do, without the steps before."""

import importlib.util
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from medassay.cli.main import app
from medassay.evaluation import scoring
from medassay.registry.submission import package
from medassay.reports import pictures
from medassay.trust.evidence import Outcome
from medassay.verbs import init
from medassay.verbs.stage import Place

TESTS = Path(__file__).parents[1]
STEM, SOURCE = "spikes", "hospital"
TEXT = {"zh": "甲", "en": "a"}


def _beside(name, path):
    """A module of the tests by its path: tests are no packages."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ROOM = _beside("room_fixtures", TESTS / "room" / "conftest.py")
RECORDS = _beside("report_fixtures", TESTS / "reports" / "records.py")
protocol = ROOM.protocol  # the spikes' own
SPECS = {
    "datasets": {
        "title": TEXT,
        "version": "1",
        "disease": {"name": TEXT, "icd10": ["I49.3"]},
        "kind": "numbers",
        "task": "spikes",
        "intended_use": TEXT,
        "target_population": TEXT,
        "sources": [
            {
                "name": SOURCE,
                "source_class": "public",
                "form": "numbers",
                "folder": "numbers",
                "identity": "known",
                "lawful_basis": {"licence": "CC0-1.0"},
                "citation": "made up",
            }
        ],
        "split": {"train": 0.4, "tune": 0.3, "test": 0.3, "seed": 1},
        "freeze_needs": ["ingest"],
    },
    "annotation": {
        "version": "1",
        "task": "spikes",
        "guide": "guide.md",
        "classes": [{"code": "s", "title": TEXT, "definition": TEXT}],
        "agreement_limits": {},
        "references": {SOURCE: {"method": "published"}},
    },
    "quality": {
        "version": "1",
        "checks": [RECORDS.quality_spec().checks[0].model_dump(mode="json")],
        "limits": {"largest_excluded_share": 0.2},
    },
}


def _write(path, tree):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as stream:
        YAML().dump(json.loads(json.dumps(tree)), stream)


def _flow(database):
    test = len(database.manifest.samples("test"))
    flow = RECORDS.flow(test).model_dump(mode="json")
    flow["subjects"] |= {
        "test": test // 2,
        "offered": flow["subjects"]["offered"] - test // 2,
    }
    return flow


class Spikes:
    """The workspace, and the commands as typed."""

    def __init__(self, root):
        self.root = root
        self.place = Place(init.Workspace(root), STEM, SOURCE)
        self.database = ROOM.Database(self.place.keys.label)

    def freeze(self):
        """The objects and Evidence that the steps up to certify would have left."""
        for content in self.database.objects.values():
            self.place.store.put(content)
        manifest = self.database.manifest
        rows = [
            {"sample_id": sample, "device": None, "age_band": None, **strata}
            for sample, strata in self.database.strata.items()
        ]
        certificate = RECORDS.inspection(manifest=manifest.digest).model_dump(mode="json")
        records = {
            "gate": {},
            "annotate": {"agreement": RECORDS.agreement("published").model_dump(mode="json")},
            "certify": {"certificate": certificate},
        }
        catalogue = pa.Table.from_pylist(rows)
        self._done("ingest", tables={"catalogue": catalogue, "measurements": catalogue.select(["sample_id"])})
        for kind in ("gate", "annotate"):
            self._done(kind, records=records[kind])
        self._done("freeze", files={"manifest": manifest.content}, records={"flow": _flow(self.database)})
        self._done("certify", records=records["certify"])

    def submit(self, device, threshold, **spec):
        """A device that needs no training, with its threshold."""
        made = ROOM.HERE / "device"
        content = {path.name: path.read_bytes() for path in made.iterdir() if path.is_file()}
        tree = YAML(typ="safe").load(content["device.yaml"].decode()) | spec
        _write(self.root / "registry" / device / "device.yaml", tree)
        content["device.yaml"] = (self.root / "registry" / device / "device.yaml").read_bytes()
        content["model/threshold.json"] = json.dumps({"threshold": threshold}).encode()
        submission = package(
            content, device=device, device_version=tree["version"], trained_on="d" * 64, parameters={}
        )
        self._done(
            "train",
            device=device,
            files={"submission": submission},
            records={"curves": {}, "room": {"means": "not sealed: bubblewrap is not installed"}},
        )

    def ask(self, protocol, **changes):
        """Write the protocol; its plan is of a mean, which no table of coverage judges."""
        tree = protocol.model_dump(mode="json") | changes
        tree["sample_size"][SOURCE] |= {"measure": "mean", "spread": 0.1, "power": 1.0, "shortfall": None}
        _write(self.root / "evaluation" / f"{STEM}.yaml", tree)

    def typed(self, *words, code=0):
        """A command line in this workspace; what it prints for machines, or the error that it ended in."""
        done = CliRunner().invoke(app, [*words, "--workspace", str(self.root), "--json"])
        if code:
            assert done.exception is not None, done.output
            assert getattr(done.exception, "exit_code", done.exit_code) == code, repr(done.exception)
            return done.exception
        assert done.exit_code == 0, repr(done.exception)
        return json.loads(done.stdout)

    def step(self, verb, device, *options):
        return self.typed(verb, STEM, SOURCE, device, *options)

    def report(self, device):
        """The report's record as it lies in the folder."""
        return json.loads(self.path(device).read_bytes())

    def path(self, device):
        return self.root / "reports" / STEM / SOURCE / f"{device}.json"

    def _done(self, kind, **what):
        self.place.finish(kind, inputs={}, outcome=Outcome.PASSED, counts={}, **what)


@pytest.fixture(scope="session")
def frozen(tmp_path_factory):
    """The workspace before any device, made once: every object is synced to disk."""
    folder = tmp_path_factory.mktemp("frozen")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDASSAY_KEYS", str(folder / "keys"))
        patch.delenv("MEDASSAY_STORE", raising=False)
        init.run(folder / "work", demo_keys=True)
        for room, tree in SPECS.items():
            _write(folder / "work" / room / f"{STEM}.yaml", tree)
        Spikes(folder / "work").freeze()
    return folder


@pytest.fixture
def spikes(frozen, tmp_path, monkeypatch, protocol):
    monkeypatch.setenv("MEDASSAY_KEYS", str(tmp_path / "keys"))
    monkeypatch.delenv("MEDASSAY_STORE", raising=False)
    monkeypatch.setattr(scoring, "__path__", [*scoring.__path__, str(ROOM.HERE / "scoring")])
    monkeypatch.setattr(pictures, "__path__", [*pictures.__path__, str(ROOM.HERE / "pictures")])
    for name in ("keys", "work"):
        shutil.copytree(frozen / name, tmp_path / name)
    made = Spikes(tmp_path / "work")
    made.ask(protocol)
    return made


@pytest.fixture
def quick_views(monkeypatch):
    """Records without paper: drawing both languages takes longer than all the rest."""
    from medassay.verbs import report

    monkeypatch.setattr(report, "_views", lambda record, *to: {f"{to[-1]}.json": record.to_json()})
