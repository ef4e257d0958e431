"""Every figure of docs/deidentification.md that is no speed, counted anew on the corpora that the tests build.

    OMP_NUM_THREADS=1 python -P benchmarks/deidentification_figures.py [FOLDER ...]

Each FOLDER is de-identified by the verb too (pixels not screened), and what became of its files is counted.
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections import Counter
from pathlib import Path
from types import ModuleType

TESTS = Path(__file__).parents[1] / "tests" / "datasets" / "deidentify"
PEOPLE, SEED = 30, 7  # of MIDI-B's measure; seven modalities each
TEXT_ROUNDS, TEXT_SEED = 60, 11
HEIGHTS = (8, 10, 12, 14, 18, 24, 32, 40, 48)
GREYS = (255, 200, 170)


def beside(name: str) -> ModuleType:
    """A module of the tests, by its place."""
    place = importlib.util.spec_from_file_location(f"figures_{name}", TESTS / f"{name}.py")
    if place is None or place.loader is None:
        raise SystemExit(f"no {name}.py beside the tests of de-identification")
    module = importlib.util.module_from_spec(place)
    sys.modules[place.name] = module
    place.loader.exec_module(module)
    return module


def marks_left() -> None:
    """Marks planted in one CT, and how many of them stand in the output, by profile."""
    from medassay.datasets.deidentify.profile import PROFILES

    tests = beside("test_planted_ct")
    content, marks = tests.planted.planted_ct()
    for name, profile in sorted(PROFILES.items()):
        out, _ = tests.outgoing(content, profile)
        print(f"planted CT, {name}: {sum(mark.encode() in out for mark in marks)} of {len(marks)} marks left")


def midi_b() -> None:
    """Right and required actions, by kind."""
    tests = beside("test_midi_b")
    right, required = tests.midi_b.score(tests.cases(SEED, PEOPLE))
    for kind in sorted(required):
        print(f"MIDI-B's measure, {kind}: {right[kind]} of {required[kind]}")
    objects = PEOPLE * len(tests.CLASSES)
    print(f"MIDI-B's measure: {sum(right.values())} of {sum(required.values())} on {objects} objects")


def screen() -> None:
    """The stroke screen on images with and without text."""
    from medassay.datasets.deidentify import burned_in

    tests = beside("test_burned_in")
    seen: Counter[bool] = Counter()
    for number, text in enumerate(tests.TEXTS * 2):
        for height in HEIGHTS:
            for grey in GREYS:
                seen[burned_in.shows_strokes(tests.with_text(number, text, height, grey))] += 1
    print(f"stroke screen: recall {seen[True]} of {seen.total()}")
    idle = sum(burned_in.shows_strokes(tests.tissue(seed)) for seed in range(100))
    print(f"stroke screen: {idle} of 100 images without text are read for nothing")


def free_text() -> None:
    """Recall and precision of the rules on each set of templates, as they are now."""
    from medassay.datasets.deidentify.free_text import find

    corpus = beside("corpus")
    for name in corpus.SETS:
        result = corpus.score(corpus.texts(TEXT_SEED, TEXT_ROUNDS, getattr(corpus, name)), find)
        print(
            f"free text, {name}: recall {result.found} of {result.planted} = {result.recall:.3f}, "
            f"precision {result.right} of {result.marks} = {result.precision:.3f}; missed {dict(+result.missed)}"
        )


def folder(source: Path) -> None:
    """What becomes of the files of a folder."""
    from medassay.datasets.deidentify.folder import deidentify
    from medassay.datasets.deidentify.profile import RESEARCH

    profile = RESEARCH.model_copy(update={"burned_in": "not_screened"})
    result = deidentify(source, b"k" * 32, profile, lambda *_: None)
    for name, count in result.counts.items():
        print(f"{source.name}, {name}: {count}")


def main(sources: list[Path]) -> None:
    warnings.simplefilter("ignore")
    marks_left()
    midi_b()
    free_text()
    screen()
    for source in sources:
        folder(source)


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
