"""The label audit of a frozen lot: the plan, who is drawn by the version, and what reading them again showed."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from medassay.core.errors import WrongUse
from medassay.core.record import Record
from medassay.core.specs import Bilingual
from medassay.datasets.manifest import Manifest
from medassay.quality import wording
from medassay.quality.sampling import Plan, accepts, draw, isolated_lot_plan, most_defectives
from medassay.quality.spec import QualitySpec


class AuditResult(Record):
    """Labels of the frozen lot read again, by an exact plan; or why they were not."""

    plan: Plan | None = None
    source: str = ""
    drawn: tuple[str, ...] = Field(default=(), description="samples to read again, drawn by the version")
    wrong: int | None = Field(default=None, ge=0)
    accepted: bool | None = None
    most_wrong: int | None = Field(default=None, description="in the lot, at 1 - consumer's risk (one-sided)")
    not_performed: Bilingual | None = None


def audit_labels(spec: QualitySpec, manifest: Manifest, audited: Mapping[str, bool] | None) -> AuditResult:
    """Plan and draw the audit of one version, and judge it where it was carried out.

    Parameters
    ----------
    audited : mapping or None
        Drawn sample to whether its label was found wrong; None: nobody has read them again.

    Raises
    ------
    WrongUse
        When the results are not those of the samples drawn, or no plan was declared beforehand.
    """
    rule = spec.label_audit
    if rule is None:
        if audited is not None:
            raise WrongUse(
                found="an audit of labels without a plan",
                wanted="label_audit in the quality spec, fixed before anyone reads",
                remedy="Declare the plan, freeze, and audit the samples that it draws.",
                where="certify",
            )
        return AuditResult(not_performed=wording.NO_PLAN)
    samples = list(manifest.samples())
    try:
        plan = isolated_lot_plan(
            lot_size=len(samples),
            limiting_quality=rule.limiting_quality,
            consumers_risk=rule.consumers_risk,
            acceptance_number=rule.acceptance_number,
        )
    except WrongUse:
        return AuditResult(source=rule.source, not_performed=wording.LOT_TOO_SMALL)
    drawn = draw(plan, samples, seed=manifest.digest)
    if audited is None:
        return AuditResult(plan=plan, source=rule.source, drawn=drawn, not_performed=wording.NOT_READ_AGAIN)
    if audited.keys() != set(drawn):
        raise WrongUse(
            found=f"{len(audited.keys() & set(drawn))} of {len(drawn)} samples drawn,"
            f" and {len(audited.keys() - set(drawn))} others",
            wanted="a result for each sample drawn and for no other",
            remedy="Read every sample drawn again; one that is left out could be the wrong one.",
            where="certify",
        )
    wrong = sum(audited.values())
    return AuditResult(
        plan=plan,
        source=rule.source,
        drawn=drawn,
        wrong=wrong,
        accepted=accepts(plan, wrong),
        most_wrong=most_defectives(plan, wrong),
    )
