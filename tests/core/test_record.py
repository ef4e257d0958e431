"""What is kept as JSON is frozen and has no unknown field, whichever room writes it."""

import ast
from pathlib import Path

import pytest
from pydantic import ValidationError

from medassay.core.record import Record

SOURCE = Path(__file__).parents[2] / "src" / "medassay"


class Weighed(Record):
    grams: float


def test_a_record_does_not_change_and_takes_no_unknown_field():
    with pytest.raises(ValidationError, match="frozen"):
        Weighed(grams=1).grams = 2
    with pytest.raises(ValidationError, match="ounces"):
        Weighed(grams=1, ounces=2)


def test_every_model_of_the_package_is_a_record():
    others = [
        f"{path.relative_to(SOURCE)}: {one.name}"
        for path in sorted(SOURCE.rglob("*.py"))
        for one in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(one, ast.ClassDef) and "BaseModel" in {ast.unparse(base) for base in one.bases}
    ]
    assert others == ["core/record.py: Record"]
