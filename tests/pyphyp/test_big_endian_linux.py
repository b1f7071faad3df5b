"""The big-endian kernel boots every way, and does what Debian's little-endian one does.

It is built by `pyphyp linux --big-endian`; without it in the cache these tests are skipped.
"""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from guests.big_endian import stored_big_endian_linux
from pyphyp import Ending, Machine
from tests.pyphyp.terminal import PATIENCE, PYPHYP, Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from guests.linux import LinuxGuest
    from pyphyp import Partition

pytestmark = [pytest.mark.linux, pytest.mark.big_endian]

SCRIPT = """\
uname -m
grep -e ^MMU /proc/cpuinfo
echo processors: $(grep -c ^processor /proc/cpuinfo)
dmesg -r | grep '^<[0-4]>'
echo booted
poweroff -f
"""
HOT_PLUG = """\
cd /sys/devices/system/cpu
for n in 3 2 1; do echo 0 >cpu$n/online; done
echo online: $(cat online)
for n in 1 2 3; do echo 1 >cpu$n/online; done
echo online: $(cat online)
taskset 8 sh -c 'echo on processor $(awk "{ print \\$39 }" /proc/self/stat)'
"""


@pytest.fixture(scope="module")
def linux() -> LinuxGuest:
    if (guest := stored_big_endian_linux()) is None:
        pytest.skip("no big-endian Linux in the cache: pyphyp linux --big-endian builds it")
    return guest


def boot(partition: Partition, linux: LinuxGuest, script: str, *, direct: bool = False) -> None:
    initrd = linux.initramfs(script=script)
    partition.boot(linux.kernel, initrd, "console=hvc0", direct=direct)


@pytest.mark.parametrize("direct", [False, True], ids=["client program", "direct"])
@pytest.mark.parametrize("mmu", ["radix", "hash"])
@pytest.mark.parametrize("processors", [1, 4])
def test_big_endian_linux_boots_without_a_warning_and_powers_off(
    linux: LinuxGuest, processors: int, mmu: str, direct: bool
) -> None:
    with Machine(epoch=0) as machine:
        partition = machine.add_partition(memory="512M", processors=processors, mmu=mmu)
        boot(partition, linux, SCRIPT, direct=direct)
        outcome = partition.run(seconds=60)
        text = partition.console.output
    assert outcome is not None, text
    assert outcome.ending is Ending.POWER_OFF, text
    assert re.search(r"^ppc64\r?$", text, re.MULTILINE)
    assert re.search(rf"MMU\s*: {mmu.title()}", text)
    assert f"processors: {processors}" in text
    assert "booted" in text
    assert ("ibm,client-architecture-support... done" in text) is not direct
    assert not re.findall(r"^<[0-4]>.*", text, re.MULTILINE)


@pytest.mark.parametrize("processors", [1, 4])
@pytest.mark.parametrize("mode", ["power7", "power8"])
def test_big_endian_linux_boots_as_on_an_older_processor(
    linux: LinuxGuest, mode: str, processors: int
) -> None:
    with Machine(epoch=0) as machine:
        partition = machine.add_partition(memory="512M", processors=processors, cpu_mode=mode)
        boot(partition, linux, f"grep -e ^cpu /proc/cpuinfo\n{SCRIPT}")
        outcome = partition.run(seconds=60)
        text = partition.console.output
    assert outcome is not None, text
    assert outcome.ending is Ending.POWER_OFF, text
    assert text.count(f"{mode.upper()} (architected)") >= processors
    assert f"processors: {processors}" in text
    assert re.search(r"MMU\s*: Hash", text)
    assert not re.findall(r"^<[0-4]>.*", text, re.MULTILINE)


@pytest.mark.parametrize("mmu", ["radix", "hash"])
def test_processors_go_and_come_back(linux: LinuxGuest, mmu: str) -> None:
    with Machine(epoch=0) as machine:
        partition = machine.add_partition(memory="512M", processors=4, mmu=mmu)
        boot(partition, linux, HOT_PLUG)
        partition.console.wait_for("online: 0\r", seconds=60)
        partition.console.wait_for("online: 0-3\r", seconds=60)
        partition.console.wait_for("on processor 3", seconds=60)


def test_a_restored_run_is_the_run_that_would_have_been(linux: LinuxGuest, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    with Machine(epoch=0) as machine:
        partition = machine.add_partition(memory="512M", processors=2)
        boot(partition, linux, "")
        partition.console.wait_for("~# ", seconds=60)
        partition.save(saved)
        expected = ask(partition)
    with Machine(epoch=0) as machine:
        assert ask(machine.restore(saved)) == expected


def ask(partition: Partition) -> tuple[str, int]:
    """What the guest says of itself, and when it has said it."""
    before = len(partition.console.output)
    partition.console.send("uname -a; cat /proc/uptime\n")
    partition.console.wait_for("~# ", seconds=60)
    return partition.console.output[before:], partition.stats().instructions


def test_the_command_gives_a_big_endian_shell(linux: LinuxGuest) -> None:
    with Terminal("linux", "--big-endian") as terminal:
        terminal.wait_for(b"is up; ")
        terminal.wait_for(b"~# ")
        terminal.type(b"uname -m; printf '\\1\\2' | hexdump -e '1/2 \"%04x\"'\r")
        terminal.wait_for(b"ppc64\r\r\n0102")
        terminal.wait_for(b"~# ")
        terminal.type(b"poweroff\r")
        assert terminal.status() == 0


def test_packages_for_the_other_order_are_refused() -> None:
    done = subprocess.run(
        [*PYPHYP, "linux", "--big-endian", "--package", "bc"],
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "--package gives programs for ppc64el" in done.stderr
