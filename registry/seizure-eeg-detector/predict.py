"""Mark suspected seizures in every recording of the list: predict.py INPUT OUTPUT."""

import json
import sys
from pathlib import Path

from model import events, features, load, probabilities, settle
from recordings import read_recording, rows, write_events

HERE = Path(__file__).parent


def main(source: Path, target: Path) -> None:
    settle(1)
    net, threshold = load(HERE / "model")
    target.mkdir(parents=True, exist_ok=True)
    with (target / "status.jsonl").open("w", encoding="utf-8") as statuses:
        for row in rows(source):
            sample = row["sample_id"]
            try:
                recording = read_recording(source / row["files"]["signal"][0])
                marked = events(probabilities(net, features(recording.wave, recording.rate_hz)), threshold)
                write_events(target / f"{sample}.tsv", marked, recording)
                status = {"sample_id": sample, "status": "ok", "reason": ""}
            except (OSError, ValueError, KeyError, IndexError) as error:
                status = {"sample_id": sample, "status": "failed", "reason": type(error).__name__}
            statuses.write(json.dumps(status) + "\n")
            statuses.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
