"""A folder of mixed files, de-identified file by file in the form that each has; every output is read again.

1. Every file is recognised by its content and asked whose it is.
2. Tokens of all files are joined, so that one person's image, ECG and laboratory panel meet under one subject.
3. Each sample (a series, a record, a file) is cleaned, and proved by a reader of its own. What is not proved is
   withheld with a finding; no file costs its neighbours.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from medassay.core.canonical import digest_bytes
from medassay.core.findings import Finding, Reason, Severity
from medassay.datasets import residue
from medassay.datasets.deidentify import (
    conformance,
    edf,
    exported,
    facts,
    free_text,
    hl7,
    pictures,
    plain_text,
    series,
    tables,
    volumes,
    wfdb,
)
from medassay.datasets.deidentify.facts import Facts
from medassay.datasets.deidentify.outgoing import Actions, CannotClean, HeldBack, Outgoing
from medassay.datasets.deidentify.profile import Profile
from medassay.datasets.identity import date_shift_days, joined_persons, pseudonym
from medassay.datasets.sample import Names, OfferedFile
from medassay.datasets.take import attempt
from medassay.datasets.walk import Walk, walk
from medassay.formats import recognise
from medassay.formats.ivd import table as ivd_table

LARGEST = 2 << 30
TABLE, TEXT, UNKNOWN = "table", "text", "unknown"
DICOM, WFDB, EDF, HL7 = "DICOM", "WFDB", "EDF", "HL7 v2"
PICTURE, NIFTI = "picture", "NIfTI"
BY_NAME = (  # forms that are known and have no cleaner: place and bytes of their mark
    (0, b"%PDF", "a PDF document"),
    (4, b"ftyp", "a video"),
    (8, b"AVI ", "a video"),
    (0, b"\x1aE\xdf\xa3", "a video"),
    (0, b"\x00\x00\x01\xba", "a video"),
    (0, b"GIF8", "a GIF picture"),
    (8, b"WEBP", "a WebP picture"),
    (344, b"ni1\x00", "half of a NIfTI-1 volume in two files"),
    (4, b"n+2\x00", "a NIfTI-2 volume"),
)
HEAD = 8192  # a root element may stand behind long comments
FRAMES = (
    b"H|",
    b"\x02",
    b"\x05",
    b"\x0bH|",
)  # records of analysers: those in no form of ASTM's are no text either
Write = Callable[[str, bytes], None]


@dataclass
class Item:
    """One file on its way."""

    file: OfferedFile
    form: str = UNKNOWN
    key: str = ""  # what it is grouped by
    people: list[Facts] = field(default_factory=list)  # of a table: a row each
    outcome: str = "refused"  # or written, left_out
    finding: Finding | None = None


@dataclass(frozen=True)
class Result:
    """What became of a folder. No path, name or date of the source stands in it."""

    outputs: tuple[dict[str, object], ...]  # path, form, digest, bytes, digests of pixels or samples
    files: tuple[dict[str, object], ...]  # file id, form, outcome, reason
    rows: tuple[dict[str, object], ...]  # conformance report
    counts: dict[str, int]
    findings: tuple[Finding, ...]


def deidentify(source: Path, key: bytes, profile: Profile, write: Write) -> Result:
    """De-identify every file below `source` that has a form with a cleaner, the members of archives too.

    Parameters
    ----------
    key : bytes
        Of the pseudonyms: the same key gives the same subjects, shifts and UIDs.
    write : callable
        Takes path (below the output folder) and bytes of a file that was proved.

    Raises
    ------
    NothingReadable
        When the folder is missing or holds no file.
    """
    with TemporaryDirectory(prefix="medassay-") as unpacked:  # closed to other users
        return _deidentified(walk(source, Path(unpacked)), key, profile, write)


def _deidentified(walked: Walk, key: bytes, profile: Profile, write: Write) -> Result:
    items = [_offered(file) for file in walked.readable]
    barred = [Item(one.file, finding=one.finding) for one in walked.barred]
    _group(items)
    work = _Work(key, profile, write, {item.file.relative: item for item in items})
    work.name_persons(items)
    groups: defaultdict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in items:
        if item.finding is None:
            groups[item.form, item.key].append(item)
    # Not in the order of the source's UIDs: when a file was written would tell it.
    for (form, group_key), members in sorted(
        groups.items(), key=lambda group: pseudonym(key, "R", group[0][1])
    ):
        _, stopped = attempt(lambda f=form, k=group_key, m=members: work.take(f, k, m))  # type: ignore[misc]  # mypy does not infer a lambda with defaults
        for item in members if stopped else ():
            if item.outcome == "refused" and item.finding is None:
                item.finding = stopped
    return work.result([*items, *barred], walked.closed_folders)


def _offered(file: OfferedFile) -> Item:
    item = Item(file)
    _, stopped = attempt(lambda: _recognise(item))
    if stopped is not None:
        item.finding = stopped
    return item


def _recognise(item: Item) -> None:
    """Form, group and persons of one file, by its content."""
    if not item.file.size:
        item.finding = _refused(Reason.EMPTY_FILE, "0 bytes", "content")
        return
    if item.file.size > LARGEST:
        item.finding = _refused(Reason.UNSUPPORTED_FORM, f"{item.file.size} bytes", "at most 2 GiB")
        return
    with item.file.path.open("rb") as stream:
        head = stream.read(HEAD)
    if series.recognises(head):
        item.form = DICOM
        opened = series.header(item.file.path)
        item.key, item.finding = series.group_of(opened)
        item.people = [series.facts_of(opened)] if item.finding is None else []
        if item.finding is not None and item.finding.severity is Severity.NOTE:
            item.outcome = "left_out"
        return
    content = item.file.path.read_bytes()
    item.key = item.file.relative
    if edf.recognises(head):
        item.form, item.people = EDF, [edf.facts_of(content)]
    elif hl7.recognises(head):
        item.form, item.people = HL7, hl7.facts_of(content)
    elif form := exported.form_of(head):
        item.form, item.people = form, exported.FORMS[form].facts_of(content)
    elif pictures.recognises(head):
        item.form, item.people = PICTURE, [Facts()]
    elif volumes.recognises(head):
        item.form, item.people = NIFTI, [Facts()]
    elif named := [name for at, mark, name in BY_NAME if head[at : at + len(mark)] == mark]:
        item.finding = _refused(Reason.UNSUPPORTED_FORM, named[0], "a form that is known and has a cleaner")
    elif wfdb.recognises(content):
        item.form, item.people = WFDB, [wfdb.facts_of(content)]
    else:
        _recognise_text(item, head, content)


def _recognise_text(item: Item, head: bytes, content: bytes) -> None:
    """A workbook, a delimited table, or running text."""
    workbook = head.startswith((ivd_table.ZIP, ivd_table.OLE2))
    if not workbook and not plain_text.recognises(content):
        return  # a companion of a record, perhaps: `_group` looks
    try:
        item.people = tables.facts_of(tables.read(content))
        item.form = TABLE
    except CannotClean as error:
        item.finding = error.finding
        if not workbook and item.file.path.suffix.lower() not in (".csv", ".tsv"):
            if not content.startswith(FRAMES):
                item.form, item.people = TEXT, [plain_text.facts_of(content)]
            item.finding = None


def _group(items: Sequence[Item]) -> None:
    """Signal and annotation files join the record whose header names them or whose name they bear."""
    by_path = {item.file.relative: item for item in items}
    for item in [item for item in items if item.form == WFDB]:  # headers: what joins one becomes no other
        path = PurePosixPath(item.file.relative)
        found, item.finding = attempt(lambda one=item: wfdb.parts_of(one.file.path.read_bytes()))  # type: ignore[misc]  # mypy does not infer a lambda with defaults
        signals = found[0] if found else []
        owned = {(path.parent / PurePosixPath(name).name).as_posix() for name in signals}
        owned |= {
            other
            for other, one in by_path.items()
            if one.form == UNKNOWN
            and PurePosixPath(other).parent == path.parent
            and PurePosixPath(other).name.rpartition(".")[0] == path.stem
        }
        for other in owned:
            if other in by_path and by_path[other] is not item:
                by_path[other].form, by_path[other].key = WFDB, item.file.relative
                by_path[other].finding, by_path[other].people = None, []
    for item in items:
        if item.form == UNKNOWN and item.finding is None:
            item.finding = _without_cleaner(item)


def _without_cleaner(item: Item) -> Finding:
    """Why a file does not leave, by the name of its form where one of the readers knows it."""
    examined, _ = attempt(lambda: recognise.examine_file(item.file.path))
    if examined is None or examined.kind == recognise.UNKNOWN:
        return _refused(Reason.UNKNOWN_FORMAT, "a form that is not known", "a form that is known")
    return _refused(
        Reason.UNSUPPORTED_FORM, f"{examined.kind}, a form without a cleaner", "a form that has a cleaner"
    )


@dataclass
class _Work:
    """Persons, and what has been done so far."""

    key: bytes
    profile: Profile
    write: Write
    items: Mapping[str, Item]
    persons: dict[int, str | None] = field(default_factory=dict)  # facts by identity to their person
    known: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # person to spellings
    outputs: list[dict[str, object]] = field(default_factory=list)
    actions: defaultdict[str, Actions] = field(default_factory=lambda: defaultdict(Counter))
    standing: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    subjects: set[str] = field(default_factory=set)
    samples: set[str] = field(default_factory=set)
    written: int = 0

    def name_persons(self, items: Sequence[Item]) -> None:
        """Join the tokens of all files; every person's spellings are looked for in all of its files."""
        people = [one for item in items if item.finding is None for one in item.people]
        sites = len({one.site.casefold() for one in people if one.site}) > 1
        joined = joined_persons([one.tokens(many_sites=sites) for one in people])
        for one, person in zip(people, joined, strict=True):
            self.persons[id(one)] = person
            if person is not None:
                self.known[person].update(one.known)

    def names(self, person: str | None, sample: str) -> Names:
        subject = pseudonym(self.key, "S", person if person is not None else f"\x00{sample}")
        return Names(sample, subject, date_shift_days(self.key, subject), self.key)

    def take(self, form: str, group_key: str, members: Sequence[Item]) -> None:
        """One sample from its files to its proved output."""
        sample = pseudonym(self.key, "R", group_key)
        people = [one for item in members for one in item.people]
        persons = {self.persons[id(one)] for one in people} - {None}
        if len(persons) > 1 and form == DICOM:
            for item in members:
                item.finding = _refused(
                    Reason.IDENTITY_LEFT, "a series under more than one person", "one person a series"
                )
            return
        person = next((self.persons[id(one)] for one in people if self.persons[id(one)] is not None), None)
        names = self.names(person, sample)
        known = sorted(
            {word for one in people for word in one.known} | self._known_of(people) | _in_paths(members)
        )
        try:
            if form == DICOM:
                self._take_series(members, names, people)
                return
            outgoing = self._cleaned(form, members, names, people, known)
        except HeldBack as held:
            for item in members:
                item.outcome, item.finding = "left_out", held.finding
            self.actions[form] += held.actions
            return
        except CannotClean as error:
            for item in members:
                item.finding = error.finding
            return
        problems = self._proved(form, outgoing, known)
        if problems:
            for item in members:
                item.finding = problems[0]
            return
        for item in members:
            item.outcome = "written"
        self._put(form, outgoing, names)

    def _known_of(self, people: Sequence[Facts]) -> set[str]:
        persons = {self.persons[id(one)] for one in people} - {None}
        return {word for person in persons if person is not None for word in self.known[person]}

    def _take_series(self, members: Sequence[Item], names: Names, people: Sequence[Facts]) -> None:
        words = tuple(
            sorted(
                {word for one in (*people, Facts(names=tuple(self._known_of(people)))) for word in one.words}
            )
        )
        taken = series.clean([item.file.path for item in members], names, words, self.profile)
        for item, one in zip(members, taken, strict=True):
            if isinstance(one, Finding):
                item.finding = one
                continue
            problems, standing = series.prove(one, self.profile, words)
            if problems:
                item.finding = problems[0]
                continue
            item.outcome = "written"
            self.standing += standing
            self._put(DICOM, one, names)

    def _cleaned(
        self, form: str, members: Sequence[Item], names: Names, people: Sequence[Facts], known: Sequence[str]
    ) -> Outgoing:
        main = members[0] if form != WFDB else next(item for item in members if item.people)
        content = main.file.path.read_bytes()
        each = [self.names(self.persons[id(one)], names.sample) for one in people]
        if form in exported.FORMS:
            return exported.FORMS[form].clean(content, each, known, self.profile)
        match form:
            case "EDF":
                return edf.clean(content, names, known, self.profile)
            case "HL7 v2":
                return hl7.clean(content, each, known, self.profile)
            case "table":
                return tables.clean(tables.read(content), each, _not_numbers(known), self.profile)
            case "picture":
                return pictures.clean(content, self.profile)
            case "NIfTI":
                return volumes.clean(content)
            case "text":
                return plain_text.clean(content, names, known, self.profile)
        beside = {
            PurePosixPath(i.file.relative).name: i.file.path.read_bytes() for i in members if i is not main
        }
        return wfdb.clean(content, beside, names, known, self.profile, self._records(main))

    def _records(self, main: Item) -> dict[str, str]:
        """Records of the same folder to their samples."""
        folder = PurePosixPath(main.file.relative).parent
        return {
            PurePosixPath(path).stem: pseudonym(self.key, "R", path)
            for path, item in self.items.items()
            if item.form == WFDB and item.people and PurePosixPath(path).parent == folder
        }

    def _proved(self, form: str, outgoing: Outgoing, known: Sequence[str]) -> list[Finding]:
        """What the reader of this form and the search for known names find in the output."""
        files = dict(outgoing.files)
        content = outgoing.files[0][1]
        if form in exported.FORMS:
            return self._exported_proved(exported.FORMS[form], form, outgoing, known)
        match form:
            case "EDF":
                found = edf.prove(content, outgoing.bulk["samples"], known, self.profile)
            case "HL7 v2":
                found = hl7.prove(content, known, self.profile)
            case "table":
                found = [
                    one
                    for part in files.values()
                    for one in tables.prove(part, _not_numbers(known), self.profile)
                ]
            case "text":
                found = plain_text.prove(content, known, self.profile)
            case "picture":
                found = pictures.prove(content, next(iter(outgoing.bulk.values())))
            case "NIfTI":
                found = volumes.prove(content, next(iter(outgoing.bulk.values())))
            case _:
                found = wfdb.prove(files, outgoing.bulk, known)
        texts = [part for name, part in files.items() if name not in outgoing.bulk and form != EDF]
        texts += [content[: 256 * (1 + int(content[252:256]))]] if form == EDF else []
        # In a table of figures any number stands by chance: its columns of ids are held to pseudonyms instead.
        names = _not_numbers(known) if form == TABLE else known
        if any(residue.names_in(text, names) for text in texts):
            found.append(residue.identity_left("a name or number of the person", form))
        return found

    def _exported_proved(
        self, kind: exported.Exported, form: str, outgoing: Outgoing, known: Sequence[str]
    ) -> list[Finding]:
        content = outgoing.files[0][1]
        found = kind.prove(content, outgoing.bulk, known, self.profile)
        if not found and residue.names_in(kind.searched(content), known):
            found.append(residue.identity_left("a name or number of the person", form))
        return found

    def _put(self, form: str, outgoing: Outgoing, names: Names) -> None:
        several = form in exported.FORMS and exported.FORMS[form].many
        whole = form not in (HL7, TABLE) and not several  # those may tell of many people
        for name, content in outgoing.files:
            folder = f"{names.subject}/{names.sample}" if whole else names.sample
            self.write(f"{folder}/{name}", content)
            self.outputs.append(
                {
                    "path": f"{folder}/{name}",
                    "form": form,
                    "digest": digest_bytes(content),
                    "bytes": len(content),
                    "unchanged": {
                        n: d for n, d in outgoing.bulk.items() if n in (name, "samples") or form == DICOM
                    },
                }
            )
        self.actions[form] += outgoing.actions
        self.findings += outgoing.findings
        self.samples.add(names.sample)
        if whole:
            self.subjects.add(names.subject)

    def result(self, items: Sequence[Item], closed: Sequence[Finding]) -> Result:
        rows = conformance.rows(self.actions, self.standing)
        found = Counter([*self.findings, *closed, *(item.finding for item in items if item.finding)])
        found.update(conformance.contradictions(rows))
        outcomes = Counter(item.outcome for item in items)
        counts = {
            "files_offered": len(items),
            "files_written": outcomes["written"],
            "files_left_out": outcomes["left_out"],
            "files_refused": outcomes["refused"],
            "outputs": len(self.outputs),
            "outputs_read_again": len(self.outputs),
            "samples": len(self.samples),
            "subjects": len(self.subjects),
        }
        reasons = Counter(item.finding.reason.value for item in items if item.finding)
        counts |= {f"files_not_written:{reason}": n for reason, n in sorted(reasons.items())}
        told = [
            one.model_copy(update={"found": f"{one.found} ({n} times)"}) if n > 1 else one
            for one, n in found.items()
        ]
        return Result(
            tuple(sorted(self.outputs, key=lambda row: str(row["path"]))),
            tuple(sorted((self._row(item) for item in items), key=lambda row: str(row["file_id"]))),
            tuple(rows),
            counts,
            tuple(sorted(told, key=lambda one: one.model_dump_json())),
        )

    def _row(self, item: Item) -> dict[str, object]:
        reason = item.finding.reason.value if item.finding else None
        file_id = pseudonym(self.key, "F", item.file.relative)
        return {"file_id": file_id, "form": item.form, "outcome": item.outcome, "reason": reason}


def _not_numbers(known: Sequence[str]) -> list[str]:
    return [word for word in known if not word.isdigit()]


def _in_paths(members: Sequence[Item]) -> set[str]:
    """Names and numbers that folder and file names give: a file may be called by its patient."""
    found = set()
    for item in members:
        for part in PurePosixPath(item.file.relative).parts:
            plain = re.sub(r"[_.-]+", " ", free_text.folded(part))
            found |= {plain[mark.start : mark.end] for mark in free_text.find(plain) if mark.kind != "date"}
    return {word for word in found if len(word) >= 2 and facts.folded_id(word)}


def _refused(reason: Reason, found: str, wanted: str) -> Finding:
    return Finding(
        reason=reason,
        severity=Severity.REFUSE,
        found=found,
        wanted=wanted,
        remedy="Export the file again in another form, or leave it out.",
    )
