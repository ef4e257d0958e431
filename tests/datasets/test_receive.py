"""The storage SCP, tried with dcmtk's own senders: what was acknowledged is whole on the disk, and nothing else is."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGBaseline8Bit

from medassay.core.errors import EnvironmentLacking, WrongUse
from medassay.datasets.receive import ASSOCIATIONS, Inbox, receiving
from medassay.datasets.walk import walk

MR, CT = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.2"


def written(path, number, *, sop_class=MR, size=20_000, syntax=ExplicitVRLittleEndian):
    """One object of that many bytes of pixels."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = syntax
    made.SOPClassUID, made.SOPInstanceUID = UID(sop_class), UID(f"1.2.826.0.1.{number}")
    made.StudyInstanceUID, made.SeriesInstanceUID = UID("1.2.826.0.2"), UID("1.2.826.0.3")
    made.PatientID, made.PatientName = "P1", "TEST^PERSON"
    if syntax.is_compressed:
        made.add_new(0x7FE00010, "OB", pydicom.encaps.encapsulate([bytes(size)]))
        made["PixelData"].is_undefined_length = True
    else:
        made.add_new(0x7FE00010, "OW", bytes([number % 251]) * size)
    made.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def storescu(debian_program):
    """Send files with dcmtk; gives its exit code."""
    program = debian_program("storescu")

    def send(port, *files, options=()):
        words = [program, "-aec", "MEDASSAY", *options, "127.0.0.1", str(port), *map(str, files)]
        return subprocess.run(words, capture_output=True, timeout=60).returncode

    return send


@pytest.fixture
def inbox(tmp_path):
    return tmp_path / "inbox"


def received(inbox):
    """UID of each object in the inbox to its pixels; every file is read whole."""
    found = {}
    for item in walk(inbox).readable if any(inbox.rglob("*.dcm")) else ():
        opened = pydicom.dcmread(item.path)
        found[str(opened.SOPInstanceUID)] = bytes(opened.PixelData)
    return found


def settled(receiver, count, seconds=20):
    """Wait until so many connections have been closed."""
    deadline = time.monotonic() + seconds
    while receiver.counts["connections_closed"] < count and time.monotonic() < deadline:
        time.sleep(0.02)
    assert receiver.counts["connections_closed"] >= count


def test_it_answers_an_echo(inbox, debian_program):
    with receiving(inbox, port=0) as receiver:
        words = [debian_program("echoscu"), "-aec", "MEDASSAY", "127.0.0.1", str(receiver.port)]
        assert subprocess.run(words, timeout=60).returncode == 0
        assert receiver.counts["echoes"] == 1
    assert received(inbox) == {}


def test_what_is_sent_arrives_whole_in_the_syntax_it_was_sent_in(inbox, storescu, tmp_path):
    plain = written(tmp_path / "a.dcm", 1)
    coded = written(tmp_path / "b.dcm", 2, sop_class=CT, syntax=JPEGBaseline8Bit)
    with receiving(inbox, port=0) as receiver:
        assert storescu(receiver.port, plain) == 0
        assert storescu(receiver.port, coded, options=["-xy"]) == 0
    assert received(inbox) == {
        str(pydicom.dcmread(p).SOPInstanceUID): pydicom.dcmread(p).PixelData for p in (plain, coded)
    }
    syntaxes = {str(pydicom.dcmread(p).file_meta.TransferSyntaxUID) for p in inbox.rglob("*.dcm")}
    assert syntaxes == {str(ExplicitVRLittleEndian), str(JPEGBaseline8Bit)}


def test_an_object_that_is_sent_again_lies_there_once(inbox, storescu, tmp_path):
    file = written(tmp_path / "a.dcm", 1)
    with receiving(inbox, port=0) as receiver:
        assert [storescu(receiver.port, file) for _ in range(2)] == [0, 0]
        assert (receiver.counts["objects_received"], receiver.counts["objects_there_already"]) == (1, 1)
    assert len(list(inbox.rglob("*.dcm"))) == 1


def test_two_contents_under_one_uid_are_both_kept(inbox, storescu, tmp_path):
    files = [written(tmp_path / f"{n}.dcm", 1, size=1000 * n) for n in (1, 2)]
    with receiving(inbox, port=0) as receiver:
        assert storescu(receiver.port, *files) == 0
    assert len(list(inbox.rglob("*.dcm"))) == 2


def test_four_senders_at_once_are_served(inbox, storescu, tmp_path):
    groups = [[written(tmp_path / f"{g}-{n}.dcm", 100 * g + n) for n in range(5)] for g in range(1, 5)]
    with receiving(inbox, port=0) as receiver, ThreadPoolExecutor(ASSOCIATIONS) as senders:
        codes = list(senders.map(lambda files: storescu(receiver.port, *files), groups))
    assert codes == [0, 0, 0, 0]
    assert len(received(inbox)) == 20


def test_a_fifth_association_is_turned_away_and_the_four_are_not_disturbed(inbox):
    from pynetdicom import AE

    with receiving(inbox, port=0) as receiver:
        entity = AE()
        entity.add_requested_context("1.2.840.10008.1.1")
        held = [
            entity.associate("127.0.0.1", receiver.port, ae_title="MEDASSAY") for _ in range(ASSOCIATIONS)
        ]
        assert all(one.is_established for one in held)
        assert not entity.associate("127.0.0.1", receiver.port, ae_title="MEDASSAY").is_established
        assert [one.send_c_echo().Status for one in held] == [0] * ASSOCIATIONS
        for one in held:
            one.release()


class Cutting:
    """A connection in between that breaks off after so many bytes from the sender."""

    def __init__(self, port, after):
        self.port, self.after = port, after
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.address = self.listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        sender, _ = self.listening.accept()
        with sender, socket.create_connection(("127.0.0.1", self.port)) as there:
            threading.Thread(target=self._back, args=(there, sender), daemon=True).start()
            left = self.after
            while left > 0 and (some := sender.recv(min(left, 4096))):
                there.sendall(some)
                left -= len(some)
            for end in (there, sender):
                end.shutdown(socket.SHUT_RDWR)  # closing alone would wait for the other thread's read
        self.listening.close()

    @staticmethod
    def _back(there, sender):
        try:
            while some := there.recv(4096):
                sender.sendall(some)
        except OSError:
            return


@pytest.mark.parametrize("after", [300, 60_000, 150_000])
def test_an_association_dropped_half_way_loses_nothing_and_leaves_no_part(inbox, storescu, tmp_path, after):
    files = [written(tmp_path / f"{n}.dcm", n, size=50_000) for n in range(1, 6)]
    whole = {str(pydicom.dcmread(f).SOPInstanceUID): pydicom.dcmread(f).PixelData for f in files}
    with receiving(inbox, port=0) as receiver:
        assert storescu(Cutting(receiver.port, after).address, *files) != 0
        settled(receiver, 1)
        partial = received(inbox)
        assert partial.items() < whole.items()
        assert len(partial) == after // 51_000
        assert storescu(receiver.port, *files) == 0
    assert received(inbox) == whole
    assert [p.name for p in Inbox(inbox).incoming.iterdir()] == ["lock"]


@pytest.fixture
def served(inbox, tmp_path):
    """`medassay receive` as a process; gives it and its port."""
    running = []

    def start(*options):
        words = [sys.executable, "-P", "-c", "from medassay.cli.main import main; main()", "receive"]
        process = subprocess.Popen(
            [*words, str(inbox), "--port", "0", *options],
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        line = process.stderr.readline()
        return process, int(re.search(r"127\.0\.0\.1:(\d+)", line)[1])

    yield start
    for process in running:
        process.kill()
        process.communicate()


def test_a_receiver_that_is_killed_keeps_what_it_acknowledged_and_a_new_one_carries_on(
    inbox, served, storescu, tmp_path
):
    files = [written(tmp_path / f"{n}.dcm", n) for n in range(1, 4)]
    first, port = served()
    assert storescu(port, *files[:2]) == 0
    first.send_signal(signal.SIGKILL)
    first.wait()
    (Inbox(inbox).incoming / ".x.part").write_bytes(b"half")
    second, port = served("--json")
    assert storescu(port, *files) == 0
    second.send_signal(signal.SIGTERM)
    out, _ = second.communicate(timeout=30)
    assert second.returncode == 0
    counts = json.loads(out)
    assert (counts["objects_received"], counts["objects_there_already"]) == (1, 2)
    assert len(received(inbox)) == 3
    assert [p.name for p in Inbox(inbox).incoming.iterdir()] == ["lock"]


def test_it_ends_by_itself_when_nobody_has_come_for_a_while(served):
    process, _ = served("--until-idle", "0.2", "--json")
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert json.loads(out)["associations"] == 0


def test_a_full_disk_is_told_to_the_sender_and_leaves_nothing_half_written(
    inbox, storescu, tmp_path, monkeypatch
):
    file = written(tmp_path / "a.dcm", 1)
    with receiving(inbox, port=0) as receiver:
        with monkeypatch.context() as patch:
            patch.setattr(
                os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device"))
            )
            storescu(receiver.port, file)
            settled(receiver, 1)
        assert receiver.counts["objects_refused"] == 1
        assert received(inbox) == {}
        assert storescu(receiver.port, file) == 0
    assert len(received(inbox)) == 1
    assert [p.name for p in Inbox(inbox).incoming.iterdir()] == ["lock"]


def test_an_unknown_caller_is_turned_away_where_callers_are_named(inbox, storescu, tmp_path):
    file = written(tmp_path / "a.dcm", 1)
    with receiving(inbox, port=0, callers=["SCANNER1"]) as receiver:
        assert storescu(receiver.port, file) != 0
        assert storescu(receiver.port, file, options=["-aet", "SCANNER1"]) == 0
    assert len(received(inbox)) == 1


def test_what_arrives_is_for_the_owner_alone(inbox, storescu, tmp_path):
    with receiving(inbox, port=0) as receiver:
        storescu(receiver.port, written(tmp_path / "a.dcm", 1))
    for path in (inbox, *inbox.rglob("*"), Inbox(inbox).incoming):
        assert path.stat().st_mode & 0o077 == 0, path


def test_it_is_heard_on_this_machine_only_unless_told_otherwise(inbox):
    with receiving(inbox, port=0) as receiver:
        assert receiver.host == "127.0.0.1"
        with pytest.raises(ConnectionRefusedError):  # another address of this very machine
            socket.create_connection(("127.0.0.2", receiver.port), timeout=2)


def test_a_port_that_is_taken_is_said(inbox, tmp_path):
    with (
        receiving(inbox, port=0) as receiver,
        pytest.raises(EnvironmentLacking, match="taken"),
        receiving(tmp_path / "other", port=receiver.port),
    ):
        pass


def test_two_receivers_never_share_an_inbox(inbox):
    with (
        receiving(inbox, port=0),
        pytest.raises(EnvironmentLacking, match="another run"),
        receiving(inbox, port=0),
    ):
        pass


@pytest.mark.parametrize("title", ["", "A" * 17, "A\\B"])
def test_an_ae_title_that_is_none_is_wrong_use(inbox, title):
    with pytest.raises(WrongUse, match="AE title"), receiving(inbox, port=0, ae_title=title):
        pass
