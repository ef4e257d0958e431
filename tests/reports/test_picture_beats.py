import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from medassay.evaluation.scoring import beats as scoring
from medassay.formats.waveform import wfdb_record as rec
from medassay.formats.waveform.wfdb_annotation import plain_annotations, write_annotations
from medassay.reports.pictures import beats


def excerpt(reference, test):
    length = 360 * 12
    samples = np.zeros((length, 2), np.int64)
    samples[::300] = 200
    lead = rec.Lead("s.dat", "212", "", 200.0, 0, "mV", 12, 0, 0, 0, "")
    header = rec.renamed(rec.Header("s", 1, 360.0, length, (lead, lead)), "s", ("MLII", "V1"), samples)
    public = {"s.hea": rec.write_header(header), "s.dat": rec.encode(samples, "212")}
    times = np.arange(300, length, 300)
    written = [
        write_annotations(plain_annotations(times[: len(marks)], list(marks))) for marks in (reference, test)
    ]
    return scoring.score(written[0], written[1], public, scoring.Options(start_s=0)).excerpt


DIFFERING = excerpt("NNVNNNNA", "NNNNNNN")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_strip_is_drawn_as_svg_with_the_same_bytes_twice(lang):
    first = beats.draw(DIFFERING, lang)
    assert first == beats.draw(json.loads(json.dumps(DIFFERING)), lang)
    assert ET.fromstring(first).tag.endswith("svg")


def test_languages_and_errors_change_the_picture():
    agreeing = excerpt("NNVNNNNA", "NNVNNNNA")
    pictures = {beats.draw(one, lang) for one in (DIFFERING, agreeing) for lang in ("zh", "en")}
    assert len(pictures) == 4


def test_a_lost_sample_leaves_a_gap_and_no_error():
    gap = json.loads(json.dumps(DIFFERING))
    gap["leads"][0]["mv"][100:400] = [None] * 300
    assert beats.draw(gap, "en") != beats.draw(DIFFERING, "en")


def test_every_word_is_there_in_both_languages():
    assert all(set(words) == {"zh", "en"} and all(words.values()) for words in beats.WORDS.values())
