"""Make `ps3_15.csv` and `sop_classes.csv` anew from what the standard says, so that both can be checked.

    python -m medassay.datasets.deidentify.standard_table FOLDER

An element enters the table when an IOD of a family that is read holds it (PS3.3, by the tables that highdicom
ships) and either Table E.1-1 of PS3.15 does not name it, or an option of the profile lets it stand, changed or
not. What is then done with it follows from its value representation; `chosen.csv` decides single elements.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from medassay.core.atomic import write_atomic
from medassay.datasets.deidentify.chinese_names import is_pinyin

MODULE = "medassay.datasets.deidentify.standard_table"
EDITION = "DICOM PS3.15 2024e, Table E.1-1"
HEAD = (
    "# Elements that may stand in a de-identified object, by family of IODs; anything else is removed.\n"
    f"# Made by {MODULE} from {EDITION}, the IODs of PS3.3 and chosen.csv.\n"
    "# `profile`: action of the Basic Profile there ('-': it lists no such element); `option`: of the profile,\n"
    "# under which the element stands nevertheless.\n"
)

# Family to the beginnings or parts of the names of its IODs.
FAMILIES = {
    "CT": ("ct-image", "enhanced-ct-image", "legacy-converted-enhanced-ct-image"),
    "MR": (
        "mr-image",
        "enhanced-mr-image",
        "enhanced-mr-color-image",
        "mr-spectroscopy",
        "legacy-converted-enhanced-mr-image",
    ),
    "XR": (
        "computed-radiography-image",
        "digital-x-ray-image",
        "digital-mammography-x-ray-image",
        "digital-intra-oral-x-ray-image",
        "x-ray-angiographic-image",
        "x-ray-radiofluoroscopic-image",
        "enhanced-xa-image",
        "enhanced-xrf-image",
        "x-ray-3d-angiographic-image",
        "x-ray-3d-craniofacial-image",
        "breast-tomosynthesis-image",
        "breast-projection-x-ray-image",
    ),
    "US": (
        "ultrasound-image",
        "ultrasound-multi-frame-image",
        "enhanced-us-volume",
        "intravascular-optical-coherence-tomography-image",
        "photoacoustic-image",
    ),
    "NM": ("nuclear-medicine-image",),
    "PT": (
        "positron-emission-tomography-image",
        "enhanced-pet-image",
        "legacy-converted-enhanced-pet-image",
    ),
    "SC": (
        "secondary-capture-image",
        "multi-frame-single-bit-secondary-capture-image",
        "multi-frame-grayscale-byte-secondary-capture-image",
        "multi-frame-grayscale-word-secondary-capture-image",
        "multi-frame-true-color-secondary-capture-image",
    ),
    "VL": (
        "vl-endoscopic-image",
        "vl-microscopic-image",
        "vl-slide-coordinates-microscopic-image",
        "vl-photographic-image",
        "video-endoscopic-image",
        "video-microscopic-image",
        "video-photographic-image",
        "vl-whole-slide-microscopy-image",
        "dermoscopic-photography-image",
        "confocal-microscopy-image",
        "confocal-microscopy-tiled-pyramidal-image",
    ),
    "OP": (
        "ophthalmic-photography-8-bit-image",
        "ophthalmic-photography-16-bit-image",
        "ophthalmic-tomography-image",
        "ophthalmic-thickness-map",
        "wide-field-ophthalmic-photography-stereographic-projection-image",
        "wide-field-ophthalmic-photography-3d-coordinates-image",
        "ophthalmic-optical-coherence-tomography-en-face-image",
    ),
    "SEG": ("segmentation", "parametric-map", "height-map-segmentation"),
    "SR": (
        "basic-text-sr",
        "enhanced-sr",
        "comprehensive-sr",
        "comprehensive-3d-sr",
        "key-object-selection-document",
        "mammography-cad-sr",
        "chest-cad-sr",
        "colon-cad-sr",
        "x-ray-radiation-dose-sr",
        "radiopharmaceutical-radiation-dose-sr",
    ),
    "RT": ("rt-dose", "rt-structure-set", "rt-plan", "rt-image"),
    "ECG": (
        "12-lead-ecg",
        "general-ecg",
        "ambulatory-ecg",
        "general-32-bit-ecg",
        "hemodynamic-waveform",
        "basic-cardiac-electrophysiology-waveform",
        "arterial-pulse-waveform",
        "respiratory-waveform",
        "multi-channel-respiratory-waveform",
        "routine-scalp-electroencephalogram",
        "sleep-electroencephalogram",
        "electromyogram",
        "electrooculogram",
        "body-position-waveform",
    ),
    "REG": ("spatial-registration", "deformable-spatial-registration", "real-world-value-mapping"),
}
RETIRED = {
    "1.2.840.10008.5.1.4.1.1.3": "US",
    "1.2.840.10008.5.1.4.1.1.6": "US",
    "1.2.840.10008.5.1.4.1.1.5": "NM",
}  # storage classes of old archives, read by the rules of what followed them
NUMERIC = {"DS", "IS", "US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "US or SS"}
BULK = {
    "PixelData",
    "FloatPixelData",
    "DoubleFloatPixelData",
    "WaveformData",
    "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData",
    "LUTData",
    "VectorGridData",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
}  # numbers by their meaning, of any bytes
RANGE = "-1e7..1e7"
MINIMUM = 4  # letters of a word that is taken over unseen


def standard_profile() -> dict[str, tuple[str, dict[str, str]]]:
    """Table E.1-1: tag to the Basic Profile's action and the actions of the options."""
    return {
        row["tag"]: (row["profile"], dict(part.split(":") for part in row["options"].split("|") if part))
        for row in csv.DictReader(_lines("table_e1_1.csv"))
    }


def table() -> str:
    """The text of `ps3_15.csv`."""
    from pydicom.datadict import dictionary_VM, dictionary_VR, tag_for_keyword

    profile = standard_profile()
    chosen = {row["tag"]: row for row in csv.DictReader(_lines("chosen.csv"))}
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(["tag", "keyword", "vr", "vm", "action", "allowed", "profile", "option", "families"])
    families = _families_of_keywords()
    for keyword, where in sorted(families.items(), key=lambda item: tag_for_keyword(item[0]) or 0):
        number = tag_for_keyword(keyword)
        if number is None:
            continue
        tag, vr = f"{number >> 16:04X},{number & 0xFFFF:04X}", dictionary_VR(number)
        basic, options = profile.get(tag, ("-", {}))
        action, allowed, option = _by_representation(keyword, vr, basic, options)
        if tag in chosen:
            action, allowed = chosen[tag]["action"], chosen[tag]["allowed"]
            option = option if basic != "-" else ""
            where = set(FAMILIES) if number >> 16 == 0x12 or keyword.startswith("Longitudinal") else where
        if action != "remove":
            shown = "*" if where == set(FAMILIES) else "|".join(sorted(where))
            writer.writerow([tag, keyword, vr, dictionary_VM(number), action, allowed, basic, option, shown])
    return HEAD + sink.getvalue()


def sop_classes() -> str:
    """The text of `sop_classes.csv`: storage class and family."""
    kinds = {kind: family for family, kinds in FAMILIES.items() for kind in kinds}
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(["sop_class", "family"])
    for uid, kind in sorted(_highdicom("sop_class_iod_map").items()):
        if kind in kinds:
            writer.writerow([uid, kinds[kind]])
    writer.writerows(sorted(RETIRED.items()))
    return f"# Storage classes that are read, by family; made by {MODULE}.\n" + sink.getvalue()


def words() -> str:
    """The text of `words.csv`: words of element names and of coded concepts that no person is called by.

    Syllables of Chinese names and short words are left out: "LI" or "PAN" in a description is a person as
    likely as not.
    """
    from pydicom._dicom_dict import DicomDictionary
    from pydicom.sr._concepts_dict import concepts

    named_like = {row["name"] for row in csv.DictReader(_lines("western_names.csv"))}
    named = [name for _, _, name, _, _ in DicomDictionary.values()]
    coded = [keyword for scheme in concepts.values() for keyword in scheme]
    split = [word for text in (*named, *coded) for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", text)]
    found = {word.lower() for word in split if len(word) >= MINIMUM}
    kept = sorted(word for word in found if word not in named_like and not is_pinyin(word))
    return f"# Words of PS3.6 and of coded concepts, made by {MODULE}.\nword\n" + "\n".join(kept) + "\n"


def _by_representation(keyword: str, vr: str, basic: str, options: Mapping[str, str]) -> tuple[str, str, str]:
    """Action, allowed values, and the option that lets the element stand."""
    if vr == "UI":
        return ("uid", "", "") if basic == "U" else ("class", "", "") if basic == "-" else ("remove", "", "")
    if vr in ("DA", "TM", "DT"):
        action = {"DA": "date", "TM": "time", "DT": "datetime"}[vr]
        if basic == "-" or "modified dates" in options:
            return action, "", "modified dates"
        return ("empty", "", "") if basic == "Z" else ("remove", "", "")
    if basic != "-" and "characteristics" in options:
        return (*_plain(keyword, vr)[:2], "characteristics")
    if basic != "-" and vr in ("SH", "LO", "UC") and "descriptors" in options:
        return "descriptor", "", "descriptors"
    if basic != "-" and vr == "SQ" and "structured content" in options:
        return "sequence", "", "structured content"
    if basic != "-":
        return ("empty", "", "") if basic.startswith("Z") and vr not in ("SQ", "OB") else ("remove", "", "")
    return _plain(keyword, vr)


def _plain(keyword: str, vr: str) -> tuple[str, str, str]:
    """What is done with an element that Table E.1-1 does not name."""
    if vr in NUMERIC:
        return "keep", RANGE, ""
    if keyword in BULK:
        return "pixels", "", ""
    action = {
        "SQ": "sequence",
        "CS": "term",
        "AT": "pointer",
        "AS": "age",
        "SH": "descriptor",
        "LO": "descriptor",
    }
    return action.get(vr, "remove"), "", "descriptors" if vr in ("SH", "LO") else ""


def _families_of_keywords() -> dict[str, set[str]]:
    modules, attributes = _highdicom("iod_module_map"), _highdicom("module_attribute_map")
    found: dict[str, set[str]] = {}
    for family, kinds in FAMILIES.items():
        for kind in kinds:
            for module in modules[kind]:
                for attribute in attributes.get(module["key"], ()):
                    found.setdefault(attribute["keyword"], set()).add(family)
    return found


def _highdicom(name: str) -> Any:
    return json.loads(files("highdicom").joinpath(f"_standard/{name}.json").read_text("utf-8"))


def _lines(name: str) -> list[str]:
    text = files(__package__).joinpath(name).read_text("utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    write_atomic(folder / "ps3_15.csv", table().encode())
    write_atomic(folder / "sop_classes.csv", sop_classes().encode())
    write_atomic(folder / "words.csv", words().encode())
