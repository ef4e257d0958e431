"""Write docs/statistics.md: `make docs`. The catalogue, the policies, how often intervals hold, and the "
"outside cases.

The cases of outside tools are compared where their files lie beside the repository; elsewhere the table that stands
is kept. `--figures FILE` writes every single figure of every case as CSV.
"""

import csv
import importlib
import inspect
import pkgutil
import sys
from collections import defaultdict
from pathlib import Path

from medassay.evaluation.methods import catalogue, method_of_figure
from medassay.statistics.coverage import table as coverage_table

DOCS = Path(__file__).parent
PAGE = DOCS / "statistics.md"
BEGIN, END = "<!-- reference cases: begin -->", "<!-- reference cases: end -->"

OUTSIDE = "the tools that each method names below, and the outside cases at the end of this page"
# Task: title, edge policy in one paragraph, and what `medassay score` enters twice.
TASKS = {
    "classification": (
        "Classification",
        "A case without a usable prediction is scored by the declared rule (`missing`: wrong, negative or "
        "positive) and "
        "stays in every denominator. A figure that divides by zero is not estimable, with its reason; macro "
        "averages "
        "with such a class are too. Probabilities outside 0 to 1 are out of range. Bins of the calibration "
        "error, the "
        "Brier sum, and whether an area is DeLong's or clustered stand beside the figure.",
        "scikit-learn (recall, precision, F1, Matthews, ROC area, average precision, Brier, kappa, Hamming "
        "loss); "
        "statsmodels for the ends of sensitivity's interval",
    ),
    "detection": (
        "Detection",
        "A finding that no mark hits is missed; a case without a mark has nothing found. A mark that cannot "
        "be placed is "
        "false, at the highest score of the predictions. Marks on excluded findings are neither true nor "
        "false. Points "
        "are matched by the LUNA16 rules, boxes by the COCO rules; without a finding there is no sensitivity.",
        "the matching pair by pair in plain Python; scikit-learn's ROC curve for CPM; average precision by "
        "its definition, "
        "or scikit-learn's step sum beyond 1,500 detections",
    ),
    "segmentation": (
        "Segmentation",
        "A structure that one map alone holds has Dice, IoU and NSD 0 and the image's diagonal as its "
        "distances; one that "
        "neither holds is perfect or not counted, as declared (`both_empty`). A missing prediction is all "
        "wrong. HD95 and "
        "NSD are by the declared convention; prediction and reference on different grids are refused.",
        "MONAI for Dice; distance transforms over the whole box for NSD and HD95",
    ),
    "beats": (
        "Heart beats, runs and fibrillation episodes",
        "The first five minutes are not compared, the window is 150 ms, both as declared; beats in the "
        "reference's "
        "ventricular fibrillation are left out or false, beats in shutdown missed or left out. A recording "
        "without "
        "beats of a class has no figure there and is left out of averages; it never counts as 0 or 1.",
        "closest pairs first for beats, regular expressions for runs, differences of cumulative time for "
        "episodes",
    ),
    "events": (
        "Events in time",
        "A missing prediction misses every event and is false at all other time. Without a reference event "
        "there is no "
        "sensitivity, without an alarm no precision. Tolerances, longest event and merging gap are SzCORE's "
        "unless "
        "declared otherwise.",
        "timescoring, SzCORE's own tool; latencies event by event",
    ),
    "alarms": (
        "Alarms",
        "An episode whose horizon is not covered by data is not evaluable, counted apart. Repeated alarms "
        "of one episode "
        "are merged, those without a following record undecided; neither is counted as right.",
        "a chronicle of minutes in decimal arithmetic",
    ),
    "measurement": (
        "Measurement",
        "Figures of differences rest on the pairs that exist, with the share measured beside them; a share "
        "within limits "
        "counts a missing value as outside, and no criterion is met while one is missing. Several pairs of "
        "one person "
        "make limits of agreement with components of variance, and lines without an interval. A study "
        "smaller than its "
        "standard demands is not enough, whatever the figures.",
        "statsmodels (mean and SD of differences), scipy linregress, numpy's main axis for Deming, all "
        "sorted slopes for "
        "Passing-Bablok, scikit-learn for MARD, mean absolute and root mean square error",
    ),
    "counting": (
        "Counting",
        "A case without a usable prediction has nothing found and is never exact: where there was nothing "
        "to count it is "
        "wrong by one. A count that is negative or not whole is out of range.",
        "scikit-learn mean_absolute_error and accuracy_score; scipy binomtest pair by pair",
    ),
    "agreement": (
        "Agreement of readers",
        "Where chance alone agrees (one category only) kappa is not estimable; a perfect agreement has no "
        "interval.",
        OUTSIDE,
    ),
    "reader_study": (
        "Reader studies",
        "A reading that was not made is not part of the design, or counts as wrong, as declared. The design "
        "is told from "
        "the readings; where a floor of degrees of freedom or of a variance decides, a remark says so. "
        "Every reader's "
        "figures stand beside the averages.",
        "scikit-learn for every reader's area; numpy for the means",
    ),
    "comparison": (
        "Comparison",
        "Devices are compared on the same cases as pairs; clusters are subjects. A test whose variance is "
        "zero has no p "
        "value, with its reason. A margin is declared before, never found.",
        OUTSIDE,
    ),
    "robustness": ("Robustness", "", ""),
    "sample_size": (
        "Sample size",
        "Exact where the normal formula misleads; the formula's number stands beside it with the exact "
        "power that it buys.",
        OUTSIDE,
    ),
    "sampling": (
        "Sampling plans",
        "A lot smaller than its sample is inspected whole.",
        OUTSIDE,
    ),
    "any": (
        "For every task",
        "An interval of no width is never given: it would claim what no sample shows. Faultless subjects "
        "have the exact "
        "binomial bound with subjects as trials.",
        OUTSIDE,
    ),
}
SCORED = {"segmentation": "masks"}


def page(cases: str) -> str:
    """The whole text."""
    entries = catalogue()
    parts = [
        "# Test methods and statistics",
        "<!-- Made by docs/generate_statistics.py (`make docs`). -->",
        f"{len(entries)} test methods, each declared beside the function that computes it; `medassay "
        "standards --methods "
        "--lang zh` prints them in Chinese. Every function takes plain arrays and gives an `Estimate` "
        "(value, interval, "
        "confidence, method, unit, subjects) or the reason why there is none.",
        "```python\n>>> from medassay.statistics.proportion import proportion\n>>> found = proportion(9, 10)\n"
        ">>> round(found.lower, 3), round(found.upper, 3), found.method\n(0.596, 0.982, 'wilson')\n\n```",
    ]
    by_task = defaultdict(list)
    for entry in entries:
        by_task[entry.method.task].append(entry)
    parts += [section(task, by_task[task]) for task in TASKS if by_task[task]]
    parts += [
        coverage(),
        "## Cases of outside tools",
        "Values that other programs gave for the same files, and what is given here. One row a case: how "
        "many figures "
        "were compared, and the one that lies farthest apart by its own tolerance. "
        "`docs/generate_statistics.py --figures "
        "FILE` writes every figure.",
        f"{BEGIN}\n{cases}\n{END}",
    ]
    return "\n\n".join(parts) + "\n"


def section(task: str, entries) -> str:
    """Policy, cross-check and methods of a task; then the import lines."""
    title, policy, check = TASKS[task]
    scored = sorted(f for (t, f) in method_of_figure() if t == SCORED.get(task, task))
    lines = [f"## {title}"]
    lines += [f"**Policy.** {policy}"] if policy else []
    lines += [f"**Cross-check.** {check}."] if check else []
    if scored:
        lines.append(
            f"`medassay score {SCORED.get(task, task)}` gives: "
            + ", ".join(f"`{name}`" for name in scored)
            + "."
        )
    rows = ["| id | 中文 | English | formula | source | checked against |", "|---|---|---|---|---|---|"]
    for entry in entries:
        cells = (f"`{entry.method.id}`", entry.method.zh, entry.method.en, entry.method.formula)
        cells += (entry.method.source, entry.method.check)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    lines.append("\n".join(rows))
    lines.append("```python\n" + "\n".join(f"{e.import_line}  # {e.method.id}" for e in entries) + "\n```")
    return "\n\n".join(lines)


def coverage() -> str:
    """Coverage of each method in each scenario of independent subjects, and the least over clustered ones."""
    found = coverage_table()
    methods = list(dict.fromkeys(method for method, _ in found))
    alone, clustered = defaultdict(dict), defaultdict(dict)
    for (method, scenario), one in found.items():
        table = alone if scenario.size == 1 else clustered
        key = (scenario.clusters, scenario.proportion)
        table[key][method] = min(one.coverage, table[key].get(method, 1.0))
    lines = [
        "## How often intervals hold the truth",
        "Simulated coverage of nominal 95 % intervals, 2,000 studies a scenario (`benchmarks/coverage.py`; "
        "every "
        "scenario stands in `src/medassay/statistics/coverage.csv`). A protocol that names a method below "
        "93 % in its "
        "own planned scenario is refused with the better one named.",
        "Where errors come in a few people alone (events of one person much alike, a proportion of 0.95 or more) "
        "every "
        "interval but the last is too narrow: the variance between people is told from the one or two who erred, "
        "so that a single miss makes it narrower than no miss at all. `korn_graubard` does so in spite of its "
        "cap and its "
        "Student's t; `korn_graubard_bounded` never lies inside the interval of as many faultless people, keeps "
        "93 % in every "
        "scenario, and is the one that a refusal names there.",
    ]
    for title, table in (
        ("One event a subject:", alone),
        (
            "Several events a subject, the least over the numbers and correlations of events. Methods for "
            "independent "
            "subjects are shown to say what happens where they are used on events:",
            clustered,
        ),
    ):
        rows = [
            "| subjects | true proportion | " + " | ".join(methods) + " |",
            "|---" * (len(methods) + 2) + "|",
        ]
        for key in sorted(table):
            shown = [f"{table[key][m]:.3f}" if m in table[key] else "" for m in methods]
            rows.append(f"| {key[0]} | {key[1]:g} | " + " | ".join(shown) + " |")
        lines += [title, "\n".join(rows)]
    return "\n\n".join(lines)


def outside_cases():
    """Every figure of every topic; none where the files of the outside tools are not there."""
    sys.path.insert(0, str(DOCS.parent / "tests" / "reference"))
    package = importlib.import_module("reference_cases")
    if not package.FOLDER.is_dir():
        return []
    topics = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    found = []
    for topic in topics:
        module = importlib.import_module(f"reference_cases.{topic}")
        assert inspect.getdoc(module), topic
        found += list(module.cases(package.FOLDER))
    return found


def case_table(found) -> str:
    """One row a case."""
    groups = defaultdict(list)
    for case in found:
        groups[case.topic, case.case].append(case)
    rows = [
        f"{len(found)} figures of {len(groups)} cases; {sum(not case.agrees for case in found)} differ.",
        "",
        "| topic | case | figures | farthest apart | ours | theirs | tolerance | tool |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (topic, name), own in groups.items():
        worst = max(own, key=apart)
        cells = (
            topic,
            name,
            str(len(own)),
            worst.figure,
            number(worst.ours),
            number(worst.theirs),
            f"{worst.tolerance:.3g}",
            worst.source,
        )
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def apart(case) -> float:
    """The difference in tolerances; a figure that both leave undefined comes last."""
    if case.ours is None or case.theirs is None:
        return -1.0 if case.ours is case.theirs else float("inf")
    return abs(case.ours - case.theirs) / case.tolerance if case.tolerance else abs(case.ours - case.theirs)


def number(value) -> str:
    return "not estimable" if value is None else f"{value:.8g}"


def kept_table() -> str:
    text = PAGE.read_text("utf-8") if PAGE.is_file() else f"{BEGIN}\n{END}"
    return text.split(BEGIN, 1)[1].split(END, 1)[0].strip("\n")


if __name__ == "__main__":
    compared = outside_cases()
    if "--figures" in sys.argv:
        with open(sys.argv[sys.argv.index("--figures") + 1], "w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow(["topic", "case", "figure", "ours", "theirs", "tolerance", "source"])
            out.writerows(
                (c.topic, c.case, c.figure, c.ours, c.theirs, c.tolerance, c.source) for c in compared
            )
    PAGE.write_text(page(case_table(compared) if compared else kept_table()), "utf-8")
