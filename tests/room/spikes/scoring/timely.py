"""The same task where the mark of a position may use nothing after it."""

from dataclasses import dataclass
from importlib import import_module

from medassay.core.findings import Finding, Reason, Severity

_spikes = import_module("medassay.evaluation.scoring.spikes")
VERSION, SUFFIX, HEADLINE, SECOND_TOLERANCE = "1", ".txt", _spikes.HEADLINE, 0.0
Options, score, second, metrics = _spikes.Options, _spikes.score, _spikes.second, _spikes.metrics
decoded = _spikes.decoded


@dataclass(frozen=True)
class Copy:
    copy_id: str
    cut: int
    files: dict[str, bytes]


def audit_copies(sample_id, samples, options):
    return [
        Copy(
            f"{sample_id}{cut}",
            cut,
            {
                name.replace(sample_id, f"{sample_id}{cut}"): b" ".join(part.split()[: cut + 1])
                for name, part in samples.items()
            },
        )
        for cut in (20, 40)
    ]


def audit(prediction, copied, copy):
    if copied is not None:
        before = {position for position in _spikes.positions(prediction) if position <= copy.cut}
        if before == _spikes.positions(copied):
            return []
    return [
        Finding(
            reason=Reason.REFERENCE_INVALID,
            severity=Severity.REFUSE,
            found="a change",
            wanted="none",
            remedy="x",
        )
    ]
