"""Forms that a laboratory system or a recorder exports, each with its cleaner and its proof, under one door.

Stricter forms stand first. A form whose file may tell of several people names no subject's folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from medassay.core.findings import Finding
from medassay.datasets.deidentify import aecg, astm, fcs, fhir, scp_ecg
from medassay.datasets.deidentify.facts import Facts
from medassay.datasets.deidentify.outgoing import Outgoing
from medassay.datasets.deidentify.profile import Profile
from medassay.datasets.sample import Names


@dataclass(frozen=True)
class Exported:
    """What one form needs: each function as the modules of the forms have it."""

    recognises: Callable[[bytes], bool]  # by the first bytes
    facts_of: Callable[[bytes], list[Facts]]
    clean: Callable[[bytes, Sequence[Names], Sequence[str], Profile], Outgoing]
    prove: Callable[[bytes, Mapping[str, str], Sequence[str], Profile], list[Finding]]
    searched: Callable[[bytes], bytes]  # the part of an output that is no sample: names are looked for in it
    many: bool = False  # may tell of many people


FORMS: Mapping[str, Exported] = {
    "FHIR": Exported(fhir.recognises, fhir.facts_of, fhir.clean, fhir.prove, fhir.searched, many=True),
    "ASTM E1394": Exported(astm.recognises, astm.facts_of, astm.clean, astm.prove, astm.searched, many=True),
    "HL7 aECG": Exported(aecg.recognises, aecg.facts_of, aecg.clean, aecg.prove, aecg.searched),
    "FCS": Exported(fcs.recognises, fcs.facts_of, fcs.clean, fcs.prove, fcs.searched),
    "SCP-ECG": Exported(scp_ecg.recognises, scp_ecg.facts_of, scp_ecg.clean, scp_ecg.prove, scp_ecg.searched),
}


def form_of(head: bytes) -> str:
    """The name of the form that the first bytes tell; empty where it is none of these.

    Examples
    --------
    >>> form_of(b'{"resourceType": "Bundle"}'), form_of(b"H|\\\\^&|||"), form_of(b"Hello|")
    ('FHIR', 'ASTM E1394', '')
    """
    return next((name for name, form in FORMS.items() if form.recognises(head)), "")
