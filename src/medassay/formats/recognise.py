"""One door to every file that a hospital hands over: imaging, waveforms, laboratory; content decides, not the name.

Order: files with a mark of their own, room by room; then what has none. An archive is told as one here; whoever
walks a folder looks into it (`archive`).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from medassay.core.findings import Reason, Severity
from medassay.formats import archive
from medassay.formats.examined import Examined
from medassay.formats.imaging import examine as imaging
from medassay.formats.imaging.refusal import said
from medassay.formats.ivd import recognise as ivd
from medassay.formats.waveform import recognise as waveform

UNKNOWN = "unknown"
MATLAB = "Matlab matrix"
HEAD = 8192


def examine_file(path: Path) -> Examined:
    """What one file is and what is wrong with it; nothing that it holds raises.

    Returns
    -------
    Examined
        `facts` always give the file's size in `bytes`; `kind` is `unknown` where no reader knows the content.
    """
    try:
        size = path.stat().st_size
        examined = _examined(path, size)
    except OSError as error:
        return _stopped(f"a file that cannot be read ({type(error).__name__})", Reason.UNKNOWN_FORMAT)
    except Exception as error:  # noqa: BLE001 - a hostile file may make a library raise anything at all
        return _stopped(
            f"content that its reader stopped at with {type(error).__name__}", Reason.HEADER_INVALID
        )
    return replace(examined, facts={"bytes": size, **examined.facts})


def _examined(path: Path, size: int) -> Examined:
    if not size:
        return _stopped("0 bytes", Reason.EMPTY_FILE)
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    if imaging.recognise(head) != imaging.UNKNOWN:
        return imaging.examine_file(path)
    if ivd.kind_of(head) != ivd.UNKNOWN:
        return ivd.examine_file(path)
    if waveform.kind_of(head) != waveform.UNKNOWN:
        return waveform.examine_file(path)
    form = archive.form_of(path)
    if form is not None:
        return archive.examine(path, form)
    table = ivd.examine_unmarked(path)
    if table.kind != ivd.UNKNOWN:
        return table
    unmarked = waveform.examine_file(path)  # annotations of WFDB have no mark: their order tells them
    return table if unmarked.kind == waveform.UNKNOWN and not _names_vendor(unmarked) else unmarked


def _names_vendor(examined: Examined) -> bool:
    """Whether the waveform room has more to say of an unknown file than that it is unknown."""
    return any("the name ends" in finding.found for finding in examined.findings)


def _stopped(found: str, reason: Reason) -> Examined:
    return Examined(
        UNKNOWN, findings=(said(reason, Severity.REFUSE, found, "a file that keeps to its format"),)
    )
