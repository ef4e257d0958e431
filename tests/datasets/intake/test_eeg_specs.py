"""The four specs of the seizure database fit each other and the modules that read them."""

import re
from pathlib import Path

import pytest

from medassay.annotation.consensus import events as consensus
from medassay.annotation.spec import AnnotationSpec
from medassay.core.specs import load_spec, parameters_of
from medassay.datasets.catalogue import TABLES
from medassay.datasets.intake import eeg
from medassay.datasets.spec import DatasetSpec
from medassay.evaluation.protocol import Protocol
from medassay.evaluation.scoring import events as scoring
from medassay.formats.waveform.szcore import SEIZURE_TYPE
from medassay.phantoms.eeg import Parameters
from medassay.quality.spec import QualitySpec
from medassay.registry.device import DeviceSpec

ROOT = Path(__file__).parents[3]
STEM = "seizure-eeg"


@pytest.fixture(scope="module")
def spec():
    return load_spec(ROOT / "datasets" / f"{STEM}.yaml", DatasetSpec)


def test_every_source_declares_options_that_its_intake_knows(spec):
    for source in spec.sources:
        options = eeg.options_of(source)
        assert len(options.channels) == 19
        for person in options.persons:
            assert "id" in re.compile(person.pattern).groupindex
        assert all(SEIZURE_TYPE.fullmatch(kind) for kind in options.seizure_texts.values())
        assert not set(options.seizure_texts) & set(options.annotation_texts)


def test_the_phantom_comes_from_at_least_three_sites_and_recorders(spec):
    parameters = parameters_of(Parameters, spec.sources[0].phantom, where="phantom")
    options = eeg.options_of(spec.sources[0])
    assert len({site.equipment for site in parameters.sites}) >= 3
    assert {site.folder for site in parameters.sites} == set(options.sites)
    assert {site.equipment for site in parameters.sites} == set(options.recorders)


def test_checks_and_limits_name_columns_that_exist(spec):
    quality = load_spec(ROOT / "quality" / f"{STEM}.yaml", QualitySpec)
    catalogue = {name for name, *_ in TABLES["catalogue"]}
    assert {check.arguments["column"] for check in quality.checks} <= set(eeg.COLUMNS) | catalogue
    assert set(quality.limits.least_samples_per) <= catalogue
    assert {rule.column for rule in spec.cohort} <= set(eeg.COLUMNS) | catalogue


def test_the_readers_of_the_reference_are_readers_of_the_source(spec):
    annotation = load_spec(ROOT / "annotation" / f"{STEM}.yaml", AnnotationSpec)
    rule = annotation.references["phantom"]
    assert annotation.task == spec.task
    assert {*rule.readers, rule.arbitrator} == {Path(folder).name for folder in spec.sources[0].readers}
    assert (ROOT / "annotation" / annotation.guide).is_file()
    parameters_of(consensus.Options, annotation.options, where="options")


def test_the_protocol_asks_for_metrics_that_the_scorer_gives(spec):
    protocol = load_spec(ROOT / "evaluation" / f"{STEM}.yaml", Protocol)
    options = parameters_of(scoring.Options, protocol.options, where="options")
    assert protocol.task == spec.task
    assert {endpoint.metric for endpoint in protocol.endpoints} <= set(scoring.metrics(options))
    assert options.rules() == scoring.EventRules()


def test_the_device_is_for_this_database():
    device = load_spec(ROOT / "registry" / "seizure-eeg-detector" / "device.yaml", DeviceSpec)
    assert device.dataset == STEM
