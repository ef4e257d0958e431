"""Alarms of every sample. `python predict.py INPUT OUTPUT`"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from model import KINDS, Model, alarms, features, read_trace


def predict(model: Model, path: Path) -> str:
    """CSV of time and kind of each alarm."""
    trace = read_trace(path)
    probability = model.probabilities(features(trace))
    rows = [
        (time, kind)
        for column, kind in enumerate(KINDS)
        for time in alarms(trace, probability[:, column], kind, model.thresholds[kind], model.repeat_min)
    ]
    lines = [f"{f'{time:.2f}'.rstrip('0').rstrip('.')},{kind}" for time, kind in sorted(rows)]
    return "\n".join(["time_min,kind", *lines, ""])


def main(source: Path, output: Path) -> None:
    model = Model.load(Path(__file__).parent / "model")
    output.mkdir(parents=True, exist_ok=True)
    with (output / "status.jsonl").open("w", encoding="utf-8") as statuses:
        for line in (source / "samples.jsonl").read_text("utf-8").splitlines():
            sample = json.loads(line)
            status = {"sample_id": sample["sample_id"], "status": "ok", "reason": ""}
            try:
                text = predict(model, source / sample["files"]["trace"][0])
                (output / f"{sample['sample_id']}.csv").write_text(text, "ascii")
            except Exception as error:  # noqa: BLE001 - one bad sample must not cost the others
                status |= {"status": "failed", "reason": type(error).__name__}
            statuses.write(json.dumps(status) + "\n")
            statuses.flush()


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:3]))
