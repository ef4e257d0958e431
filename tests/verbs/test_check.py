"""`check` ends with a row a file, whatever the files are called and whatever is in them."""

import json
import os

import pytest

from medassay.cli import show
from medassay.verbs import check

NAMES = {
    "血常规.csv".encode("gbk"): "血常规.csv",
    b"\xff\xfe\x80.csv": "\\xff\\xfe\\x80.csv",
    b"[bold].csv": "[bold].csv",
}


@pytest.mark.parametrize("as_json", [True, False])
def test_names_that_are_no_utf_8_do_not_end_the_run(tmp_path, capsys, as_json):
    for name in NAMES:
        path = os.path.join(os.fsencode(tmp_path), name)
        try:
            with open(path, "wb") as stream:
                stream.write(b"a,b\n1,2\n")
        except OSError:
            pytest.skip("this file system takes no such names")
    found = check.run(tmp_path)
    assert {file.file for file in found.files} == set(NAMES.values())
    assert not found.failed
    show.inspection(found, as_json)
    printed = capsys.readouterr().out
    assert "delimited text" in printed
    assert not as_json or len(json.loads(printed)["files"]) == 3


def test_a_refused_file_fails_the_check_and_costs_no_neighbour(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"a,b\n1,2\n")
    (tmp_path / "b.csv").write_bytes(b"")
    found = check.run(tmp_path)
    assert found.failed
    assert [file.refused for file in found.files] == [False, True]
