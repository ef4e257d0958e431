"""python predict.py INPUT OUTPUT: one DICOM SEG a sample, and a status for each."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from model import labelled, load, probabilities, reproducible
from series import read_series, rows, write_segmentation


def main(source: Path, target: Path) -> None:
    reproducible(0)
    net, config = load(Path(__file__).parent / "model")
    target.mkdir(parents=True, exist_ok=True)
    with (target / "status.jsonl").open("w", encoding="utf-8") as stream:
        for row in rows(source):
            sample = row["sample_id"]
            status = {"sample_id": sample, "status": "ok", "reason": ""}
            try:
                series = read_series(source, row)
                labels = labelled(probabilities(net, series.grey), config["threshold"])
                write_segmentation(target / f"{sample}.dcm", series, labels, sample)
            except Exception as error:  # noqa: BLE001 (one bad sample must not cost the others)
                status |= {"status": "failed", "reason": type(error).__name__}
                (target / f"{sample}.dcm").unlink(missing_ok=True)
            stream.write(json.dumps(status) + "\n")
            stream.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
