"""Learn from train, choose the decision on tune. `python train.py INPUT OUTPUT PARAMS.json`"""

from __future__ import annotations

import csv
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import wfdb
from beats import Beats, read_beats
from model import CLASSES, Decision, Net, save, scores_of
from numpy.typing import NDArray
from torch import nn

IntArray = NDArray[np.int64]

MATCH_S = 0.15
IGNORED = -1
PRICE = 0.2  # of F1, for each unit that a class is shifted by
CLASS_OF = dict.fromkeys("NLRBejn", 0) | dict.fromkeys("AaJS", 1) | dict.fromkeys("VEr", 2)


def read_labels(path: Path) -> tuple[IntArray, list[str]]:
    """The reference, whatever its file is called."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(path, Path(folder) / "r.ref")
        found = wfdb.rdann(str(Path(folder) / "r"), "ref")
    return np.asarray(found.sample, np.int64), list(found.symbol)


def targets(beats: Beats, times: IntArray, symbols: list[str]) -> IntArray:
    """Class of each complex found; X where no beat is near, ignored where the beat is of no class of ours."""
    wanted = np.full(len(beats.samples), CLASSES.index("X"), np.int64)
    named = [k for k, symbol in enumerate(symbols) if symbol in CLASS_OF or symbol in "F/fQ?!"]
    if not named:
        return np.full(len(beats.samples), IGNORED, np.int64)
    at = times[named]
    place = np.searchsorted(at, beats.samples).clip(1, max(len(at) - 1, 1)) if len(at) > 1 else 0
    nearest = np.where(
        np.abs(beats.samples - at[np.maximum(place - 1, 0)]) <= np.abs(beats.samples - at[place]),
        place - 1,
        place,
    ).clip(0)
    close = np.abs(beats.samples - at[nearest]) <= MATCH_S * beats.sampling_hz
    for k in np.flatnonzero(close):
        wanted[k] = CLASS_OF.get(symbols[named[nearest[k]]], IGNORED)
    return wanted


def read_split(source: Path, split: str) -> list[tuple[Beats, IntArray]]:
    """Every readable recording of a split; one that cannot be read is left out and said."""
    found = []
    for line in (source / "samples.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        if row["split"] != split:
            continue
        try:
            beats = read_beats(source / row["files"]["header"][0])
            found.append((beats, targets(beats, *read_labels(source / row["files"]["reference"][0]))))
        except Exception as error:  # noqa: BLE001 - one bad recording must not cost the others
            print(f"left out {row['sample_id']}: {type(error).__name__}", file=sys.stderr)
    return found


def altered(windows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Scaled, moved by a point or two, noisy; the second lead at times turned over or lost."""
    n = len(windows)
    moved = torch.roll(windows, int(torch.randint(-2, 3, (1,), generator=generator)), dims=2)
    scale = 1 + 0.2 * torch.randn(n, 1, 1, generator=generator)
    second = torch.ones(n, 4, 1)
    draw = torch.rand(n, generator=generator)
    second[draw < 0.25, 1::2] = -1
    second[draw > 0.7, 1::2] = 0
    return moved * scale * second + 0.03 * torch.randn(windows.shape, generator=generator)


def f1(made: IntArray, wanted: IntArray, k: int) -> float:
    both = float(((made == k) & (wanted == k)).sum())
    total = float((made == k).sum() + (wanted == k).sum())
    return 2 * both / total if total else 0.0


def choose(net: Net, tune: list[tuple[Beats, IntArray]]) -> Decision:
    """The shifts that give the best F1 of V, then of S, on tune; none where there is no tune recording.

    A shift has to earn its size: few tune recordings hold few such beats, and a large shift that wins one of
    them back costs many false ones elsewhere.
    """
    if not tune:
        return Decision()
    scores = np.concatenate([scores_of(net, beats) for beats, _ in tune])
    wanted = np.concatenate([of for _, of in tune])
    kept = wanted != IGNORED
    scores, wanted = scores[kept], wanted[kept]
    steps = np.arange(-1.5, 1.51, 0.25).tolist()

    def earned(decision: Decision, k: int, shift: float) -> float:
        return f1(decision.classes(scores), wanted, k) - PRICE * abs(shift)

    v = max(steps, key=lambda step: earned(Decision(v=step), 2, step))
    s = max(steps, key=lambda step: earned(Decision(s=step, v=v), 1, step))
    return Decision(s=s, v=v)


def main(source: Path, output: Path, params: dict[str, Any]) -> None:
    torch.manual_seed(params["seed"])
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)  # a second thread costs more than it gives for so small a network
    train, tune = read_split(source, "train"), read_split(source, "tune")
    if not train:
        sys.exit("no readable training recording")
    windows = torch.from_numpy(np.concatenate([beats.windows for beats, _ in train]))
    features = torch.from_numpy(np.concatenate([beats.features for beats, _ in train]))
    wanted = torch.from_numpy(np.concatenate([of for _, of in train]))
    kept = wanted != IGNORED
    windows, features, wanted = windows[kept], features[kept], wanted[kept]
    counts = torch.bincount(wanted, minlength=len(CLASSES)).float().clamp(min=1)
    weight = (counts.sum() / counts) ** 0.5
    net = Net(params["channels"])
    loss_of = nn.CrossEntropyLoss(weight=weight / weight.mean(), label_smoothing=0.03)
    epochs, batch = params["epochs"], params["batch"]
    steps = epochs * (len(wanted) // batch + 1)
    optimiser = torch.optim.AdamW(net.parameters(), lr=params["rate"], weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, params["rate"], total_steps=steps)
    generator = torch.Generator().manual_seed(params["seed"])
    output.mkdir(parents=True, exist_ok=True)
    with (output / "curves.csv").open("w", newline="", encoding="utf-8") as stream:
        curves = csv.writer(stream)
        curves.writerow(["epoch", "train_loss", "tune_v_f1", "tune_s_f1"])
        for epoch in range(1, epochs + 1):
            net.train()
            losses = []
            for part in torch.randperm(len(wanted), generator=generator).split(batch):
                if len(part) < 2:
                    continue
                optimiser.zero_grad()
                loss = loss_of(net(altered(windows[part], generator), features[part]), wanted[part])
                loss.backward()
                optimiser.step()
                schedule.step()
                losses.append(loss.item())
            curves.writerow([epoch, f"{np.mean(losses):.5f}", *_figures(net, tune)])
            stream.flush()
    save(net, choose(net, tune), params["channels"], output / "model")


def _figures(net: Net, tune: list[tuple[Beats, IntArray]]) -> list[str]:
    if not tune:
        return ["0", "0"]
    made = np.concatenate([Decision().classes(scores_of(net, beats)) for beats, _ in tune])
    wanted = np.concatenate([of for _, of in tune])
    kept = wanted != IGNORED
    return [f"{f1(made[kept], wanted[kept], k):.5f}" for k in (2, 1)]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text("utf-8")))
