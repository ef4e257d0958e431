"""The published schemas are those of the models as they stand."""

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_each_published_schema_is_what_make_docs_writes():
    made = runpy.run_path(str(DOCS / "generate_schemas.py"))["schemas"]()
    kept = {
        path.name.removesuffix(".schema.json"): path.read_text("utf-8")
        for path in (DOCS / "schemas").glob("*.json")
    }
    stale = sorted(name for name in made.keys() | kept.keys() if made.get(name) != kept.get(name))
    assert not stale, "run `make docs`"
