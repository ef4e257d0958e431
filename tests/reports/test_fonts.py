"""The font inside a page."""

import io

from fontTools.ttLib import TTFont

from medassay.reports import fonts


def test_a_page_carries_the_signs_that_it_shows_and_the_licence_of_its_font():
    font = TTFont(io.BytesIO(fonts.subset("海马体 ≥ 0.9")))
    assert {*"海马体≥", "A", "9"} <= set(map(chr, font.getBestCmap()))
    names = {entry.nameID: str(entry) for entry in font["name"].names}
    assert names[1] == fonts.FAMILY
    assert "SIL Open Font License" in names[13]


def test_a_page_is_the_same_bytes_whatever_the_order_of_its_text():
    assert fonts.subset("海马") == fonts.subset("马海海")


def test_signs_that_the_page_does_not_show_stay_out():
    assert len(fonts.subset("")) < 20_000
    assert ord("海") not in TTFont(io.BytesIO(fonts.subset("马"))).getBestCmap()
