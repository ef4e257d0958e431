"""The one font of every paper, from a package: Chinese shows on any machine, and looks the same on each."""

from __future__ import annotations

import io
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
    """The signs of `text`, and ASCII, as a WOFF: small enough to stand inside an HTML file.

    The licence of the font (OFL 1.1) allows it to be embedded; its notice stays in the name table.
    """
    return _subset("".join(sorted({*text, *string.printable})))


@cache
def _subset(signs: str) -> bytes:
    from fontTools.subset import Options, Subsetter  # type: ignore[import-untyped]  # ships no types
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]  # ships no types

    options = Options()
    options.flavor = "woff"
    options.hinting = False
    options.layout_features = ["kern"]
    options.name_IDs = [0, 1, 2, 5, 13, 14]  # copyright, family, style, version, licence
    options.drop_tables += ["BASE", "GPOS", "GSUB", "VORG", "vhea", "vmtx"]
    font = TTFont(folder() / FILE, fontNumber=FACE_SC, lazy=True, recalcTimestamp=False, recalcBBoxes=False)
    subsetter = Subsetter(options)
    subsetter.populate(text=signs)
    subsetter.subset(font)
    font.flavor = options.flavor
    sink = io.BytesIO()
    font.save(sink)
    return sink.getvalue()
