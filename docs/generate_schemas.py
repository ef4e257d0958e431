"""Write the JSON Schema of every record and spec that others read or write: `make docs`."""

import json
import sys
from pathlib import Path

from medassay.annotation.spec import AnnotationSpec
from medassay.datasets.manifest import Manifest
from medassay.datasets.spec import DatasetSpec
from medassay.evaluation.protocol import Protocol
from medassay.quality.certificate import Certificate
from medassay.quality.spec import QualitySpec
from medassay.registry.device import DeviceSpec
from medassay.reports.record import ReportRecord
from medassay.room.record import RunRecord
from medassay.trust.evidence import Evidence
from medassay.verbs.score import ScoreTable

PUBLISHED = {
    "annotation-spec": AnnotationSpec,
    "certificate": Certificate,
    "dataset-spec": DatasetSpec,
    "device-spec": DeviceSpec,
    "evidence": Evidence,
    "manifest": Manifest,
    "protocol-spec": Protocol,
    "quality-spec": QualitySpec,
    "report": ReportRecord,
    "run-record": RunRecord,
    "score": ScoreTable,
}


def schemas():
    """Each schema's text by its name."""
    return {
        name: json.dumps(model.model_json_schema(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        for name, model in PUBLISHED.items()
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "schemas"
    for name, text in schemas().items():
        (folder / f"{name}.schema.json").write_text(text, "utf-8")
