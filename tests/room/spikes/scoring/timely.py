"""The same task where the mark of a position may use nothing after it."""

from importlib import import_module

from medassay.evaluation.causality import TruncatedCopy

_spikes = import_module("medassay.evaluation.scoring.spikes")
VERSION, SUFFIX, HEADLINE, SECOND_TOLERANCE = "1", ".txt", _spikes.HEADLINE, 0.0
Options, score, second, metrics = _spikes.Options, _spikes.score, _spikes.second, _spikes.metrics


def audit_copies(samples, options):
    return [
        TruncatedCopy(cut, {name: b" ".join(part.split()[: cut + 1]) for name, part in samples.items()})
        for cut in (20, 40)
    ]


def looked_ahead(whole, copy, cut, options):
    before = {position for position in _spikes.positions(whole) if position <= cut}
    return len(before ^ _spikes.positions(copy))
