"""Every run of the suite tries the same examples, so that a red run is red again; `--hypothesis-profile=explore`
tries new ones, and more of them."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=50)
settings.register_profile("explore", deadline=None, max_examples=500)
settings.load_profile("repeatable")

# Minutes long, then seconds: what begins last must be short, so that no worker is left alone with a long one.
LONGEST_FIRST = (
    "tests/journeys/test_four_databases.py",
    "tests/journeys",
    "tests/registry",
    "tests/phantoms",
)


def pytest_collection_modifyitems(config, items):
    def place(item):
        path = Path(item.path).relative_to(config.rootpath).as_posix()
        return next(
            (n for n, start in enumerate(LONGEST_FIRST) if path.startswith(start)), len(LONGEST_FIRST)
        )

    items.sort(key=place)


@pytest.fixture(scope="session")
def debian_program():
    """The path of a program from `apt.txt`. Where it is not installed the test is skipped, which CI may not do.

    Only the system's folders are searched: pynetdicom puts a `storescu` of its own beside Python.
    """

    def find(name):
        path = shutil.which(name, path="/usr/local/bin:/usr/bin:/bin")
        if path is None:
            reason = f"{name} is not installed: see apt.txt"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        return path

    return find
