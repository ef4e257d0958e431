"""Files of a side by the name of their case; what lies beside the labels, such as signals, is no label."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from medassay.core.errors import NothingReadable, WrongUse
from medassay.core.specs import SpecT, load_spec, parameters_of

# Of a WFDB folder only annotations are labels: headers and signals are what they belong to.
WFDB_SIGNALS = frozenset({".hea", ".dat", ".mat", ".xws"})
COMPANIONS: Mapping[str, frozenset[str]] = {"beats": WFDB_SIGNALS}
TWO_PART_ENDINGS = (".nii.gz",)


def declared_in(options: Path | None, model: type[SpecT]) -> SpecT:
    """The task's conventions as a file states them; without one, the defaults.

    Raises
    ------
    WrongUse
        When the file does not fit, or a convention without a default is left unsaid.
    """
    return load_spec(options, model) if options else parameters_of(model, {}, where="options")


def case_of(path: Path) -> str:
    """The name before the ending.

    Examples
    --------
    >>> case_of(Path("a.nii.gz")), case_of(Path("1.2.840.dcm")), case_of(Path("100.atr"))
    ('a', '1.2.840', '100')
    """
    for ending in TWO_PART_ENDINGS:
        if path.name.lower().endswith(ending):
            return path.name[: -len(ending)]
    return path.stem


def label_files(place: Path, task: str) -> dict[str, Path]:
    """Label files by case, in order of name; hidden ones and companions are left out.

    Raises
    ------
    NothingReadable
        When there is none.
    WrongUse
        When a case has two.
    """
    companions = COMPANIONS.get(task, frozenset())
    files = [path for path in _all_files(place) if path.suffix.lower() not in companions]
    if not files:
        raise _nothing(place)
    by_case: dict[str, Path] = {}
    for path in files:
        case = case_of(path)
        if case in by_case:
            raise WrongUse(
                found=f"'{by_case[case].name}' and '{path.name}'",
                wanted="one file a case",
                remedy="Keep labels, predictions and signals in folders of their own.",
                where=str(place),
            )
        by_case[case] = path
    return by_case


def a_file_a_case(place: Path) -> bool:
    """Whether a side is a folder of several files, rather than one table."""
    return place.is_dir() and len(_all_files(place)) > 1


def contents(place: Path) -> dict[str, bytes]:
    """Every file of a side by its name; folders below are not entered.

    Raises
    ------
    NothingReadable
        When there is none.
    """
    files = _all_files(place)
    if not files:
        raise _nothing(place)
    return {path.name: path.read_bytes() for path in files}


def public_files(folder: Path, labels: Mapping[str, Path]) -> dict[str, dict[str, bytes]]:
    """Signals and images that belong to each case: files whose stem, or folder, is the case's name."""
    found: dict[str, dict[str, bytes]] = {case: {} for case in labels}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        case = relative.parts[0] if len(relative.parts) > 1 else path.name.split(".")[0]
        if path.is_file() and case in found:
            found[case][relative.as_posix()] = path.read_bytes()
    return found


def headers_beside(task: str, labels: Mapping[str, Path]) -> dict[str, dict[str, bytes]]:
    """Where no folder of signals is named: the WFDB header that lies beside a case's annotations."""
    if task != "beats":
        return {}
    headers = {case: path.with_suffix(".hea") for case, path in labels.items()}
    return {case: {path.name: path.read_bytes()} for case, path in headers.items() if path.is_file()}


def require_known(labels: Mapping[str, Path], made: Mapping[str, Path], where: Path) -> None:
    """Refuse a prediction for which there is no reference."""
    unknown = sorted(set(made) - set(labels))
    if unknown:
        raise WrongUse(
            found=f"a prediction for '{unknown[0]}'"
            + (f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""),
            wanted="predictions of cases that have a reference",
            remedy="Remove it, or add its reference; files are paired by the name before the ending.",
            where=str(where),
        )


def _all_files(place: Path) -> list[Path]:
    found = [place] if place.is_file() else sorted(place.iterdir()) if place.is_dir() else []
    return [path for path in found if path.is_file() and not path.name.startswith(".")]


def _nothing(place: Path) -> NothingReadable:
    return NothingReadable(
        found="no label file" if place.exists() else "no such file or folder",
        wanted="a file, or a folder of files",
        remedy="Correct the path.",
        where=str(place),
    )
