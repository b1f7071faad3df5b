"""The engine: counted time, code that changes, stopping, and what it refuses."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import emu.engine
from emu.assembler import assemble
from emu.engine import Engine, EngineError
from emu.exits import Hypercall, Preempted
from emu.memory import MIB, Memory, StorageError

from .machine import REAL, Bare, bare

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOP = "0: addi r3,r3,1\n addi r3,r3,1\n bdnz 0b\n sc 1"
FOREVER = "b ."
HERE = 0x4000
API_SOURCE = Path(emu.engine.__file__).parent / "native" / "unicorn_api.c"


@pytest.fixture
def cpu() -> Iterator[Bare]:
    with bare() as machine:
        yield machine


# ---- time ----------------------------------------------------------------------------------


def test_each_instruction_is_one_tick_of_time_base_purr_spurr_and_vtb(cpu: Bare) -> None:
    cpu.registers.set_spr("ctr", 1000)
    registers = cpu.run(
        f"{LOOP.removesuffix('sc 1')} mfspr r5,309\n mfspr r6,308\n mfspr r7,849\n mftb r8\n sc 1"
    )
    assert cpu.engine.counts().instructions == 3000 + 5
    assert cpu.engine.time_base == 3000 + 5
    # The block's own instructions are counted as it starts.
    assert [registers.gpr(n) for n in (5, 6, 7, 8)] == [3005] * 4


def test_a_budget_ends_at_a_block_and_loses_nothing(cpu: Bare) -> None:
    cpu.registers.set_spr("ctr", 10_000)
    cpu.registers.nip = cpu.load(LOOP, HERE)
    cpu.registers.msr = REAL
    runs = 0
    while isinstance(cpu.engine.run(cpu.engine.time_base + 101), Preempted):
        runs += 1
    assert cpu.registers.gpr(3) == 20_000
    assert cpu.engine.time_base == 30_001
    assert 280 < runs < 300


def test_the_decrementer_counts_down_one_a_tick_and_interrupts_once_negative(cpu: Bare) -> None:
    cpu.load("mfspr r5,22\n mtspr 22,r6\n mftb r7\n rfid", 0x900)
    cpu.registers.set_spr("dec", 100)
    cpu.registers.set_spr("ctr", 1000)
    cpu.run(LOOP, REAL.replace(EE=1), r6=0x7FFF_FFFF)
    assert cpu.registers.gpr(7) in range(101, 110)
    assert cpu.registers.gpr(5) >= 0xFFFF_FFF0  # a 32-bit register, just below zero
    assert cpu.engine.counts().interrupts == {0x900: 1}


def test_the_decrementer_interrupts_again_while_it_stays_negative(cpu: Bare) -> None:
    cpu.load("addi r9,r9,1\n cmpdi r9,5\n bne 0f\n sc 1\n0: rfid", 0x900)
    cpu.registers.set_spr("dec", -1)
    cpu.load(FOREVER, HERE)
    assert isinstance(cpu.enter(HERE, REAL.replace(EE=1), r9=0), Hypercall)
    assert cpu.engine.counts().interrupts == {0x900: 5}


def test_an_endless_storage_interrupt_uses_up_its_budget(cpu: Bare) -> None:
    assert isinstance(cpu.enter(0x7654_3210), Preempted)  # nothing there
    cpu.registers.msr = REAL.replace(IR=1)  # no table: the handler is nowhere too
    assert isinstance(cpu.engine.run(cpu.engine.time_base + 1000), Preempted)


def test_idle_time_passes_without_instructions(cpu: Bare) -> None:
    cpu.engine.advance_time_base(5000)
    assert cpu.engine.time_base == 5000
    assert cpu.engine.counts().instructions == 0


def test_the_time_base_goes_back_and_purr_and_decrementer_stay(cpu: Bare) -> None:
    cpu.registers.set_spr("dec", 3000)
    cpu.run("nop\n nop\n sc 1")
    now, purr = cpu.engine.time_base, cpu.registers.spr("purr")
    cpu.engine.set_time_base(now + 2000)
    cpu.engine.set_time_base(now - 1)
    assert (cpu.engine.time_base, cpu.registers.spr("purr")) == (now - 1, purr)
    assert cpu.engine.decrementer_due(0) == 3001


# ---- code that changes ---------------------------------------------------------------------


def test_code_written_from_outside_runs_as_written(cpu: Bare) -> None:
    assert cpu.run("li r3,1\n sc 1").gpr(3) == 1
    assert cpu.run("li r3,2\n sc 1").gpr(3) == 2


def test_code_that_a_guest_overwrites_runs_as_overwritten(cpu: Bare) -> None:
    source = """
        bl      patched
        mr      r4,r3
        lwz     r5,other(0)
        stw     r5,patched(0)
        bl      patched
        sc      1
patched: li     r3,1
        blr
other:  li      r3,2
    """
    registers = cpu.run(source)
    assert (registers.gpr(4), registers.gpr(3)) == (1, 2)


def test_code_overwritten_again_and_again_always_runs_as_overwritten(cpu: Bare) -> None:
    source = """
        li      r4,0            # the sum of what the patched code gave
        li      r6,1000
        mtctr   r6
        lwz     r5,patched(0)
1:      addi    r5,r5,1         # li r3,N becomes li r3,N+1
        stw     r5,patched(0)
        mfctr   r7
        bl      patched
        add     r4,r4,r3
        mtctr   r7
        bdnz    1b
        sc      1
patched: li     r3,0
        blr
    """
    assert cpu.run(source).gpr(4) == 1000 * 1001 // 2


def test_code_overwritten_through_a_second_mapping_runs_as_overwritten(cpu: Bare) -> None:
    """The writer's translation is cached and seen writing before any code is there."""
    table, process, code, alias = 0x60000, 0x5F000, 0x8000, 0x9000
    read_write, executable, page = 0x187 & ~1, 0x187 & ~2, 0x10000
    cpu.memory.write_u64(process, 0x2000_0000_0000_00A5 | table)
    for level in range(3):
        below = table + 0x1000 * (level + 1)
        cpu.memory.write_u64(table + 0x1000 * level, 1 << 63 | below | 9)
    for address, real, rights in (
        (HERE, HERE, executable),
        (code, page, executable),
        (alias, page, read_write),
    ):
        leaf = 0xC000_0000_0000_0000 | real | rights
        cpu.memory.write_u64(table + 0x3000 + address // 0x1000 * 8, leaf | 1 << 3)
    cpu.engine.set_process_table(process, 0x1000)
    first, second, back = (
        int.from_bytes(assemble(text).image(), "big") for text in ("li r3,1", "li r3,2", "blr")
    )
    source = """
        mtctr   r8
        stw     r5,0(r10)
        stw     r6,4(r10)       # the alias is now written to without further notice
        stw     r6,4(r10)
        bctrl
        mr      r4,r3
        stw     r6,8(r10)       # next to the code
        stw     r7,0(r10)       # and the code itself
        bctrl
        sc      1
    """
    relocated = REAL.replace(IR=1, DR=1)
    cpu.load(source, HERE)
    cpu.enter(HERE, relocated, r5=first, r6=back, r7=second, r8=code, r10=alias)
    assert (cpu.registers.gpr(4), cpu.registers.gpr(3)) == (1, 2)


# ---- stopping and refusing -----------------------------------------------------------------


def test_another_thread_can_stop_a_running_engine(cpu: Bare) -> None:
    cpu.load(FOREVER, HERE)
    cpu.registers.nip = HERE
    cpu.registers.msr = REAL
    stopper = threading.Timer(0.05, cpu.engine.stop)
    stopper.start()
    assert isinstance(cpu.engine.run(1 << 62), Preempted)
    stopper.join()


def test_two_engines_run_side_by_side_on_two_threads() -> None:
    with bare() as one, bare() as other:
        outcomes = {}

        def work(cpu: Bare, times: int) -> None:
            cpu.registers.set_spr("ctr", times)
            outcomes[times] = cpu.run(LOOP).gpr(3)

        threads = [
            threading.Thread(target=work, args=args) for args in ((one, 100_000), (other, 90_000))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outcomes == {100_000: 200_000, 90_000: 180_000}


FOREIGN_UNICORN = """
    unsigned uc_version(unsigned *major, unsigned *minor) { return 2u << 24 | 2u << 16; }
"""


def test_another_unicorn_is_refused_with_the_version_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "foreign.c"
    entry_points = re.findall(r'{"((?:uc_|tb_|tlb_|helper_|ppc_)\w+)"', API_SOURCE.read_text())
    source.write_text(
        FOREIGN_UNICORN
        + "".join(f"void {name}(void) {{}}" for name in entry_points if name != "uc_version")
    )
    library = tmp_path / "libunicorn.so.2"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
    monkeypatch.setattr(emu.unicorn_library, "path", lambda: bytes(library))
    with (
        Memory(MIB) as memory,
        pytest.raises(EngineError, match=r"this is Unicorn 2\.2\.0; .* unicorn==2\.1\.4"),
    ):
        Engine(memory)


def test_every_special_purpose_register_can_be_read_and_written_by_any_guest(cpu: Bare) -> None:
    for vector in (0x700, 0xF60):  # go on behind whatever was refused
        cpu.load("mfsrr0 r4\n addi r4,r4,4\n mtsrr0 r4\n rfid", vector)
    spared = {22, 26, 27}  # the decrementer and what the handler returns with
    code = "\n".join(
        f"mfspr r3,{n}\n mtspr {n},r3\n li r3,-1\n mtspr {n},r3"
        for n in range(1024)
        if n not in spared
    )
    assert isinstance(cpu.enter(cpu.load(f"{code}\n sc 1", HERE)), Hypercall)


# ---- registers and storage -----------------------------------------------------------------


def test_registers_written_from_outside_are_what_the_guest_reads(cpu: Bare) -> None:
    registers = cpu.registers
    registers.set_spr("xer", 0xE00C_0000)
    registers.cr = 0x1234_5678
    registers.set_spr("lr", 0x1000)
    registers.set_spr("ctr", 0x2000)
    registers.set_spr("sprg2", 77)
    cpu.run("mfxer r3\n mfcr r4\n mflr r5\n mfctr r6\n mfsprg r7,2\n sc 1")
    assert [registers.gpr(n) for n in range(3, 8)] == [
        *(0xE00C_0000, 0x1234_5678, 0x1000, 0x2000, 77)
    ]
    assert registers.spr("xer") == 0xE00C_0000
    assert registers.cr == 0x1234_5678


def test_vector_and_floating_point_registers_are_one_file(cpu: Bare) -> None:
    cpu.registers.set_vsr(1, 0x3FF8_0000_0000_0000 << 64)  # f1 = 1.5
    cpu.run("fadd f2,f1,f1\n vspltisb v0,-1\n sc 1", REAL.replace(FP=1, VEC=1))
    assert cpu.registers.vsr(2) >> 64 == 0x4008_0000_0000_0000
    assert cpu.registers.vsr(32) == (1 << 128) - 1


def test_storage_outside_the_partition_is_refused_with_the_numbers() -> None:
    with Memory(MIB) as memory:
        for address, length in ((MIB - 1, 2), (1 << 64, 1), (-1, 1)):
            with pytest.raises(StorageError, match="lie outside"):
                memory.read(address, length)
            with pytest.raises(StorageError):
                memory.write(address, bytes(length))


def test_opening_an_engine_leaves_storage_and_registers_zero(cpu: Bare) -> None:
    assert cpu.memory.read(0, MIB) == bytes(MIB)
    assert all(cpu.registers.gpr(n) == 0 for n in range(32))
    assert cpu.engine.counts().instructions == 0


def test_a_stop_before_running_ends_the_next_run_at_once(cpu: Bare) -> None:
    cpu.engine.stop()
    started = time.monotonic()
    assert isinstance(cpu.enter(cpu.load(FOREVER, HERE)), Preempted)
    assert time.monotonic() - started < 5
    assert cpu.engine.time_base == 0
