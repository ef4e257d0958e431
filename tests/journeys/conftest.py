import json
import re
import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from medassay.core.rooms import module_of
from medassay.core.tables import from_parquet
from medassay.core.workspace import SPEC_FOLDERS, Workspace
from medassay.datasets.sample import OfferedFile
from medassay.reports.verify import verify as recomputed
from medassay.verbs import init, status, verify

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A workspace with this repository's specs and devices, turned down to sizes that a test can afford."""
    root = tmp_path_factory.mktemp("workspace")
    for folder in SPEC_FOLDERS:
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDASSAY_KEYS", str(tmp_path_factory.mktemp("keys")))
        patch.delenv("MEDASSAY_STORE", raising=False)
        init.run(root, demo_keys=True)
        yield Workspace(root)


@pytest.fixture(scope="session")
def piped():
    """The database and its device that go through DVC; the others go by the verbs in one process."""
    return "t2dm-cgm", "t2dm-cgm-hypo-alert"


@pytest.fixture
def turn(tiny):
    """Change fields of one of the workspace's YAML files."""

    def change(path, **fields):
        yaml = YAML()
        file = tiny.root / path
        tree = yaml.load(file.read_text("utf-8"))
        for name, value in fields.items():
            *way, last = name.split("__")
            node = tree
            for step in way:
                node = node[int(step) if step.isdigit() else step]
            assert last in node or not way, name
            node[last] = value
        with file.open("w", encoding="utf-8") as stream:
            yaml.dump(tree, stream)

    return change


def identity_left(place):
    """Names and record keys of a source's persons that stand anywhere in what a run left behind."""
    workspace = place.workspace
    folder = workspace.export(place.dataset, place.source_name)
    files = [
        OfferedFile(path, path.relative_to(folder).as_posix(), path.stat().st_size)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    intake = module_of("medassay.datasets.intake", place.spec.kind, what="kind")
    drafts = intake.assemble(files, place.source).drafts
    values = {token.partition(":")[2] for draft in drafts for token in draft.person_tokens}
    words = {word for value in values for word in re.split(r"[|^/=\s]+", value)}
    words = {
        word
        for word in words
        if (len(word) >= 2 and not word.isascii()) or (len(word) >= 5 and word.isalpha())
    }
    words -= {"phantom", "example", "hospital"}  # of a site or an issuer, not of a person
    words |= {draft.key for draft in drafts if len(draft.key) >= 8}
    assert len(words) > 20
    needles = {word.encode(encoding) for word in words for encoding in ("utf-8", "gb18030")}
    pattern = re.compile(b"|".join(map(re.escape, sorted(needles))))
    left = []
    for root in (workspace.store, workspace.root / "pipeline", workspace.root / "reports"):
        for path in (path for path in root.rglob("*") if path.is_file()):
            content = path.read_bytes()
            if content[:4] == b"PAR1":
                content = str(from_parquet(content).to_pylist()).encode()
            name = str(path.relative_to(root))
            left += [(name, found) for found in set(pattern.findall(name.encode() + b"\n" + content))]
    return left


@pytest.fixture
def recomputes():
    """Hold what was written of a database: it recomputes, nothing is left to do, and nobody's name is in it."""

    def hold(place, device):
        workspace = place.workspace
        path = workspace.reports(place.dataset, place.source_name) / f"{device}.json"
        assert verify.run(path, workspace=workspace.root).passed
        of = (place.dataset, place.source_name)
        row = next(row for row in status.run(workspace).rows if (row.dataset, row.source) == of)
        assert row.verdict == "demonstration_only"
        assert not row.next

        assert identity_left(place) == [], "in an object, table, evidence, MLflow run, report or file name"

        altered = json.loads(path.read_bytes())
        altered["figures"][0]["estimate"]["value"] = 0.999
        forged = path.with_name("forged.json")
        forged.write_text(json.dumps(altered), "utf-8")
        assert not recomputed(forged).passed

    return hold


@pytest.fixture
def every_file_counted():
    """Hold that no offered file of an ingest is without a fate."""

    def hold(taken):
        fates = ("files_in_samples", "files_in_refused_samples", "files_unassigned")
        assert taken.counts["files_offered"] == sum(taken.counts[name] for name in fates)

    return hold
