from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


@pytest.fixture
def shared():
    """The folder of public data, for tests that need it."""
    if not DATA.is_dir():
        pytest.skip("the public data are not on this machine")
    return DATA
