import errno
import os
import subprocess
import sys

import pytest

from medassay.core.atomic import lock, write_atomic
from medassay.core.errors import EnvironmentLacking


def test_a_full_disk_keeps_the_old_file_and_leaves_no_part(tmp_path, monkeypatch):
    target = tmp_path / "record.json"
    write_atomic(target, b"old")

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EnvironmentLacking, match="no space left"):
        write_atomic(target, b"new")
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["record.json"]


def test_a_key_file_can_be_readable_by_its_owner_alone(tmp_path):
    write_atomic(tmp_path / "key", b"secret", mode=0o600)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_a_second_run_on_one_store_is_told_so(tmp_path):
    place = tmp_path / "lock"
    with lock(place), pytest.raises(EnvironmentLacking, match="another run"), lock(place):
        pass
    with lock(place), pytest.raises(EnvironmentLacking, match="another run"), lock(place, shared=True):
        pass


def test_who_shares_a_lock_works_beside_others_who_do_and_beside_nobody_who_does_not(tmp_path):
    place = tmp_path / "lock"
    with lock(place, shared=True), lock(place, shared=True), pytest.raises(EnvironmentLacking), lock(place):
        pass
    with lock(place):
        pass


def test_a_killed_run_leaves_no_lock_behind(tmp_path):
    place = tmp_path / "lock"
    code = (
        "import os, sys, signal; from pathlib import Path; from medassay.core.atomic import lock\n"
        "with lock(Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-P", "-c", code, str(place)], check=False).returncode == -9
    with lock(place):
        pass
