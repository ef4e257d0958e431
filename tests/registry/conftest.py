import json
import subprocess
import sys

import pytest

# A device's script takes longer to load its libraries than to do its work on a few samples. Here they are loaded
# once, and each script runs in a child of that process: in its own folder, by its own name, and with nothing of
# another script.
SERVER = """
import json, os, runpy, signal, sys
import scipy.ndimage, scipy.signal, torch, wfdb
torch.use_deterministic_algorithms(False)  # to load what choosing it loads; each script chooses for itself
for line in sys.stdin:
    folder, script, *arguments = json.loads(line)
    child = os.fork()
    if not child:
        signal.alarm(120)
        os.chdir(folder)
        os.dup2(2, 1)
        sys.path[0] = folder
        sys.argv = [script, *arguments]
        runpy.run_path(script, run_name="__main__")
        sys.exit()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="session")
def run_script():
    """Run one of a device's scripts in the device's folder; it must end by itself without an error."""
    with subprocess.Popen(
        [sys.executable, "-P", "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:

        def run(folder, script, *arguments):
            server.stdin.write(json.dumps([str(folder), script, *map(str, arguments)]) + "\n")
            server.stdin.flush()
            assert server.stdout.readline() == "0\n", f"{script} failed: see what it wrote"

        yield run
        server.stdin.close()
