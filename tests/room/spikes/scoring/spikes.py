"""A task small enough to be seen through: which positions of a row of numbers are spikes."""

from medassay.core.canonical import canonical_json
from medassay.core.errors import WrongUse
from medassay.core.specs import Spec
from medassay.evaluation.scorer import Metric, SampleScore

VERSION = "1"
SUFFIX = ".txt"
HEADLINE = ("tp", "fn", "fp")
SECOND_TOLERANCE = 0.0


class Options(Spec):
    tolerance: int = 0


def score(reference, prediction, samples, options):
    truth, marked = positions(reference), positions(prediction or b"")
    statistics = {
        "tp": float(len(truth & marked)),
        "fn": float(len(truth - marked)),
        "fp": float(len(marked - truth)),
        "samples": float(len(samples)),
    }
    excerpt = {"truth": sorted(truth), "marked": sorted(marked)}
    return SampleScore(statistics, statistics["fn"] + statistics["fp"], excerpt)


def second(reference, prediction, samples, options):
    truth, marked = sorted(positions(reference)), sorted(positions(prediction or b""))
    common = sum(position in marked for position in truth)
    return {"tp": common, "fn": len(truth) - common, "fp": len(marked) - common}


def decoded(prediction, samples, options):
    return canonical_json(sorted(positions(prediction)))


def metrics(options):
    return {
        "sensitivity": Metric({"tp": 1}, {"tp": 1, "fn": 1}, "1", "higher", "no spike"),
        "false": Metric({"fp": 1}, {"samples": 1}, "1", "lower", "no sample"),
    }


def positions(content):
    try:
        return {int(part) for part in content.split()}
    except ValueError as error:
        raise WrongUse(found="no number", wanted="positions", remedy="Write positions.") from error
