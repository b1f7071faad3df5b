"""A fault of the engine itself is an exit of the one core, not the end of the process."""

from __future__ import annotations

import ctypes
import mmap
import os
from typing import TYPE_CHECKING

import pytest

from emu.engine import Engine
from emu.exits import Checkstop, Preempted
from emu.memory import MIB, Memory
from emu.native import ffi, lib

from .machine import BUDGET, Bare, bare

if TYPE_CHECKING:
    from pathlib import Path

PLACE = 0x40000
STORES = f"""
_start: lis     r4,{PLACE >> 16}
1:      ld      r3,0(r4)
        addi    r3,r3,1
        std     r3,0(r4)
        b       1b
"""
_libc = ctypes.CDLL(None, use_errno=True)


def protect(memory: Memory, address: int, protection: int) -> None:
    """What may be done with a page of storage, behind the back of the engine."""
    at = int(ffi.cast("uintptr_t", memory.pointer)) + address
    done = _libc.mprotect(ctypes.c_void_p(at), ctypes.c_size_t(mmap.PAGESIZE), protection)
    assert done == 0


def test_a_fault_in_translated_code_is_a_checkstop() -> None:
    with bare() as failing, bare() as other:
        assert isinstance(failing.enter(failing.load(STORES)), Preempted)
        protect(failing.memory, PLACE, 0)
        left = failing.engine.run(failing.engine.time_base + BUDGET)
        assert isinstance(left, Checkstop)
        assert left.reason.startswith("the engine failed: an address that is not there, near 0x")
        protect(failing.memory, PLACE, mmap.PROT_READ | mmap.PROT_WRITE)
        again = failing.engine.run(failing.engine.time_base + BUDGET)
        assert again == left
        assert failing.registers.gpr(4) == PLACE
        assert isinstance(other.enter(other.load(STORES)), Preempted)
        assert other.memory.u64(PLACE) > 1000


def test_storage_whose_file_is_cut_ends_nobody_else(tmp_path: Path) -> None:
    file = tmp_path / "storage"
    file.write_bytes(bytes(MIB))
    descriptor = os.open(file, os.O_RDWR)
    with bare() as failing:
        assert not lib.storage_map_file(failing.memory.pointer, 0, MIB // 2, descriptor, 0)
        failing.load(STORES)
        os.ftruncate(descriptor, PLACE)
        os.close(descriptor)
        left = failing.enter(0)
        assert isinstance(left, Checkstop)
        assert "storage whose file is cut" in left.reason


def test_a_broken_engine_takes_every_call_and_closes() -> None:
    with bare() as failing:
        engine = failing.engine
        second = engine.add_processor()
        protect(failing.memory, PLACE, 0)
        assert isinstance(failing.enter(failing.load(STORES)), Checkstop)
        engine.select(second)
        assert engine.registers.gpr(4) == 0
        engine.select(0)
        assert engine.registers.gpr(4) == PLACE
        protect(failing.memory, PLACE, mmap.PROT_READ | mmap.PROT_WRITE)
        failing.memory.write(0x100, b"text")
        assert failing.memory.read(0x100, 4) == b"text"
        assert engine.translate(PLACE) == PLACE
        assert engine.counts().entries >= 1


@pytest.mark.parametrize("protection", [0, mmap.PROT_READ])
def test_what_the_hypervisor_stores_there_breaks_the_engine_too(protection: int) -> None:
    with Memory(MIB) as memory:
        engine = Engine(memory)
        protect(memory, PLACE, protection)
        memory.write(PLACE, bytes(8))
        protect(memory, PLACE, mmap.PROT_READ | mmap.PROT_WRITE)
        machine = Bare(memory, engine)
        assert isinstance(machine.enter(machine.load(STORES)), Checkstop)
        engine.close()
