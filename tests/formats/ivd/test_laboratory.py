"""Laboratory summaries: listed results come out, genes and impossible units do not."""

import pytest

from medassay.core.findings import Reason
from medassay.formats.ivd.laboratory import is_summary, read_summary
from medassay.formats.ivd.table import read_table

HEADING = (
    "Patient Number,Gender (Female=1; Male=2),Age (years),Type of Diabetes,HbA1c (mmol/mol),"
    "Uric Acid (mmol/L),APOE genotype,基因检测,Comorbidities,Fasting Plasma Glucose (mg/dl),Creatinine (umol/L)"
)


def summary(*rows, heading=HEADING):
    return read_summary(read_table("\n".join([heading, *rows, ""]).encode()))


ROW = "0012,2,66,T2DM,57.4,337,e3/e4,阳性,hypertension,90.078,41"


def test_listed_results_come_in_their_ucum_unit():
    row = summary(ROW, "0013,1,70,T1DM,/,93,e3/e3,阴性,none,180.156,<20").rows
    found = {value.analyte: (value.value, value.unit, value.comparator) for value in row["0012"].values}
    assert found == {
        "hba1c": (57.4, "mmol/mol", ""),
        "glucose_fasting": (5.0, "mmol/L", ""),
        "creatinine": (41, "umol/L", ""),
    }
    assert (row["0012"].sex, row["0013"].sex) == ("M", "F")
    assert row["0013"].diabetes_type == "T1DM"


def test_a_censored_value_keeps_its_comparator():
    row = summary(ROW, "0013,1,70,T1DM,/,93,e3/e3,阴性,none,180.156,<20").rows["0013"]
    assert [(v.value, v.comparator) for v in row.values if v.analyte == "creatinine"] == [(20, "<")]


def test_uric_acid_in_the_hundreds_of_mmol_per_l_is_refused_as_implausible():
    refused = summary(ROW).refused
    assert [f.found for f in refused if f.reason is Reason.UNIT_IMPLAUSIBLE] == [
        "uric_acid from 337 to 337, said to be mmol/L"
    ]


def test_genetic_columns_are_refused_without_their_values():
    refused = [f for f in summary(ROW).refused if f.reason is Reason.IDENTITY_LEFT]
    assert len(refused) == 2
    assert not any(word in f.model_dump_json() for f in refused for word in ("e3/e4", "阳性"))


def test_a_result_without_a_unit_is_refused():
    found = summary("1,41,57", heading="Patient ID,Creatinine,HbA1c (mmol/mol)")
    assert [f.reason for f in found.refused] == [Reason.UNIT_UNKNOWN]


def test_the_denominator_of_columns_adds_up():
    found = summary(ROW)
    assert sum(found.columns.values()) == len(HEADING.split(","))


@pytest.mark.parametrize("text", ["file,patient,rows\na,1,2\n", "Date,CGM (mmol/L)\n2021-05-04 08:00,5\n"])
def test_other_tables_are_no_summaries(text):
    assert not is_summary(read_table(text.encode()))
