"""A kind of data for tests: `id.toy` holds tokens and a text, `id.label` its label; readers fail on demand."""

import hashlib
from collections import defaultdict
from types import SimpleNamespace

from medassay.core.errors import EnvironmentLacking, WrongUse
from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets.sample import Action, Assembly, Draft, NewObject, Taken, Unassigned, refusal

COLUMNS = {"length": ("1", "bytes of the text"), "clean": ("1", "whether it has no bang")}


def note(reason, severity, found):
    return Finding(reason=reason, severity=severity, found=found, wanted="a toy", remedy="Play.")


def look(item, source):
    """The tokens of a toy, none of a label; a finding, or nothing, of other files."""
    suffix = item.relative.rpartition(".")[2]
    if suffix == "bomb":
        raise ValueError(f"secret {item.relative}")
    if suffix not in ("toy", "label"):
        return None if suffix == "silent" else note(Reason.UNKNOWN_FORMAT, Severity.REFUSE, "no toy")
    text = item.path.read_text("utf-8", "replace") if suffix == "toy" else ""
    return tuple(token for token in text.partition("\n")[0].split(",") if token)


def assemble(files, source, look=look):
    groups, tokens, odd = defaultdict(list), defaultdict(tuple), []
    for item in files:
        stem, _, suffix = item.relative.rpartition(".")
        told = look(item, source)
        if isinstance(told, Finding):
            odd.append(Unassigned(item, told))
        elif told is not None:
            groups[stem].append(("signal" if suffix == "toy" else "reference", item))
            tokens[stem] += told
    drafts = tuple(Draft(stem, tuple(members), tokens[stem]) for stem, members in groups.items())
    return Assembly(drafts, tuple(odd))


def take_in(draft, names, source):
    parts = dict(draft.files)
    if "signal" not in parts:
        raise refusal(Reason.IMAGE_MISSING, found="a label alone", wanted="its toy", remedy="Add it.")
    body = parts["signal"].path.read_bytes().partition(b"\n")[2]
    if not body:
        raise refusal(Reason.EMPTY_FILE, found="0 bytes", wanted="a text", remedy="Write one.")
    if body.startswith(b"raise"):
        raise KeyError(draft.key)
    if body == b"ours":
        error = WrongUse(found="furlongs", wanted="metres", remedy="Convert.", where=draft.key)
        error.reason = Reason.UNIT_UNKNOWN
        raise error
    if body == b"lacking":
        raise EnvironmentLacking(found="no codec", wanted="one", remedy="Install it.")
    findings = ()
    if body.startswith(b"warn"):
        findings = (note(Reason.SIGNAL_NOISY, Severity.WARN, f"noise near {draft.person_tokens}"),)
    if body.startswith(b"drop"):
        findings = (note(Reason.SIGNAL_FLAT, Severity.EXCLUDE, "a flat toy"),)
    objects = [NewObject("signal", f"{names.sample}.toy", body)]
    if body.startswith(b"twin"):
        objects *= 2
    if "reference" in parts:
        objects.append(NewObject("reference", f"{names.sample}.label", parts["reference"].path.read_bytes()))
    return Taken(
        site=chr(65 + len(body) % 3),
        device=None,
        sex="F" if len(body) % 2 else "M",
        age_years=float(len(body)),
        objects=tuple(objects),
        measurements={"length": len(body), "clean": b"!" not in body},
        fingerprint=hashlib.sha256(body).hexdigest(),
        actions=(Action("first line", "removed", 1),),
        findings=findings,
    )


def prove(taken, source):
    if any(b"IDENTITY" in item.content for item in taken.objects):
        return [note(Reason.HEADER_INVALID, Severity.WARN, "an element outside the allow-list")]
    return []


TOY = SimpleNamespace(
    COLUMNS=COLUMNS, LIBRARIES=(), look=look, assemble=assemble, take_in=take_in, prove=prove
)
