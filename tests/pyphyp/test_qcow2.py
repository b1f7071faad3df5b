"""Disks in qcow2 images: what they hold, who may say that a file is one, and what is refused."""

from __future__ import annotations

import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from hypervisor.scsi.backing import BackingError
from hypervisor.scsi.command import Nexus, Task
from hypervisor.scsi.disk import Disk
from hypervisor.scsi.status import CheckConditionError, Condition
from hypervisor.scsi.unit import padded
from hypervisor.vio.configuration import DiskFormat
from pyphyp.cli import main
from pyphyp.disk_files import DiskFile, check_disk, create_disk, disk_facts, parse_disk_file
from pyphyp.nbd import NbdClient, NbdError
from pyphyp.qcow2 import MAGIC, Qcow2File
from pyphyp.raw_file import MediaError, RawFile

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 8 << 20

with_qemu = pytest.mark.skipif(not shutil.which("qemu-nbd"), reason="qemu-utils is not installed")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "disk.qcow2"
    create_disk(path, SIZE, DiskFormat.QCOW2)
    return path


def header(*, version: int = 3, backing: int = 0, encrypted: int = 0, features: int = 0) -> bytes:
    head = struct.pack(">4sIQIIQI", MAGIC, version, backing, 0, 16, SIZE, encrypted)
    return head.ljust(72, b"\0") + features.to_bytes(8, "big") + bytes(600)


# -- content ---------------------------------------------------------------------------------


@with_qemu
def test_random_reads_writes_and_discards_are_those_of_a_disk(image: Path) -> None:
    source, model = random.Random(3), bytearray(SIZE)
    backing = Qcow2File(image)
    assert backing.size == SIZE
    for _ in range(400):
        length = source.choice((512, 4096, 70000 // 512 * 512, 1 << 20))
        at = source.randrange(0, SIZE - length, 512)
        match source.randrange(3):
            case 0:
                assert backing.read(at, length) == model[at : at + length]
            case 1:
                data = source.randbytes(length)
                backing.write(at, data)
                model[at : at + length] = data
            case 2:
                backing.discard(at, length)
                model[at : at + length] = bytes(length)
    backing.close()
    check_disk(DiskFile(image, DiskFormat.QCOW2))
    again = Qcow2File(image, read_only=True)
    assert again.read(0, SIZE) == model
    again.close()


@with_qemu
def test_what_is_discarded_needs_no_room_on_the_host(image: Path) -> None:
    backing = Qcow2File(image)
    backing.write(0, b"x" * SIZE)
    backing.flush()
    full = image.stat().st_blocks
    backing.discard(0, SIZE)
    backing.close()
    assert image.stat().st_blocks < full // 4


@with_qemu
def test_an_empty_disk_of_a_terabyte_needs_next_to_no_room(tmp_path: Path) -> None:
    path = tmp_path / "large.qcow2"
    create_disk(path, 1 << 40, DiskFormat.QCOW2)
    backing = Qcow2File(path)
    backing.write((1 << 40) - 512, b"z" * 512)
    assert backing.read((1 << 40) - 512, 512) == b"z" * 512
    backing.close()
    assert path.stat().st_size < 4 << 20


# -- who says what a file is -----------------------------------------------------------------


def test_a_file_is_what_the_operator_or_its_name_says(tmp_path: Path) -> None:
    for name in ("a.img", "b.qcow2"):
        (tmp_path / name).write_bytes(bytes(512))
    found = [
        parse_disk_file(text, tmp_path)
        for text in ("a.img", "a.img,ro", "a.img,qcow2", "b.qcow2", "b.qcow2,raw,ro")
    ]
    assert [(its.format.value, its.read_only) for its in found] == [
        ("raw", False),
        ("raw", True),
        ("qcow2", False),
        ("qcow2", False),
        ("raw", True),
    ]
    with pytest.raises(MediaError, match="one format"):
        parse_disk_file("a.img,raw,qcow2", tmp_path)


def test_a_header_that_a_guest_wrote_makes_no_image_of_a_raw_disk(tmp_path: Path) -> None:
    path = tmp_path / "disk.img"
    path.write_bytes(bytes(4096))
    disk = RawFile(path)
    disk.write(0, header(backing=512)[:512])
    disk.write(512, b"/etc/shadow".ljust(512, b"\0"))
    disk.close()
    with pytest.raises(MediaError, match="a guest may have written"):
        parse_disk_file("disk.img", tmp_path)
    assert parse_disk_file("disk.img,raw", tmp_path).format is DiskFormat.RAW
    with pytest.raises(MediaError, match="in another file"):
        Qcow2File(path)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (bytes(4096), "no qcow2 image"),
        (MAGIC, "no qcow2 image"),
        (header(version=1), "version 1"),
        (header(backing=512), "in another file"),
        (header(features=4), "in another file"),
        (header(encrypted=2), "encrypted"),
        (header(features=2), "corrupt"),
    ],
)
def test_images_that_cannot_be_used_by_themselves_are_refused(
    tmp_path: Path, content: bytes, why: str
) -> None:
    path = tmp_path / "bad.qcow2"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=why):
        Qcow2File(path)


@with_qemu
def test_damaged_images_give_content_or_a_refusal(image: Path) -> None:
    backing = Qcow2File(image)
    backing.write(0, b"x" * (1 << 20))
    backing.close()
    whole, source = image.read_bytes(), random.Random(4)
    for _ in range(25):
        damaged = bytearray(whole)
        for _ in range(3):
            region = source.choice((112, 65536 * 5))
            damaged[source.randrange(8, min(region, len(damaged)))] = source.randrange(256)
        image.write_bytes(damaged)
        try:
            backing = Qcow2File(image)
        except MediaError:
            continue
        try:
            assert len(backing.read(0, min(backing.size, 1 << 20) // 512 * 512)) % 512 == 0
            backing.write(0, b"y" * 512)
            backing.flush()
        except BackingError:
            pass
        backing.close()


def test_without_the_tools_the_refusal_says_what_brings_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "disk.qcow2"
    path.write_bytes(header().ljust(1024, b"\0"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MediaError, match="apt-get install qemu-utils"):
        Qcow2File(path)
    RawFile(path).close()  # and nobody holds it


# -- durability and failure ------------------------------------------------------------------


@with_qemu
def test_an_image_in_use_is_refused(image: Path) -> None:
    first = Qcow2File(image, read_only=True)
    Qcow2File(image, read_only=True).close()
    first.close()
    holder = (
        "import sys; from pathlib import Path; from pyphyp.qcow2 import Qcow2File; "
        "file = Qcow2File(Path(sys.argv[1])); file.write(0, b'k' * 512); file.flush(); "
        "file.write(512, b'u' * 512); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, image], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(MediaError, match="in use by another machine"):
            RawFile(image)
        other.send_signal(signal.SIGKILL)
        other.wait()
    disk = Qcow2File(image)  # it waits for the server that lost its machine
    assert disk.read(0, 1024) == b"k" * 512 + b"u" * 512
    disk.close()
    check_disk(DiskFile(image, DiskFormat.QCOW2))


def server_of(backing: Qcow2File) -> int:
    return backing._server.pid  # noqa: SLF001


@with_qemu
def test_what_was_flushed_survives_the_end_of_both_processes(image: Path) -> None:
    source = random.Random(5)
    flushed = bytearray(SIZE)
    backing = Qcow2File(image)
    for _ in range(40):
        at, data = source.randrange(0, SIZE // 2, 4096), source.randbytes(4096)
        backing.write(at, data)
        flushed[at : at + 4096] = data
    backing.flush()
    for _ in range(40):  # not flushed, and nothing promised
        backing.write(SIZE // 2 + source.randrange(0, SIZE // 2, 4096), source.randbytes(4096))
    os.kill(server_of(backing), signal.SIGKILL)
    backing.close()
    again = Qcow2File(image)
    assert again.read(0, SIZE // 2) == flushed[: SIZE // 2]
    again.close()
    subprocess.run(["qemu-img", "check", "-r", "leaks", image], check=True, capture_output=True)


@with_qemu
def test_a_server_that_is_gone_gives_sense_data(image: Path) -> None:
    backing = Qcow2File(image)
    disk = Disk(backing, "S")
    os.kill(server_of(backing), signal.SIGKILL)
    nexus = Nexus("1:2")
    for cdb, data, condition in (
        (b"\x28\0\0\0\0\0\0\0\1", b"", Condition.READ_ERROR),
        (b"\x2a\0\0\0\0\0\0\0\1", bytes(512), Condition.WRITE_ERROR),
        (b"\x35", b"", Condition.WRITE_ERROR),
        (b"\x1b", b"", Condition.WRITE_ERROR),
        (b"\x93\x01" + bytes(11) + b"\x08", b"", Condition.WRITE_ERROR),
    ):
        with pytest.raises(CheckConditionError) as failed:
            disk.execute(Task(nexus, padded(cdb), data))
        assert failed.value.condition is condition
    backing.close()


def test_a_server_that_speaks_rubbish_is_refused_in_bounded_time() -> None:
    import socket
    import threading

    source = random.Random(6)
    good = b"NBDMAGICIHAVEOPT\0\3" + struct.pack(">QIII", 0x3E889045565A9, 7, 3, 12)
    for n in range(60):
        rubbish = bytearray(good + source.randbytes(200))
        rubbish[source.randrange(len(rubbish))] ^= 1 << n % 8
        ours, theirs = socket.socketpair()
        sender = threading.Thread(target=lambda s=theirs, d=rubbish: (s.sendall(d), s.close()))
        sender.start()
        begin = time.monotonic()
        with pytest.raises(NbdError):
            NbdClient(ours)
        assert time.monotonic() - begin < 5
        sender.join()
        ours.close()


# -- the command -----------------------------------------------------------------------------


@with_qemu
def test_disks_are_made_described_and_converted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["disk", "create", "a.img", "16M"]) == 0
    content = random.Random(7).randbytes(1 << 20)
    with (tmp_path / "a.img").open("r+b") as file:
        file.seek(5 << 20)
        file.write(content)
    assert main(["disk", "convert", "a.img", "b.qcow2"]) == 0
    assert main(["disk", "convert", "b.qcow2", "c.img"]) == 0
    assert (tmp_path / "c.img").read_bytes() == (tmp_path / "a.img").read_bytes()
    capsys.readouterr()
    assert main(["disk", "info", "--check", "b.qcow2"]) == 0
    shown = capsys.readouterr().out
    assert "b.qcow2: qcow2" in shown
    assert f"size     {16 << 20} bytes, 16.00 MiB" in shown
    assert disk_facts(parse_disk_file("b.qcow2")).on_host < 2 << 20
    assert main(["disk", "create", "a.img", "16M"]) == 1
    assert main(["disk", "create", "b.img", "1000"]) == 2
    assert main(["disk", "create", "b.img", "1K"]) == 0
    assert "exists already" in capsys.readouterr().err
    names = [path.name for path in tmp_path.iterdir()]
    assert sorted(names) == ["a.img", "b.img", "b.qcow2", "c.img"]
