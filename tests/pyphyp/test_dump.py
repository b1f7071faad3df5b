"""Dumps: ELF cores of a partition that other tools read."""

from __future__ import annotations

import errno
import shutil
import struct
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from elftools.elf.elffile import ELFFile

from pyphyp import DumpError, Ending, Machine, assemble_toy
from tests.pyphyp.guests import program, rtas
from tests.pyphyp.terminal import PYPHYP

if TYPE_CHECKING:
    from pathlib import Path

    from pyphyp import Partition

MIB = 1 << 20
REGISTERS_OFFSET = 112
"""Of `struct pt_regs` in `struct elf_prstatus`."""
SOURCE_THAT_GIVES_UP = """
        li      r20,77
        load64  r21,0x123456789abcdef0
"""


STOPS_ITSELF = """
        .org    0x1000
_start: li      r3,0x298        # H_JOIN
        sc      1               # the last to join goes on
        load64  r4,0x0
        li      r3,0xe4         # H_CONFER to oneself, with interrupts off: waits for a prod
        sc      1
        b       .
"""


def crashing(partition: Partition) -> None:
    """A guest that gives up with a message, and text in its storage."""
    token = partition.composition.firmware.rtas.token("ibm,os-term")
    partition.load(program(SOURCE_THAT_GIVES_UP + rtas(token, 0x5000) + "        b .\n"))
    partition.memory.write(0x5000, b"no more\0")
    partition.memory.write(8 * MIB + 5, b"far away")


def notes(core: ELFFile) -> list[Any]:
    (segment,) = (s for s in core.iter_segments() if s["p_type"] == "PT_NOTE")
    return list(segment.iter_notes())


def test_a_dump_holds_all_storage_by_logical_real_address(machine: Machine, tmp_path: Path) -> None:
    partition = machine.add_partition(memory="16M")
    crashing(partition)
    partition.dump(tmp_path / "core")
    with (tmp_path / "core").open("rb") as file:
        core = ELFFile(file)
        assert (core["e_type"], core["e_machine"]) == ("ET_CORE", "EM_PPC64")
        assert not core.little_endian
        loads = [s for s in core.iter_segments() if s["p_type"] == "PT_LOAD"]
        assert [(s["p_vaddr"], s["p_paddr"]) for s in loads] == [(0, 0), (0xC << 60, 0)]
        for load in loads:
            assert load.data() == partition.memory.read(0, 16 * MIB)


def test_storage_that_is_zero_takes_no_room(machine: Machine, tmp_path: Path) -> None:
    partition = machine.add_partition(memory="256M")
    fractions: list[float] = []
    partition.memory.write(200 * MIB, b"here")
    partition.dump(tmp_path / "core", fractions.append)
    status = (tmp_path / "core").stat()
    assert status.st_size > 256 * MIB
    assert status.st_blocks * 512 < MIB
    assert fractions[0] == 0
    assert fractions[-1] == 1
    assert fractions == sorted(fractions)


def test_every_processor_has_its_registers_in_notes(machine: Machine, tmp_path: Path) -> None:
    partition = machine.add_partition(memory="16M", processors=3)
    crashing(partition)
    partition.run(seconds=1)
    processors = partition.composition.partition.processors
    processors[2].registers.set_gpr(31, 0xABCD)
    processors[1].registers.set_vsr(33, 0x0102030405060708090A0B0C0D0E0F10)
    processors[0].registers.vscr, processors[1].registers.vscr = 0, 0x10001
    partition.dump(tmp_path / "core")
    with (tmp_path / "core").open("rb") as file:
        found = notes(ELFFile(file))
    statuses = [note["n_descdata"] for note in found if note["n_type"] == "NT_PRSTATUS"]
    assert len(statuses) == 3
    registers = [struct.unpack_from(">48Q", text, REGISTERS_OFFSET) for text in statuses]
    assert registers[0][20:22] == (77, 0x123456789ABCDEF0)
    assert registers[0][32] == processors[0].registers.nip
    assert registers[2][31] == 0xABCD
    assert [struct.unpack_from(">I", text, 32)[0] for text in statuses] == [1, 2, 3]
    assert {len(note["n_descdata"]) for note in found} == {504, 264, 544, 256}
    vectors = [note["n_descdata"] for note in found if len(note["n_descdata"]) == 544]
    assert vectors[1][16:32] == bytes(range(1, 17))
    assert vectors[1][512:528] == (0x10001).to_bytes(16, "big")
    assert vectors[0][512:528] == bytes(16)


def test_the_vmcoreinfo_of_a_kernel_becomes_a_note(machine: Machine, tmp_path: Path) -> None:
    partition = machine.add_partition(memory="16M")
    text = b"OSRELEASE=6.1\nPAGESIZE=65536\n"
    partition.memory.write(0x2000, b"VMCOREINFO\0" + b"not a note")
    # The name crosses from one block of the copy to the next.
    header = struct.pack(">III", 11, len(text), 0)
    partition.memory.write(0x1FFF0 - 8, header + b"VMCOREINFO\0\0" + text)
    partition.dump(tmp_path / "core")
    with (tmp_path / "core").open("rb") as file:
        (found,) = (n for n in notes(ELFFile(file)) if n["n_name"] == "VMCOREINFO")
    assert found["n_descdata"] == text


@pytest.mark.parametrize(
    ("size", "kind", "start"),
    [(0xFFFFFFFF, 0, b"OSRELEASE="), (64, 1, b"OSRELEASE="), (64, 0, b"anything")],
)
def test_what_only_looks_like_a_vmcoreinfo_is_left_out(
    machine: Machine, tmp_path: Path, size: int, kind: int, start: bytes
) -> None:
    partition = machine.add_partition(memory="16M")
    header = struct.pack(">III", 11, size, kind)
    for address in (0x3000, 16 * MIB - 48):
        partition.memory.write(address, header + b"VMCOREINFO\0\0" + start)
    partition.memory.write(0, b"VMCOREINFO\0")
    partition.dump(tmp_path / "core")
    with (tmp_path / "core").open("rb") as file:
        assert "VMCOREINFO" not in {note["n_name"] for note in notes(ELFFile(file))}


def test_a_guest_that_crashes_is_dumped(machine: Machine, tmp_path: Path) -> None:
    partition = machine.add_partition(memory="16M", dump_to=tmp_path / "core")
    crashing(partition)
    outcome = partition.run(seconds=1)
    assert outcome is not None
    assert outcome.ending is Ending.CRASH
    assert b"far away" in (tmp_path / "core").read_bytes()


def test_a_guest_that_ends_well_is_not_dumped(machine: Machine, tmp_path: Path) -> None:
    partition = machine.add_partition(memory="16M", dump_to=tmp_path / "core")
    partition.load(assemble_toy("hello"))
    partition.run(seconds=1)
    assert not (tmp_path / "core").exists()


def test_a_watchdog_that_dumps_and_restarts_does_both(machine: Machine, tmp_path: Path) -> None:
    partition = machine.add_partition(memory="16M", dump_to=tmp_path / "core")
    watch = "        li r4,0x103\n        li r5,1\n        li r6,2\n        hcall 0x45c\n"
    partition.load(program(watch + "        b .\n"))
    assert partition.run(seconds=0.005) is None
    assert partition.boots == 3
    assert (tmp_path / "core").exists()


@pytest.mark.parametrize("failing", ["_headers", "_note"])
def test_a_disk_that_is_full_is_reported_and_leaves_no_half_dump(
    machine: Machine, tmp_path: Path, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    partition = machine.add_partition(memory="16M", dump_to=tmp_path / "core")
    crashing(partition)
    (tmp_path / "core").write_bytes(b"the dump before")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(f"pyphyp.dump._Core.{failing}", full)
    with pytest.raises(DumpError, match="core: No space left on device"):
        partition.run(seconds=1)
    assert partition.outcome is not None
    assert partition.outcome.ending is Ending.CRASH
    assert (tmp_path / "core").read_bytes() == b"the dump before"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(shutil.which("gdb-multiarch") is None, reason="no gdb-multiarch")
def test_gdb_reads_registers_and_storage(machine: Machine, tmp_path: Path) -> None:
    partition = machine.add_partition(memory="16M", processors=2, dump_to=tmp_path / "core")
    crashing(partition)
    partition.run(seconds=1)
    questions = ("info threads", "p $r21", "x/s 0x5000", "x/s 0xc000000000005000")
    asked = [part for question in questions for part in ("-ex", question)]
    shown = subprocess.run(
        ["gdb-multiarch", "-batch", "-nx", "-c", str(tmp_path / "core"), *asked],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "LWP 2" in shown
    assert str(0x123456789ABCDEF0) in shown
    assert shown.count('"no more"') == 2


def test_the_command_dumps_a_crash_and_says_so(tmp_path: Path) -> None:
    source = tmp_path / "guest.s"
    source.write_text(STOPS_ITSELF)
    done = subprocess.run(
        [*PYPHYP, "run", str(source), "--memory", "16M", "--dump-to", str(tmp_path / "core")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert f"dump written to {tmp_path}/core" in done.stderr
    assert (tmp_path / "core").read_bytes().startswith(b"\x7fELF")


def test_the_command_refuses_a_dump_it_could_not_write_before_it_runs(tmp_path: Path) -> None:
    done = subprocess.run(
        [*PYPHYP, "run", "hello", "--dump-to", str(tmp_path / "missing" / "core")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "there can be no dump: there is no directory" in done.stderr
    assert done.stdout == ""
