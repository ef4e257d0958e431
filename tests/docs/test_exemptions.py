"""An exemption from lint or types says why."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXEMPTION = re.compile(
    r"#\s*(?:noqa(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?|type:\s*ignore(?:\[[\w, -]+\])?)(?P<reason>.*)$"
)


def test_every_exemption_stands_beside_its_reason():
    bare = [
        f"{path.relative_to(ROOT)}:{number}"
        for room in ("src", "registry", "tests", "benchmarks", "docs")
        for path in sorted((ROOT / room).rglob("*.py"))
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        for found in EXEMPTION.finditer(line)
        if len(found["reason"].strip(" #-:")) < 8
    ]
    assert bare == []
