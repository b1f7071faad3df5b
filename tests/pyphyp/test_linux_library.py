"""Debian's mtx, mt and tar at a tape library in a storage network."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pyphyp.actions import ExportCartridge, InsertCartridge, SetLink
from pyphyp.machine_file import parse
from pyphyp.managed import ManagedMachine

if TYPE_CHECKING:
    from pathlib import Path

    from pyphyp.console import Console

pytestmark = pytest.mark.linux

MACHINE = """
[machine]
cores = 2
memory = "2G"

[[fabric]]
name = "red"

[[storage]]
name = "ts3100"
fabrics = ["red"]
library = "cartridges"
drives = 2
"""
PARTITION = """
[[partition]]
name = "{}"
guest = "linux"
memory = "512M"
dedicated = 1
fc = ["red"]
packages = ["mtx", "mt-st", "sg3-utils"]
modules = ["ch"]
"""


def told(console: Console, command: str) -> str:
    begin = len(console.output)
    console.send(f"{command.strip()}\necho en''ded $?\n")
    console.wait_for(re.compile(r"ended \d+"), seconds=60)
    return console.output[begin:].replace("\r", "")


def extracted(image: Path, number: int = 0) -> bytes:
    tape = (sys.executable, "-m", "pyphyp", "tape", "extract", str(image), str(number))
    return subprocess.run(tape, capture_output=True, check=True).stdout


def test_mtx_and_tar_use_a_library_that_another_partition_sees_reserved(tmp_path: Path) -> None:
    cartridges = tmp_path / "cartridges"
    cartridges.mkdir()
    for barcode in ("A00001L8", "A00002L8"):
        (cartridges / f"{barcode}.tap").touch()
    text = MACHINE + PARTITION.format("web") + PARTITION.format("db")
    with ManagedMachine(parse(text, directory=tmp_path).system, epoch=0) as machine:
        machine.power_on()
        web, db = (machine.partitions[name].console for name in ("web", "db"))
        for console in (web, db):
            console.wait_for("~# ", seconds=120)
            told(console, "dmesg -n 1")
        shown = told(web, "mtx -f /dev/sg0 status; mtx -f /dev/sg0 load 1 0")
        assert re.search(r"2 Drives, 9 Slots \( 1 Import/Export \)", shown)
        assert re.search(r"Storage Element 2:Full :VolumeTag=A00002L8", shown)
        shown = told(
            web,
            "cd /tmp; echo one >one; echo two >two; tar -cf /dev/nst0 one; tar -cf /dev/nst0 two;"
            "mt-st -f /dev/nst0 status; mtx -f /dev/sg0 load 2 1; tar -cf /dev/nst1 two;"
            "mtx -f /dev/sg0 unload 1 0; mtx -f /dev/sg0 transfer 1 9; mtx -f /dev/sg0 status",
        )
        assert "File number=2, block number=0" in shown
        assert re.search(r"IMPORT/EXPORT:Full :VolumeTag=A00001L8", shown)
        assert re.search(r"Data Transfer Element 1:Full \(Storage Element 2 Loaded\)", shown)

        assert "reserved 0" in told(web, "sg_raw /dev/sg0 16 0 0 0 0 0; echo reserved $?")
        assert "reservation conflict" in told(db, "mtx -f /dev/sg0 unload 2 1; dmesg | tail -3")
        told(web, "sg_raw /dev/sg0 17 0 0 0 0 0")

        machine.perform(ExportCartridge("ts3100", "A00001L8"))
        (cartridges / "B00001L8.tap").touch()
        machine.perform(InsertCartridge("ts3100", "B00001L8"))
        shown = told(db, "mtx -f /dev/sg0 status; mtx -f /dev/sg0 load 9 0; echo loaded $?")
        assert "VolumeTag=B00001L8" in shown
        assert "loaded 0" in shown
        # The cable is pulled while a tape is written: that is told, and the next try goes through.
        db.send("dd if=/dev/zero of=/dev/nst0 bs=64k count=3000 2>/tmp/dd; echo en''ded $?\n")
        machine.run(seconds=0.05)
        machine.perform(SetLink("ts3100", up=False))
        machine.run(seconds=5)
        machine.perform(SetLink("ts3100", up=True))
        db.wait_for(re.compile(r"ended \d+"), seconds=120)
        shown = told(
            db,
            "cat /tmp/dd; sleep 3; mt-st -f /dev/nst0 rewind;"
            "tar -C /bin -cf /dev/nst0 busybox; echo written $?",
        )
        assert "written 0" in shown
        assert "error writing '/dev/nst0': Input/output error" in shown
    assert b"one\n" in extracted(cartridges / "A00001L8.tap", 0)
    assert b"two\n" in extracted(cartridges / "A00001L8.tap", 1)
    assert b"two\n" in extracted(cartridges / "A00002L8.tap")
    assert b"busybox" in extracted(cartridges / "B00001L8.tap")[:100]
