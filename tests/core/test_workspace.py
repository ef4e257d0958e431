import pytest

from medassay.core.errors import WrongUse
from medassay.core.workspace import SPEC_FOLDERS, Workspace


def test_a_workspace_is_found_from_a_folder_inside_it(tmp_path):
    for name in SPEC_FOLDERS:
        (tmp_path / name / "deep").mkdir(parents=True)
    assert Workspace.find(tmp_path / "quality" / "deep").root == tmp_path


def test_keys_lie_outside_store_and_tree(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MEDASSAY_KEYS", raising=False)
    monkeypatch.delenv("MEDASSAY_STORE", raising=False)
    workspace = Workspace(tmp_path / "w")
    assert not workspace.keys.is_relative_to(workspace.root)
    assert not workspace.keys.is_relative_to(workspace.store)


def test_no_workspace_says_how_to_make_one(tmp_path):
    with pytest.raises(WrongUse, match="medassay init"):
        Workspace.find(tmp_path)
