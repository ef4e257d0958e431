import json
import subprocess
import sys

HEAVY = {
    "monai",
    "great_expectations",
    "torch",
    "sklearn",
    "mlflow",
    "pandas",
    "pyarrow",
    "matplotlib",
    "pydicom",
    "scipy",
}


def test_asking_for_help_imports_nothing_heavy():
    code = (
        "import json, sys\n"
        "from typer.testing import CliRunner\n"
        "from medassay.cli.main import app\n"
        "result = CliRunner().invoke(app, ['--help'])\n"
        "print(json.dumps([result.exit_code, sorted(sys.modules)]))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, check=True, text=True)
    exit_code, modules = json.loads(done.stdout)
    assert exit_code == 0
    assert HEAVY.isdisjoint(modules)
