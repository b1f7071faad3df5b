"""Repeated string instructions, of which translated code takes many elements at once.

They leave registers, flags and storage as element after element would, also where a page ends.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lx86.cpu import Access, Exit, Fault, Preempted, SystemCall
from lx86.storage import EXECUTE, PAGE, READ, WRITE, Storage
from lx86.translating_cpu import TranslatingCpu
from lx86.unicorn_cpu import UnicornCpu

if TYPE_CHECKING:
    from lx86.cpu import Cpu

COUNT = 200
CODE, DATA, PAGES = 0x0804_8000, 0x0900_0000, 4
SIZE = PAGES * PAGE
END = DATA + SIZE
OPCODES = {"movs": 0xA4, "stos": 0xAA, "cmps": 0xA6, "scas": 0xAE}
REGISTERS = ("eax", "ecx", "esi", "edi", "eip")


@dataclass(frozen=True)
class Case:
    code: bytes
    count: int
    source: int
    target: int
    accumulator: int
    read_only: bool
    content: bytes


def case(rng: random.Random) -> Case:
    name = rng.choice(list(OPCODES))
    size = rng.choice((1, 2, 4))
    repeat = rng.choice((0xF2, 0xF3)) if name in ("cmps", "scas") else 0xF3
    code = b"\x66" * (size == 2) + bytes([repeat, OPCODES[name] + (size > 1)])
    if rng.random() < 0.2:
        code = b"\xfd" + code  # STD
    count = rng.choice((0, 1, 15, 16, 17, 63, 64, 65, rng.randrange(300), rng.randrange(3000)))
    source = rng.randrange(DATA, END)
    near = rng.random() < 0.4
    target = source + rng.randrange(-80, 81) if near else rng.randrange(DATA, END)
    if rng.random() < 0.3:  # up to the very end
        target = END - size * count + rng.choice((0, 1, 16, 100))
    read_only = rng.random() < 0.2
    if read_only or target + size * count > END:
        target &= -size  # Unicorn's x86 stores the part of an element that it can
    few = bytes(rng.randrange(256) for _ in range(rng.choice((1, 1, 1, 2))))
    content = bytearray(rng.choice(few) for _ in range(SIZE))
    for _ in range(rng.randrange(5)):
        content[rng.randrange(SIZE)] = rng.randrange(256)
    value = content[rng.randrange(SIZE)] * 0x01010101
    return Case(code, count, source, target, value, read_only, bytes(content))


def run(make: type[Cpu], c: Case, budget: int = 1 << 30) -> tuple[object, ...]:
    storage = Storage()
    cpu = make(storage)  # type: ignore[call-arg]
    try:
        storage.map(CODE, PAGE, READ | EXECUTE)
        # pushf; pop ebx; int 80h; and back to where DF is clear
        storage.load(CODE, c.code + b"\x9c\x5b\xfc\xcd\x80")
        storage.map(DATA, SIZE, READ | WRITE)
        storage.map(0x0A00_0000, PAGE, READ | WRITE)
        storage.load(DATA, c.content)
        if c.read_only:
            storage.protect(DATA + 2 * PAGE, PAGE, READ)
        s = cpu.state
        s.eip, s.esp, s.eax, s.ecx = CODE, 0x0A00_0800, c.accumulator, c.count
        s.esi, s.edi = c.source, c.target
        why: Exit = cpu.run(budget)
        while isinstance(why, Preempted):
            why = cpu.run(budget)
        flags = s.ebx & 0xCD5 if isinstance(why, SystemCall) else 0
        registers = [getattr(s, name) for name in REGISTERS]
        return why, registers, flags, storage.read(DATA, SIZE)
    finally:
        cpu.close()
        storage.close()


def test_they_do_what_they_do_element_by_element() -> None:
    rng = random.Random(6)
    faults = 0
    for number in range(COUNT):
        c = case(rng)
        expected = run(UnicornCpu, c)
        found = run(TranslatingCpu, c)
        faults += isinstance(expected[0], Fault)
        assert found == expected, f"case {number}: {c.code.hex()} {c.count}"
    assert faults > COUNT // 20


def test_they_are_interrupted_between_elements_and_go_on_there() -> None:
    rng = random.Random(7)
    for _ in range(30):
        c = case(rng)
        assert run(TranslatingCpu, c, 50) == run(TranslatingCpu, c)


def test_an_interrupted_one_stands_before_an_element() -> None:
    storage = Storage()
    cpu = TranslatingCpu(storage)
    try:
        storage.map(CODE, PAGE, READ | EXECUTE)
        storage.load(CODE, b"\xf3\xa4\xcd\x80")
        storage.map(DATA, SIZE, READ | WRITE)
        storage.load(DATA, bytes(n % 251 for n in range(PAGE)))
        s = cpu.state
        s.eip, s.ecx, s.esi, s.edi = CODE, PAGE, DATA, DATA + 2 * PAGE
        stops = 0
        while isinstance(cpu.run(30), Preempted):
            done = s.esi - DATA
            assert (s.ecx, s.edi) == (PAGE - done, DATA + 2 * PAGE + done)
            assert storage.read(DATA + 2 * PAGE, done) == storage.read(DATA, done)
            stops += 1
        assert stops > 10
        assert (s.ecx, s.esi, s.edi) == (0, DATA + PAGE, DATA + 3 * PAGE)
    finally:
        cpu.close()
        storage.close()


def test_code_that_one_writes_runs_as_it_was_written() -> None:
    storage = Storage()
    cpu = TranslatingCpu(storage)
    try:
        storage.map(DATA, SIZE, READ | WRITE | EXECUTE)
        # mov al, 1; int 80h, at the end of a page; then written over from the page before on
        storage.load(DATA + PAGE + 200, b"\xb0\x01\xcd\x80")
        cpu.state.eip = DATA + PAGE + 200
        assert cpu.run(1000) == SystemCall()
        storage.load(DATA + 3 * PAGE, b"\x90" * 1000 + b"\xb0\x02\xcd\x80")
        storage.load(DATA + 2 * PAGE, b"\xf3\xa4\xcd\x80")
        s = cpu.state
        s.eip, s.ecx, s.esi = DATA + 2 * PAGE, 1004, DATA + 3 * PAGE
        s.edi = DATA + PAGE + 204 - 1004
        assert cpu.run(100_000) == SystemCall()
        s.eip = DATA + PAGE + 200
        assert cpu.run(1000) == SystemCall()
        assert s.eax & 0xFF == 2
    finally:
        cpu.close()
        storage.close()


def test_a_fault_in_one_is_at_the_first_element_that_cannot_be() -> None:
    c = Case(b"\xf3\xab", 1000, 0, END - 996, 5, False, bytes(SIZE))
    why, registers, _, data = run(TranslatingCpu, c)
    assert why == Fault(END, Access.WRITE)
    assert registers == [5, 751, 0, END, CODE]
    assert isinstance(data, bytes)
    assert data[-996:] == b"\5\0\0\0" * 249
