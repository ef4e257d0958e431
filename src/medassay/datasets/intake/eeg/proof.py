"""A second look at de-identified EEG objects: every byte of text is on the allow-list, or the sample fails."""

from __future__ import annotations

import re
from collections.abc import Sequence

from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets.sample import Taken, is_label
from medassay.formats.waveform import szcore
from medassay.formats.waveform.edf_proof import strangers

LINE = re.compile(
    rb"\d+\.\d+\t\d+\.\d+\t(bckg|sz(_[A-Za-z0-9]+)*)\tn/a\tn/a"
    rb"\t(n/a|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\t\d+\.\d+"
)


def unproven(taken: Taken, texts: Sequence[str]) -> list[Finding]:
    """One finding for each place of an object that the allow-list does not cover.

    Parameters
    ----------
    texts : sequence of str
        Annotation texts that may stand in a recording.
    """
    findings = []
    for item in taken.objects:
        if is_label(item.role):
            places = [] if _is_table(item.content) else ["event table"]
        else:
            places = list(strangers(item.content, texts))
        findings += [_left(place) for place in places]
    return findings


def _is_table(content: bytes) -> bool:
    head, *lines = content.removesuffix(b"\n").split(b"\n")
    return head == "\t".join(szcore.COLUMNS).encode() and bool(lines) and all(map(LINE.fullmatch, lines))


def _left(place: str) -> Finding:
    return Finding(
        reason=Reason.IDENTITY_LEFT,
        severity=Severity.REFUSE,
        found="text that is not on the allow-list",
        wanted="nothing but what the allow-list names",
        remedy="Report the recorder's form to the maintainers; the sample was left out.",
        where=place,
    )
