"""What the platform tells a real kernel, and what that leaves behind."""

from __future__ import annotations

import hashlib
import re
import subprocess
import zlib
from typing import TYPE_CHECKING

import pytest
from elftools.elf.elffile import ELFFile

from guests.linux import fetch_linux
from pyphyp import Ending, Fault, Machine, Severity, Shutdown
from tests.pyphyp.terminal import PYPHYP, Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from guests.linux import LinuxGuest
    from pyphyp import Partition

pytestmark = pytest.mark.linux

PROMPT = "~# "
NVRAM_HEADER_BYTES = 16
OOPS_HEADER_BYTES = 20
"""Before a compressed oops: type and number, then version, length and time (Linux, nvram_64.c)."""


class Silent:
    """Nobody watches the fetch."""

    def step(self, description: str, fraction: float | None) -> None: ...


@pytest.fixture(scope="module")
def linux() -> LinuxGuest:
    return fetch_linux(Silent())


def boot(partition: Partition, linux: LinuxGuest, append: str = "quiet") -> None:
    partition.boot(linux.kernel, linux.initramfs(), append=f"console=hvc0 {append}")
    partition.console.wait_for(PROMPT)


def say(partition: Partition, command: str) -> str:
    """What `command` prints."""
    before = len(partition.console.output)
    partition.console.send(f"{command}\n")
    partition.console.wait_for(PROMPT)
    return partition.console.output[before:]


def nvram_partitions(content: bytes) -> dict[str, bytes]:
    found, at = {}, 0
    while at < len(content):
        length = int.from_bytes(content[at + 2 : at + 4], "big") * NVRAM_HEADER_BYTES
        name = content[at + 4 : at + NVRAM_HEADER_BYTES].rstrip(b"\0").decode()
        found[name] = content[at + NVRAM_HEADER_BYTES : at + length]
        at += length
    return found


@pytest.mark.parametrize("processors", [1, 2])
def test_linux_powers_off_in_order_when_asked(
    machine: Machine, linux: LinuxGuest, processors: int
) -> None:
    partition = machine.add_partition(memory="512M", processors=processors)
    boot(partition, linux)
    partition.request_shutdown()
    outcome = partition.run(seconds=60)
    assert outcome is not None
    assert outcome.ending is Ending.POWER_OFF
    assert "Power off requested" in partition.console.output
    assert "forcing the issue" not in partition.console.output
    assert "reboot: Power down" in partition.console.output


def test_linux_on_batteries_only_takes_note(machine: Machine, linux: LinuxGuest) -> None:
    partition = machine.add_partition(memory="512M")
    boot(partition, linux)
    partition.request_shutdown(Shutdown.ON_UPS)
    assert partition.run(seconds=10) is None
    assert "System is running on UPS/battery" in partition.console.output
    assert re.search(r"event: 1, Type: EPOW \(64\), Severity: 2", say(partition, "dmesg"))


def test_reported_errors_come_to_linux_by_its_scan_or_at_once(
    machine: Machine, linux: LinuxGuest
) -> None:
    partition = machine.add_partition(memory="512M")
    boot(partition, linux)
    partition.log_error("a fan is slow")
    partition.log_error("a fan is back", Severity.EVENT, interrupt=True)
    at_once = say(partition, "dmesg")
    assert "Type: Platform Information Event (226), Severity: 1" in at_once
    assert "Platform Error" not in at_once
    partition.run(seconds=70)
    assert "Type: Platform Error (224), Severity: 2" in say(partition, "dmesg")
    partition.log_error("a bank is lost", Severity.ERROR, recovered=False, interrupt=True)
    outcome = partition.run(seconds=10)
    assert outcome is not None
    assert outcome.ending is Ending.POWER_OFF
    assert "Fatal hardware error detected" in partition.console.output


def test_a_panic_is_in_the_next_runs_nvram_and_in_a_dump(
    machine: Machine, linux: LinuxGuest, tmp_path: Path
) -> None:
    nvram, core = tmp_path / "nvram", tmp_path / "core"
    partition = machine.add_partition(memory="512M", processors=2, nvram=nvram, dump_to=core)
    boot(partition, linux)
    partition.console.send("echo last-words >/dev/kmsg; echo c >/proc/sysrq-trigger\n")
    outcome = partition.run(seconds=60)
    assert outcome is not None
    assert outcome.ending is Ending.CRASH

    oops = nvram_partitions(nvram.read_bytes())["lnx,oops-log"]
    assert b"sysrq triggered crash" in zlib.decompressobj().decompress(oops[OOPS_HEADER_BYTES:])
    with core.open("rb") as file:
        elf = ELFFile(file)
        assert elf.little_endian
        (notes,) = (s for s in elf.iter_segments() if s["p_type"] == "PT_NOTE")
        names = [note["n_name"] for note in notes.iter_notes()]
        text = next(s for s in elf.iter_segments() if s["p_type"] == "PT_LOAD").data()
    assert names.count("CORE") == 4
    assert "VMCOREINFO" in names
    assert b"last-words" in text

    again = machine.add_partition(memory="512M", nvram=nvram)
    boot(again, linux)
    say(again, "cat /dev/nvram >/tmp/nvram")
    start = nvram.read_bytes().index(oops)
    counted = say(again, f"tail -c +{start + 1} /tmp/nvram | head -c {len(oops)} | md5sum")
    assert hashlib.md5(oops).hexdigest() in counted


def test_power_button_on_the_console_powers_linux_off() -> None:
    with Terminal("linux") as terminal:
        terminal.wait_for(b"~# ")
        terminal.type(b"\x1dp")
        terminal.wait_for(b"Power off requested")
        assert terminal.status() == 0
        assert terminal.restored


def test_the_command_dumps_a_panic(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(*PYPHYP, "linux", "--epoch", "0", "--dump-to", str(tmp_path / "core")),
            *("-c", "echo c >/proc/sysrq-trigger"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "sysrq triggered crash" in done.stderr
    shown = subprocess.run(
        ["readelf", "-lnW", str(tmp_path / "core")], capture_output=True, text=True, check=True
    )
    assert "NT_PRSTATUS" in shown.stdout
    assert "0xc000000000000000 0x0000000000000000 0x40000000" in shown.stdout


def test_linux_survives_machine_checks_and_says_what_they_were(linux: LinuxGuest) -> None:
    with Machine(epoch=0) as machine:
        partition = machine.add_partition(memory="512M", processors=2)
        boot(partition, linux)
        assert partition.composition.partition.nonmaskable.handlers is not None
        partition.machine_check(Fault.SLB_MULTIHIT, 0xC000_0000_0012_3450)
        partition.machine_check(Fault.TLB_PARITY, 0xC000_0000_0012_3450, processor=1)
        said = say(partition, "dmesg | grep MCE:; echo done")
        assert (
            "CPU0: machine check (Severe)  SLB Multihit DAR: c000000000123450 [Recovered]" in said
        )
        assert "CPU1: machine check (Severe)  TLB Parity DAR: c000000000123450 [Recovered]" in said
        with pytest.raises(ValueError, match="no processor 2"):
            partition.machine_check(Fault.SLB_MULTIHIT, processor=2)
