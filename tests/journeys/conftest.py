import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from medassay.core.workspace import SPEC_FOLDERS, Workspace
from medassay.verbs import init

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
            assert last in node, name
            node[last] = value
        with file.open("w", encoding="utf-8") as stream:
            yaml.dump(tree, stream)

    return change
