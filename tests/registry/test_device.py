import pytest
from pydantic import ValidationError

from medassay.core.errors import WrongUse
from medassay.registry.device import SampleRow, Status, read_statuses

OK = b'{"sample_id":"a","status":"ok"}\n'


@pytest.mark.parametrize("path", ["/etc/passwd", "../labels/a.atr", "x/../../y"])
def test_no_path_handed_to_a_device_leaves_its_input_folder(path):
    with pytest.raises(ValidationError, match="leaves the input folder"):
        SampleRow(sample_id="a", split="test", files={"signal": (path,)})


silence = {
    "no file": None,
    "empty file": b"",
    "cut off": b'{"sample_id":"b","sta',
    "unknown status": b'{"sample_id":"b","status":"fine"}\n',
    "not UTF-8": b"\xff\xfe\n",
}


@pytest.mark.parametrize("content", silence.values(), ids=silence)
def test_a_sample_that_a_device_says_nothing_of_has_failed(tmp_path, content):
    path = tmp_path / "status.jsonl"
    if content is not None:
        path.write_bytes(content)
    assert read_statuses(path, ["b"])["b"].status is Status.FAILED


def test_what_follows_a_broken_line_is_not_believed(tmp_path):
    (tmp_path / "s").write_bytes(b"{\n" + OK)
    assert read_statuses(tmp_path / "s", ["a"])["a"].status is Status.FAILED


def test_statuses_come_in_the_order_given_and_cover_every_sample(tmp_path):
    (tmp_path / "s").write_bytes(b'{"sample_id":"b","status":"abstained","reason":"noise"}\n' + OK)
    rows = read_statuses(tmp_path / "s", ["a", "b", "c"])
    assert [(s, row.status) for s, row in rows.items()] == [
        ("a", Status.OK),
        ("b", Status.ABSTAINED),
        ("c", Status.FAILED),
    ]


@pytest.mark.parametrize(("content", "says"), [(OK + OK, "twice"), (OK.replace(b'"a"', b'"z"'), "not given")])
def test_a_sample_named_twice_or_never_given_is_refused(tmp_path, content, says):
    (tmp_path / "s").write_bytes(content)
    with pytest.raises(WrongUse, match=says):
        read_statuses(tmp_path / "s", ["a"])
