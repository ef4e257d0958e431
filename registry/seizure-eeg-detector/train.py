"""Train on the train split, choose epoch and threshold on the tune split: train.py INPUT OUTPUT PARAMS.json.

The epoch is the one of least loss on the tune split, the threshold the one of best F2 there; test recordings are
never seen.
"""

import csv
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from model import Detector, events, features, probabilities, settle
from recordings import read_recording, read_reference, rows
from torch import nn

THRESHOLDS = np.round(np.arange(0.1, 0.96, 0.05), 2)


@dataclass
class Example:
    """One recording as the network sees it."""

    split: str
    rows: np.ndarray
    label: np.ndarray
    seizures: list[tuple[float, float]]


def load(folder: Path) -> list[Example]:
    examples = []
    for row in rows(folder):
        try:
            recording = read_recording(folder / row["files"]["signal"][0])
            seizures = read_reference(folder / row["files"]["reference"][0])
        except (OSError, ValueError, KeyError, IndexError) as error:
            print(f"left out {row['sample_id']}: {error}", file=sys.stderr)
            continue
        seen = features(recording.wave, recording.rate_hz)
        label = np.zeros(len(seen), np.float32)
        for start, end in seizures:
            label[round(start) : round(end)] = 1
        examples.append(Example(row["split"], seen, label, seizures))
    return examples


def counts(examples: list[Example], chances: list[np.ndarray], threshold: float) -> tuple[int, int, int]:
    """Seizures found, seizures there, and false events; any overlap finds."""
    found = there = false = 0
    for example, chance in zip(examples, chances, strict=True):
        marked = events(chance, threshold)
        there += len(example.seizures)
        found += sum(any(a < end and start < b for a, b, _ in marked) for start, end in example.seizures)
        false += sum(not any(a < end and start < b for start, end in example.seizures) for a, b, _ in marked)
    return found, there, false


def f2(found: int, there: int, false: int) -> float:
    """F score that weighs a missed seizure four times a false event: a physician reviews what is marked."""
    return 5 * found / (4 * there + found + false) if there + false else 0.0


def best_threshold(examples: list[Example], chances: list[np.ndarray]) -> tuple[float, float]:
    """The F2 score and the threshold that reaches it; of equals the middle one."""
    scores = [f2(*counts(examples, chances, threshold)) for threshold in THRESHOLDS]
    best = np.flatnonzero(np.isclose(scores, max(scores)))
    return float(max(scores)), float(THRESHOLDS[best[len(best) // 2]])


def epoch(net: Detector, optimiser: torch.optim.Optimizer, loss: nn.Module, order: list[Example]) -> float:
    """One pass, recording by recording; the mean loss of a second."""
    net.train()
    total = 0.0
    for example in order:
        optimiser.zero_grad()
        value = loss(net(torch.from_numpy(example.rows)[None])[0], torch.from_numpy(example.label))
        value.backward()
        optimiser.step()
        total += float(value.detach())
    return total / len(order)


def mean_loss(net: Detector, loss: nn.Module, examples: list[Example]) -> float:
    net.eval()
    with torch.no_grad():
        values = [
            loss(net(torch.from_numpy(one.rows)[None])[0], torch.from_numpy(one.label)) for one in examples
        ]
    return float(torch.stack(values).mean())


def main(source: Path, target: Path, parameters: dict[str, Any]) -> None:
    settle(int(parameters["seed"]))
    examples = load(source)
    train = [example for example in examples if example.split == "train"]
    tune = [example for example in examples if example.split == "tune"]
    if not train or not tune:
        sys.exit("no readable recording in the train or the tune split")
    net = Detector(int(parameters["width"]))
    optimiser = torch.optim.AdamW(net.parameters(), lr=float(parameters["learning_rate"]), weight_decay=1e-3)
    loss = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(float(parameters["seizure_weight"])))
    chance = np.random.default_rng(int(parameters["seed"]))
    curve, least, weights = [], np.inf, {}
    for number in range(1, int(parameters["epochs"]) + 1):
        spent = epoch(net, optimiser, loss, [train[i] for i in chance.permutation(len(train))])
        seen = mean_loss(net, loss, tune)
        score, _ = best_threshold(tune, [probabilities(net, example.rows) for example in tune])
        curve.append((number, spent, seen, score))
        if seen < least:
            least, weights = seen, {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(weights)
    score, threshold = best_threshold(tune, [probabilities(net, example.rows) for example in tune])
    model = target / "model"
    model.mkdir(parents=True, exist_ok=True)
    kept = {"width": int(parameters["width"]), "threshold": threshold, "weights": weights}
    torch.save(kept, model / "weights.pt")
    chosen = {"threshold": threshold, "tune_f2": score, "chosen_on": "tune", "parameters": parameters}
    (model / "config.json").write_text(json.dumps(chosen, indent=1, sort_keys=True) + "\n")
    with (target / "curves.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("epoch", "train_loss", "tune_loss", "tune_f2"))
        writer.writerows((number, *(f"{value:.6f}" for value in values)) for number, *values in curve)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text()))
