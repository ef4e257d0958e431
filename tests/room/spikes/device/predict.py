"""Marks what lies above the learned threshold."""

import json
import sys
from pathlib import Path

if __name__ == "__main__":
    given, out = Path(sys.argv[1]), Path(sys.argv[2])
    threshold = json.loads((Path(__file__).parent / "model" / "threshold.json").read_bytes())["threshold"]
    with (out / "status.jsonl").open("w") as statuses:
        for line in (given / "samples.jsonl").read_text().splitlines():
            row = json.loads(line)
            values = [float(v) for v in (given / row["files"]["signal"][0]).read_text().split()]
            marks = [str(i) for i, v in enumerate(values) if v > threshold]
            (out / f"{row['sample_id']}.txt").write_text(" ".join(marks))
            statuses.write(json.dumps({"sample_id": row["sample_id"], "status": "ok"}) + "\n")
