"""The four specs of the premature-beat database belong together."""

from pathlib import Path

import pytest

from medassay.annotation.consensus import beats as consensus
from medassay.annotation.spec import AnnotationSpec
from medassay.core.specs import load_spec, parameters_of
from medassay.datasets.intake import ecg
from medassay.datasets.spec import DatasetSpec
from medassay.evaluation.protocol import Protocol
from medassay.evaluation.scoring import beats
from medassay.phantoms.ecg import Parameters
from medassay.quality.spec import QualitySpec
from medassay.tasks.beats import CLASS_MAPS

ROOT = Path(__file__).parents[2]
STEM = "premature-beat-ecg.yaml"
DATASET = load_spec(ROOT / "datasets" / STEM, DatasetSpec)
PROTOCOL = load_spec(ROOT / "evaluation" / STEM, Protocol)
ANNOTATION = load_spec(ROOT / "annotation" / STEM, AnnotationSpec)
QUALITY = load_spec(ROOT / "quality" / STEM, QualitySpec)


def test_every_endpoint_is_a_metric_of_the_scorer():
    options = parameters_of(beats.Options, PROTOCOL.options, where="options")
    known = beats.metrics(options)
    assert PROTOCOL.primary == "veb-sensitivity"
    for endpoint in PROTOCOL.endpoints:
        assert f"{endpoint.metric}[{endpoint.of}]" in known


def test_goals_and_references_name_sources_that_there_are():
    sources = {source.name for source in DATASET.sources}
    assert set(ANNOTATION.references) == sources
    assert {name for endpoint in PROTOCOL.endpoints for name in endpoint.goals} <= sources


@pytest.mark.parametrize("check", QUALITY.checks, ids=[check.id for check in QUALITY.checks])
def test_every_check_is_on_a_measured_column(check):
    assert check.arguments["column"] in ecg.COLUMNS


def test_every_limit_is_a_figure_of_the_consensus():
    cells = {row + column: 1.0 for row in "NSVFQOX" for column in "nsvfqox"}
    assert set(ANNOTATION.agreement_limits) <= set(consensus.figures(cells))
    parameters_of(consensus.Options, ANNOTATION.options, where="options")


def test_every_class_of_the_guide_is_a_symbol_with_that_class():
    for label in ANNOTATION.classes:
        assert label.code in CLASS_MAPS["wfdb"]
    guide = (ROOT / "annotation" / ANNOTATION.guide).read_text("utf-8")
    assert all(f"{limit:.2f}" in guide for limit in ANNOTATION.agreement_limits.values())


def test_phantom_parameters_fit_the_generator():
    (source,) = [source for source in DATASET.sources if source.phantom is not None]
    parameters_of(Parameters, source.phantom, where="phantom")


def test_the_published_division_has_one_person_on_both_sides_and_the_spec_says_so():
    (source,) = [source for source in DATASET.sources if source.division]
    sides = source.division
    assert not set(sides["train_tune"]) & set(sides["test"])
    assert (len(sides["train_tune"]), len(sides["test"])) == (22, 22)
    one, two = source.same_person[0]
    assert one in sides["train_tune"]
    assert two in sides["test"]
