"""The made-up records of one validation, for every test of this room."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def records():
    """The module beside this file (tests are no packages, so it is loaded by its path)."""
    path = Path(__file__).with_name("records.py")
    spec = importlib.util.spec_from_file_location("report_records", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
