"""Tables with a column a quantity are held to what no unit excuses."""

import pytest

from medassay.core.findings import Reason
from medassay.formats.ivd import table, wide_panel
from medassay.formats.recognise import examine_file

HEADER = "Age,WBC (10^9/L),RBC (10^12/L),HGB (g/L),PLT (10^9/L)"
ROWS = ["32,5.1,4.4,140,210", "45,6.2,4.1,130,180", "51,4.8,,128,"]


def panel(*rows, header=HEADER):
    return wide_panel.opened(table.read_table("\n".join([header, *ROWS, *rows, ""]).encode()))


def told(opened):
    return [(finding.reason, finding.found.split(" ")[0]) for finding in wide_panel.examine(opened)]


def test_numbers_and_missing_cells_are_counted():
    facts = wide_panel.describe(panel())
    assert facts == {"persons_or_samples": 3, "quantities": 4, "numbers": 10, "missing": 2}
    assert told(panel()) == []


faults = {
    "below zero": (panel("33,5.2,4.1,-10,200"), Reason.VALUE_IMPLAUSIBLE, "1"),
    "age": (panel("65526,5.2,4.1,110,200"), Reason.VALUE_IMPLAUSIBLE, "1"),
    "twice": (panel(ROWS[0]), Reason.DUPLICATE, "1"),
    "marks of thousands": (panel("33,5.2,4.1,1.431.251.157,200"), Reason.VALUE_IMPLAUSIBLE, "1"),
    "no units": (panel(header="Age,WBC,RBC,HGB,PLT"), Reason.UNIT_UNKNOWN, "4"),
    "person": (panel(header=HEADER.replace("Age", "姓名")), Reason.IDENTITY_LEFT, "fields"),
    "mean filled in": (
        panel(*[f"{n},5.25431,4.{n},1{n},2{n}" for n in range(10, 20)]),
        Reason.VALUE_IMPLAUSIBLE,
        "1",
    ),
}


@pytest.mark.parametrize(("opened", "reason", "count"), faults.values(), ids=faults)
def test_what_no_unit_excuses_is_said(opened, reason, count):
    assert (reason, count) in told(opened)


def test_other_tables_are_none():
    assert not wide_panel.is_wide_panel(table.read_table(b"meth,item,y\nA,1,2\nB,1,3\n"))


# Counts as the collectors of the tables made them by hand.
public = {
    "cbc_diagnosis.csv": {
        (Reason.DUPLICATE, "49"),
        (Reason.VALUE_IMPLAUSIBLE, "417"),
        (Reason.VALUE_IMPLAUSIBLE, "6"),
    },
    "ilpd.csv": {(Reason.DUPLICATE, "13")},
    "hcvdat0_615_donors.csv": {(Reason.UNIT_UNKNOWN, "10")},
    "thyroid_garvan.csv": {(Reason.IDENTITY_LEFT, "fields")},
}


@pytest.mark.shared
@pytest.mark.parametrize(("name", "truth"), public.items(), ids=public)
def test_faults_of_public_tables_are_found(shared, name, truth):
    examined = examine_file(shared / "lab-panels" / name)
    assert examined.kind == "laboratory table"
    assert truth <= {(finding.reason, finding.found.split(" ")[0]) for finding in examined.findings}
