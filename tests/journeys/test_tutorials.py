import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["tutorial-own-data.md"])
def test_a_tutorial_runs_as_written(name, tiny, turn, tmp_path):
    turn("datasets/premature-beat-ecg.yaml", sources__0__phantom__subjects=14, sources__0__phantom__minutes=6)
    turn(
        "quality/premature-beat-ecg.yaml", limits__largest_excluded_share=0.75
    )  # the same defects among fewer
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs" / name).read_text("utf-8"), re.S | re.M)
    assert len(blocks) > 5
    environment = os.environ | {
        "HOME": str(tmp_path),
        "MEDASSAY_KEYS": str(tmp_path / "keys"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "".join(blocks)],
        cwd=tiny.root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    work = tiny.root / "my-work"
    assert (work / "reports" / "my-ecg" / "hospital" / "inspection.zh.pdf").read_bytes().startswith(b"%PDF")
    assert "freeze my-ecg/hospital: passed" in done.stdout
