"""What a report took from its steps, held against the records that those steps kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from medassay.annotation.agreement import AgreementRecord
from medassay.core.errors import MedassayError
from medassay.datasets.flow import Flow
from medassay.datasets.manifest import Manifest
from medassay.quality.certificate import Certificate
from medassay.reports.checks import Check, Store, same, told
from medassay.reports.given import Agreement, Given, Inspection
from medassay.trust.evidence import Evidence, Outcome

Read = Callable[[str], bytes]  # an output of a step by its role


def checks_of(given: Given, steps: Mapping[str, Evidence], store: Store) -> Iterator[Check]:
    """What the report took from each step is what that step kept."""
    for name, kind, shown, kept in _taken(given):
        if kind in steps:  # else it was said above
            yield _of_part(name, kind, shown, kept, steps[kind], store)
    if "train" in steps and "validate" in steps:
        environment = steps["validate"].environment | steps["train"].environment
        yield same("environment", given.environment, environment)


def _of_part(
    name: str, kind: str, shown: Any, kept: Callable[[Read], Any], evidence: Evidence, store: Store
) -> Check:
    try:
        return same(name, shown, kept(lambda role: store.get(evidence.output(role))))
    except (MedassayError, OSError, ValueError) as error:
        said = "a record of another form" if isinstance(error, ValueError) else told(error)
        return Check(name, Outcome.FAILED, said, f"the record that {kind} kept")


def _taken(given: Given) -> Iterator[tuple[str, str, Any, Callable[[Read], Any]]]:
    """Each part: its name, its step, as the report shows it, and as it follows from the step's records."""
    yield (
        "case flow",
        "freeze",
        plain(given.flow),
        lambda read: plain(Flow.model_validate_json(read("flow"))),
    )
    yield (
        "disjointness",
        "freeze",
        given.disjointness,
        lambda read: Manifest.model_validate_json(read("manifest")).disjointness,
    )
    yield (
        "agreement",
        "annotate",
        plain(given.agreement),
        lambda read: plain(Agreement.of(AgreementRecord.model_validate_json(read("agreement")))),
    )
    attached = given.inspection.attached if given.inspection else ()
    yield (
        "inspection",
        "certify",
        plain(given.inspection),
        lambda read: plain(Inspection.of(Certificate.model_validate_json(read("certificate")), attached)),
    )
    yield (
        "training",
        "train",
        [plain(given.training)["curves"], plain(given.training)["sandbox"]] if given.training else None,
        lambda read: [json.loads(read("curves")), json.loads(read("room"))["means"]],
    )


def plain(part: BaseModel | None) -> Any:
    return part.model_dump(mode="json") if part is not None else None
