"""Mark the beats of every sample. `python predict.py INPUT OUTPUT`"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
import wfdb
from beats import read_beats
from model import SYMBOLS, Decision, Net, load, scores_of


def predict(net: Net, decision: Decision, header: Path, sample: str, output: Path) -> None:
    """A WFDB annotation file `<sample>.pred`."""
    beats = read_beats(header)
    classes = decision.classes(scores_of(net, beats))
    kept = classes < len(SYMBOLS)
    if not kept.any():
        (output / f"{sample}.pred").write_bytes(b"\0\0")  # an annotation file without a mark
        return
    symbols = [SYMBOLS[k] for k in classes[kept]]
    wfdb.wrann(sample, "pred", beats.samples[kept], symbol=symbols, write_dir=str(output))


def main(source: Path, output: Path) -> None:
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)  # a second thread costs more than it gives for so small a network
    net, decision = load(Path(__file__).resolve().parent / "model")
    output.mkdir(parents=True, exist_ok=True)
    with (output / "status.jsonl").open("w", encoding="utf-8") as statuses:
        for line in (source / "samples.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            status = {"sample_id": row["sample_id"], "status": "ok", "reason": ""}
            try:
                predict(net, decision, source / row["files"]["header"][0], row["sample_id"], output)
            except Exception as error:  # noqa: BLE001 - one bad sample must not cost the others
                status |= {"status": "failed", "reason": type(error).__name__}
            statuses.write(json.dumps(status) + "\n")
            statuses.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
