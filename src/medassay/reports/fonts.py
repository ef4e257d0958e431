"""The one font of every paper, from a package: Chinese shows on any machine, and looks the same on each."""

from __future__ import annotations

import string
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from medassay.core.errors import EnvironmentLacking

FAMILY = "Noto Sans CJK SC"
MONO_FAMILY = "Noto Sans Mono CJK SC"
FILE = "NotoSansCJK-Regular.ttc"
FACE_SC = 2  # of the collection: JP, KR, SC, TC, HK, then the same in fixed width
NAMES_KEPT = (13, 14)  # the licence and where it stands, beside copyright and family
# of vertical text, and of other forms of a sign
TABLES_DROPPED = ("BASE", "GPOS", "GSUB", "VORG", "vhea", "vmtx")


def folder() -> Path:
    """Where the font file lies.

    Raises
    ------
    EnvironmentLacking
        When the package is not installed.
    """
    found = find_spec("noto_cjk_sans_otc")
    if found is None or found.origin is None:
        raise EnvironmentLacking(
            found="no font for Chinese",
            wanted="the package noto-cjk-sans-otc",
            remedy="Install medassay with its dependencies.",
        )
    return Path(found.origin).parent


def sans_of_matplotlib() -> Any:
    """The package's file itself, so that another version on the system changes no plot."""
    from matplotlib.font_manager import FontPath, FontProperties

    return FontProperties(fname=FontPath(str(folder() / FILE), FACE_SC))


def subset(text: str) -> bytes:
    """The signs of `text`, and ASCII, as an OpenType font: small enough to stand inside an HTML file.

    The licence of the font (OFL 1.1) allows it to be embedded; its notice stays in the name table.
    """
    return _subset("".join(sorted({*text, *string.printable})))


@cache
def _subset(signs: str) -> bytes:
    import uharfbuzz as hb  # type: ignore[import-untyped]  # ships no types

    wanted = hb.SubsetInput()
    wanted.unicode_set.update(map(ord, signs))
    wanted.flags = hb.SubsetFlags.NO_HINTING
    wanted.name_id_set.update(NAMES_KEPT)
    wanted.drop_table_tag_set.update(int.from_bytes(name.encode(), "big") for name in TABLES_DROPPED)
    face = hb.Face(hb.Blob.from_file_path(str(folder() / FILE)), FACE_SC)
    return bytes(hb.subset(face, wanted).blob.data)
