"""A database more is files more: no code knows the names of those that are here."""

import re
from pathlib import Path

from medassay.phantoms import cgm
from medassay.trust.evidence import Outcome
from medassay.verbs import annotate, begin, certify, freeze, gate, ingest
from medassay.verbs.stage import Place

ROOT = Path(__file__).parents[2]
STATED = {
    "licence": "internal",
    "ethics_approval": "E-1",
    "ethics_scope": "training and testing",
    "ethics_expires": "2030-01-01",
    "consent": "waived",
    "data_level": 3,
    "site_agreement": "A-1",
    "genetic_resources": "none",
}


def test_a_fifth_database_is_added_by_spec_files_alone(tiny, turn, tmp_path):
    begin.run(tiny, "fifth-cgm", "t2dm-cgm")
    turn("datasets/fifth-cgm.yaml", sources__0__source_class="public", sources__0__lawful_basis=STATED)
    declared = Place(tiny, "t2dm-cgm", "phantom").source.phantom | {
        "subjects": 26,
        "days": 4,
        "defects": False,
    }
    cgm.generate(cgm.Parameters.model_validate(declared), 1, tmp_path / "fifth-cgm", tmp_path / "truth.json")
    place = Place(tiny, "fifth-cgm", "hospital")
    assert ingest.run(place, data=tmp_path).outcome is Outcome.PASSED
    for step in (gate, annotate, freeze, certify):
        assert step.run(place).outcome is Outcome.PASSED, step.__name__


def test_the_engine_knows_no_database_and_no_device_by_name():
    names = [p.stem for p in (ROOT / "datasets").glob("*.yaml")] + [
        p.parent.name for p in (ROOT / "registry").glob("*/device.yaml")
    ]
    assert len(names) == 8
    pattern = re.compile("|".join(map(re.escape, names)))
    for path in (ROOT / "src").rglob("*.py"):
        assert not pattern.search(path.read_text("utf-8")), path


def test_stems_agree_in_the_four_folders_and_in_the_pipeline():
    from ruamel.yaml import YAML

    stems = {p.stem for p in (ROOT / "datasets").glob("*.yaml")}
    for room in ("annotation", "quality", "evaluation"):
        assert {p.stem for p in (ROOT / room).glob("*.yaml")} == stems
    params = YAML(typ="safe").load((ROOT / "params.yaml").read_text("utf-8"))
    declared = {(entry["dataset"], entry["source"]) for entry in params["sources"].values()}
    yaml = YAML(typ="safe")
    specs = {stem: yaml.load((ROOT / "datasets" / f"{stem}.yaml").read_text("utf-8")) for stem in stems}
    assert declared == {(stem, source["name"]) for stem, spec in specs.items() for source in spec["sources"]}
    assert {(e["dataset"], e["source"]) for e in params["labelled"].values()} <= declared


def test_root_folders_never_shadow_an_import():
    import medassay

    assert Path(medassay.__file__).parent == ROOT / "src" / "medassay"
    for room in ("datasets", "annotation", "quality", "evaluation", "registry"):
        assert not (ROOT / room / "__init__.py").exists()
