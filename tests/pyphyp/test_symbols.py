"""Names for addresses, and the backtraces they make readable."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import pytest

from emu.assembler import assemble
from emu.backtrace import LIMIT, backtrace
from emu.bits import ByteOrder
from emu.elf_writer import write_elf
from firmware import services
from firmware.rtas import RtasTable
from pyphyp.report import trace_stack
from pyphyp.symbols import Symbols, SymbolsError, of_elf, of_file, of_map

from .guests import FOREVER, PRELUDE, rtas
from .test_cli import run

if TYPE_CHECKING:
    from pathlib import Path

    from pyphyp import Machine, Partition

ORDERS = pytest.mark.parametrize("order", list(ByteOrder))
NESTED = """
        .org    0x1000
        .globl  _start, outer, inner
_start: load64  r1,0x20000
        li      r0,0
        std     r0,0(r1)
        bl      outer
outer:  mflr    r0
        std     r0,16(r1)
        stdu    r1,-64(r1)
        bl      inner
        nop
inner:  mflr    r0
        std     r0,16(r1)
        stdu    r1,-64(r1)
        b       .
"""


def stopped(machine: Machine, order: ByteOrder) -> Partition:
    """A partition in `inner`."""
    partition = machine.add_partition(memory="16M")
    partition.load(write_elf(assemble(NESTED, byte_order=order)))
    partition.run(instructions=100)
    return partition


@ORDERS
def test_a_backtrace_follows_the_back_chain(machine: Machine, order: ByteOrder) -> None:
    lines = trace_stack(stopped(machine, order)).splitlines()[1:]
    names = [re.sub(r".*\] ?|[()]", "", line).split()[-1] for line in lines]
    assert names == ["inner+0xc", "outer+0x10", "outer+0x10", "outer"]


@ORDERS
def test_a_backtrace_ends_wherever_the_stack_makes_no_sense(
    machine: Machine, order: ByteOrder
) -> None:
    partition = stopped(machine, order)
    engine, generator = partition.composition.partition.engine, random.Random(7)
    for _ in range(200):
        partition.memory.write(0x1F000, generator.randbytes(0x1000))
        for at in range(0x1F000, 0x20000, 64):
            if generator.random() < 0.8:
                caller = (at + 64 * generator.randrange(1, 3)).to_bytes(8, order.value)
                partition.memory.write(at, caller)
        start = generator.choice([0x1F000, 0x1F040, 3, (1 << 64) - 8, 0xFFFFF8])
        partition.registers.set_gpr(1, start)
        frames = backtrace(engine, partition.memory)
        assert 2 <= len(frames) <= LIMIT
        assert frames[0].address == partition.registers.nip


def test_a_ring_of_frames_ends(machine: Machine) -> None:
    partition = stopped(machine, ByteOrder.BIG)
    partition.memory.write_u64(0x1F000, 0x1F040)
    partition.memory.write_u64(0x1F040, 0x1F000)
    partition.memory.write_u64(0x1F050, 0x1234)
    partition.registers.set_gpr(1, 0x1F000)
    engine = partition.composition.partition.engine
    assert len(backtrace(engine, partition.memory)) == 3


def test_a_name_is_the_nearest_below() -> None:
    symbols = Symbols([(0x1000, "first"), (0x2000, "second")])
    assert symbols.name(0x1000) == "first"
    assert symbols.name(0x1FFC) == "first+0xffc"
    assert symbols.name(0x2004) == "second+0x4"
    assert symbols.name(0xFFC) == ""
    assert symbols.name(0x2000 + (1 << 20)) == ""


def test_a_kernel_in_real_mode_has_the_names_of_its_virtual_addresses() -> None:
    assert Symbols([(0xC000000000000C00, "system_call")]).name(0xC04) == "system_call+0x4"


def test_system_maps_are_read() -> None:
    text = "c000000000000000 T _stext\nc000000000000100 t local\nc000000001000000 D data\n"
    symbols = of_map(text)
    assert symbols.name(0xC000000000000104) == "local+0x4"
    assert symbols.place(0xC000000001000008) == "data+0x8"
    assert symbols.name(0xC000000001000008) == ""
    assert len(symbols) == 3
    with pytest.raises(SymbolsError, match="line 2"):
        of_map("c000000000000000 T _stext\nnonsense\n")


def test_a_file_without_symbols_is_refused() -> None:
    with pytest.raises(SymbolsError):
        of_file(b"\x7fELF cut short")
    assert len(of_elf(b"\x7fELF cut short")) == 0


def test_a_crash_shows_who_called(tmp_path: Path) -> None:
    source, names = tmp_path / "crash.s", tmp_path / "System.map"
    table = RtasTable(lambda: services.ALL)
    body = NESTED.replace("        b       .\n", rtas(table.token("ibm,os-term"), 0x3000) + FOREVER)
    source.write_text(PRELUDE + body)
    done = run("run", str(source))
    assert done.returncode == 3
    assert re.search(r"backtrace:\n.*  inner\+0x.*\n.*  outer\+0x10\)\n", done.stderr)
    names.write_text("0000000000001000 T of_the_map\n")
    done = run("run", str(source), "--symbols", str(names))
    assert "of_the_map+0x" in done.stderr
    done = run("run", str(source), "--symbols", str(source))
    assert done.returncode == 1
    assert "none of a System.map" in done.stderr
