"""What leaves, by element and count: kept, changed, removed on the way, and standing in the output as read again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from medassay.core.findings import Finding
from medassay.datasets.deidentify.outgoing import Actions, left

ACTIONS = ("kept", "changed", "removed")


def rows(actions: Mapping[str, Actions], standing: Counter[str]) -> list[dict[str, Any]]:
    """A row a form and element, in order; `standing` is counted for DICOM elements, by "(gggg,eeee)".

    Examples
    --------
    >>> rows({"DICOM": Counter({("(0010,0040) PatientSex", "kept"): 2})}, Counter({"(0010,0040)": 2}))
    [{'form': 'DICOM', 'element': '(0010,0040) PatientSex', 'kept': 2, 'changed': 0, 'removed': 0, 'standing': 2}]
    """
    out = []
    for form, counts in sorted(actions.items()):
        for element in sorted({name for name, _ in counts}):
            row: dict[str, Any] = {"form": form, "element": element}
            row |= {action: counts[element, action] for action in ACTIONS}
            row["standing"] = standing[element[:11]] if form == "DICOM" and ":" not in element else None
            out.append(row)
    return out


def contradictions(found: list[dict[str, Any]]) -> list[Finding]:
    """Elements that were only ever removed, and stand in the output all the same."""
    return [
        left(row["element"], "an element that was removed and stands in the output")
        for row in found
        if row["standing"] and row["removed"] and not row["kept"] and not row["changed"]
    ]


def as_csv(found: list[dict[str, Any]]) -> bytes:
    """The rows as a table for people."""
    names = ["form", "element", *ACTIONS, "standing"]
    lines = [",".join(names)]
    for row in found:
        lines.append(
            ",".join(
                f'"{row[n]}"' if n == "element" else "" if row[n] is None else str(row[n]) for n in names
            )
        )
    return ("\n".join(lines) + "\n").encode("utf-8")
