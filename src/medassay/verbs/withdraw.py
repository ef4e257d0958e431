"""`medassay withdraw`: a subject withdraws; its bytes are erased and the reason is booked.

Old versions stay as they were and still verify: their lines name digests, and beside each erased object a mark
says why its bytes are gone. The next freeze leaves the subject out and says so in its dynamics. What devices and the
scorer made of the subject goes too; what cannot go without becoming something else is named, with what to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args

from medassay.core.errors import WrongUse
from medassay.trust import ledger
from medassay.trust.evidence import Evidence, Outcome
from medassay.verbs.frozen import versions
from medassay.verbs.made_of import Made, made_of, pictured_views, remains, unlink_views
from medassay.verbs.stage import Place

# Named, never free text: a sentence about a person's reasons may identify the person.
Why = Literal["consent_withdrawn", "erasure_requested", "site_withdrew", "collected_in_error"]
REASONS: tuple[str, ...] = get_args(Why)
KIND = "withdraw"


def run(place: Place, subject: str, why: str) -> Evidence:
    """Erase one subject of this source; run again it ends the same, with the first reason kept.

    Raises
    ------
    WrongUse
        When the reason is none of `REASONS`, or the source knows no such subject.
    """
    from medassay.datasets.withdraw import erase

    if why not in REASONS:
        raise WrongUse(
            found=f"reason '{why}'",
            wanted=f"one of {', '.join(REASONS)}",
            remedy="Name one of these; what a person says stays with the hospital.",
        )
    with place.alone():
        ingest = place.evidence("ingest")
        known = {row["subject_id"] for row in place.table(ingest, "catalogue").to_pylist()}
        earlier = withdrawals(place)
        if subject not in known | {row["subject"] for row in earlier}:
            raise WrongUse(
                found="a subject that this source does not know",
                wanted="the pseudonym of a subject of its catalogue",
                remedy=f"Ask: medassay query {place.dataset} {place.source_name} "
                "'SELECT DISTINCT subject_id FROM samples'",
            )
        manifests = [one.manifest for one in versions(place.workspace)]
        made = list(made_of(place.workspace))
        listed = [*_catalogued(place), *((one.subject, one.digest) for one in made)]
        views = pictured_views(place.workspace, subject)
        done = erase(
            place.store, manifests, subject, catalogued=[*listed, *((subject, one) for one in views)]
        )
        unlink_views(place.workspace, set(views))
        others = [row for row in earlier if row["subject"] != subject]
        first = next((row for row in earlier if row["subject"] == subject), None)
        gone = _counted(made, views, set(done.erased), subject)
        row = {
            "subject": subject,
            "why": first["why"] if first else why,
            "erased": len(done.erased),
            "shared": len(done.shared),
            "versions": list(done.versions),
            "made": gone,
        }
        return place.finish(
            KIND,
            inputs={"evidence:ingest": ingest.digest},
            records={"withdrawals": sorted([*others, row], key=lambda one: str(one["subject"]))},
            outcome=Outcome.PASSED,
            counts={
                "objects_erased": len(done.erased),
                "objects_shared_and_kept": len(done.shared),
                "versions_that_list_the_subject": len(done.versions),
                "subjects_withdrawn": len(others) + 1,
                **{f"erased_{what}s": count for what, count in gone.items()},
            },
            findings=remains(place.workspace, subject, manifests),
            parameters={"subject": subject, "why": row["why"]},
        )


def _counted(made: list[Made], views: list[str], erased: set[str], subject: str) -> dict[str, int]:
    """How many objects of each kind later steps had made of the subject, and are gone."""
    own = {(one.what, one.digest) for one in made if one.subject == subject and one.digest in erased}
    return {what: sum(kind == what for kind, _ in own) for what in ("prediction", "excerpt")} | {
        "view": len(set(views) & erased)
    }


def withdrawals(place: Place) -> list[dict[str, Any]]:
    """Every withdrawal from this source so far, sorted by subject."""
    if not place.workspace.pointer(place.dataset, place.source_name, KIND).exists():
        return []
    rows: list[dict[str, Any]] = place.record(place.evidence(KIND), "withdrawals")
    return rows


def withdrawn_subjects(place: Place) -> dict[str, str]:
    """Subject to the reason for which it withdrew."""
    return {row["subject"]: row["why"] for row in withdrawals(place)}


def _catalogued(place: Place) -> Iterator[tuple[str, str]]:
    """Subject and digest of every object that any ingest of this store listed: reads and excluded samples too."""
    for entry in ledger.read(place.workspace.ledger):
        if entry.event.partition(" ")[0] != "ingest":
            continue
        evidence = Evidence.load(place.workspace.evidence(entry.evidence), entry.evidence)
        subjects = {
            row["sample_id"]: row["subject_id"] for row in place.table(evidence, "catalogue").to_pylist()
        }
        for row in place.table(evidence, "objects").to_pylist():
            yield subjects[row["sample_id"]], row["digest"]
