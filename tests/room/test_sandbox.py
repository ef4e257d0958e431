"""What a hostile device may not do, in the room as it is on this machine."""

import json
import os
import socket
import sys
import time
from pathlib import Path

import pytest

from medassay.room import sandbox
from medassay.room.sandbox import Mount, python_command, run


@pytest.fixture
def room(tmp_path):
    """Runs a script as a device would be, with a label store that lies outside its mounts."""
    folders = {name: tmp_path / name for name in ("device", "input", "output", "store")}
    for folder in folders.values():
        folder.mkdir()
    (folders["store"] / "label").write_text("secret")
    (folders["input"] / "signal").write_text("given")

    def act(script, *, seconds=20.0):
        (folders["device"] / "predict.py").write_text(script)
        mounts = [
            Mount(folders["device"], "/device"),
            Mount(folders["input"], "/input"),
            Mount(folders["output"], "/output", writable=True),
        ]
        command = python_command("predict.py", "/input", "/output")
        return run(command, mounts=mounts, folder="/device", seconds=seconds, absent=[folders["store"]])

    act.folders = folders
    return act


@pytest.fixture
def sealed_room(room):
    """The same room, sealed. Where the machine cannot seal it the test is skipped, which CI may not do."""
    ended = room("print('ready')")
    if not ended.sealed:
        if os.environ.get("CI") == "true":
            pytest.fail(ended.means)
        pytest.skip(ended.means)
    assert ended.code == 0, ended.stderr
    return room


def said(ended):
    assert ended.code == 0, ended.stderr.decode()
    return json.loads(ended.stdout)


def test_a_device_reads_its_input_and_hands_back_its_output(room):
    ended = room(
        "import sys; from pathlib import Path\n"
        "given = Path(sys.argv[1], 'signal').read_text(); Path(sys.argv[2], 'answer').write_text(given)"
    )
    assert (ended.code, ended.how) == (0, "ended by itself")
    assert (room.folders["output"] / "answer").read_text() == "given"


def test_a_device_in_the_sealed_room_reaches_no_service_of_this_machine_and_none_outside(sealed_room):
    with socket.socket() as service:
        service.bind(("127.0.0.1", 0))
        service.listen()
        script = f"""
import json, socket
def tried(*address):
    try:
        socket.create_connection(address, 2).close()
        return "reached"
    except OSError as error:
        return error.errno
print(json.dumps([tried("127.0.0.1", {service.getsockname()[1]}), tried("192.0.2.1", 80)]))
"""
        assert "reached" not in said(sealed_room(script))


def test_a_device_in_the_sealed_room_sees_neither_store_nor_home_nor_engine_nor_environment(
    sealed_room, monkeypatch
):
    monkeypatch.setenv("MEDASSAY_KEYS", "/somewhere")
    store, test_file = sealed_room.folders["store"], Path(__file__)
    script = f"""
import json, os
from importlib.util import find_spec
paths = {[str(store / "label"), str(test_file), "/etc/passwd", str(Path.home() / ".bashrc")]}
seen = [path for path in paths if os.path.exists(path)]
processes = [name for name in os.listdir("/proc") if name.isdigit()]
engine = getattr(find_spec("medassay"), "origin", None)
print(json.dumps([seen, "MEDASSAY_KEYS" in os.environ, engine, len(processes)]))
"""
    seen, key_named, engine, processes = said(sealed_room(script))
    assert seen == []
    assert not key_named
    assert engine is None
    assert processes < 5, "only the room's own processes are to be seen"


def test_a_device_in_the_sealed_room_writes_nothing_outside_its_output(sealed_room):
    script = """
import json
def written(path):
    try:
        open(path, "w").write("x")
        return True
    except OSError:
        return False
print(json.dumps([written(p) for p in ("/device/predict.py", "/input/signal", "/usr/x", "/x", "/tmp/x", "/output/x")]))
"""
    assert said(sealed_room(script)) == [False, False, False, False, True, True]
    assert not Path("/tmp/x").exists()
    assert (sealed_room.folders["input"] / "signal").read_text() == "given"


BACKGROUND = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    while True:
        with open(sys.argv[2] + "/beat", "a") as stream: stream.write("x")
        time.sleep(0.05)
time.sleep({stay})
"""


def test_what_a_device_leaves_running_in_the_sealed_room_ends_with_it(sealed_room):
    ended = sealed_room(BACKGROUND.format(stay=0.5))
    beat = sealed_room.folders["output"] / "beat"
    before = beat.stat().st_size
    time.sleep(0.3)
    assert ended.code == 0
    assert before > 0
    assert beat.stat().st_size == before


def test_a_device_that_hangs_is_ended_after_its_time_with_all_it_started(sealed_room):
    ended = sealed_room(BACKGROUND.format(stay=60), seconds=1.0)
    beat = sealed_room.folders["output"] / "beat"
    before = beat.stat().st_size
    time.sleep(0.3)
    assert (ended.code, ended.how) == (None, "ended after its time")
    assert ended.seconds < 10
    assert beat.stat().st_size == before


def test_a_device_that_fills_the_disk_is_ended_before_it_is_full(room, monkeypatch):
    monkeypatch.setattr(sandbox, "LARGEST_OUTPUT", 10_000_000)
    monkeypatch.setattr(sandbox, "WATCH_SECONDS", 0.1)
    ended = room(
        "import sys, time\nfor n in range(10_000):\n"
        "    open(f'{sys.argv[2]}/{n}', 'wb').write(bytes(1_000_000)); time.sleep(0.01)"
    )
    assert (ended.code, ended.how) == (None, "ended for writing too much")
    assert sandbox._size(room.folders["output"]) < 500_000_000


def test_a_flood_of_words_is_drained_and_only_its_end_kept(room):
    ended = room(
        "import sys\nfor _ in range(500): sys.stdout.write('x' * 10000); sys.stderr.write('y' * 10000)\n"
        "print('last')"
    )
    assert ended.code == 0
    assert len(ended.stdout) == len(ended.stderr) == sandbox.LOG_BYTES
    assert ended.stdout.endswith(b"last\n")


def test_how_a_device_ended_repeats_none_of_its_words(room):
    ended = room("import sys; print('secret', file=sys.stderr); sys.exit(3)")
    assert ended.how == "ended with code 3"
    assert "secret" not in repr(ended)
    assert b"secret" in ended.stderr


def test_without_bubblewrap_the_device_runs_and_is_never_called_sealed(room, monkeypatch):
    monkeypatch.setattr(sandbox, "PROGRAM", "no-such-program")
    monkeypatch.setenv("MEDASSAY_KEYS", "/somewhere")
    ended = room(
        "import os, sys, json; open(sys.argv[2] + '/answer', 'w').write(open(sys.argv[1] + '/signal').read())\n"
        "print(json.dumps('MEDASSAY_KEYS' in os.environ))"
    )
    assert said(ended) is False
    assert not ended.sealed
    assert "not installed" in ended.means
    assert (room.folders["output"] / "answer").read_text() == "given"


def test_without_bubblewrap_a_device_that_hangs_is_ended_with_its_children(room, monkeypatch):
    monkeypatch.setattr(sandbox, "PROGRAM", "no-such-program")
    beat = room.folders["output"] / "beat"
    for seconds in (1.0, 5.0, 25.0):  # a busy machine may not have started the child within the first
        ended = room(BACKGROUND.replace("os.setsid()", "pass").format(stay=60), seconds=seconds)
        if beat.exists():
            break
    before = beat.stat().st_size
    time.sleep(0.3)
    assert ended.code is None
    assert beat.stat().st_size == before


def test_a_machine_that_does_not_permit_bubblewrap_is_named(room, monkeypatch, tmp_path):
    refusing = tmp_path / "bwrap"
    refusing.write_text("#!/bin/sh\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setattr(sandbox, "PROGRAM", str(refusing))
    ended = room("print(1)")
    assert (ended.code, ended.sealed) == (0, False)
    assert "does not permit" in ended.means


def test_a_store_inside_a_folder_that_must_be_visible_is_not_called_sealed(tmp_path):
    (tmp_path / "store").mkdir()
    ended = run(
        [sys.executable, "-c", "print(1)"],
        mounts=[Mount(tmp_path, "/device")],
        folder="/device",
        seconds=20,
        absent=[tmp_path / "store"],
    )
    assert (ended.code, ended.sealed) == (0, False)
