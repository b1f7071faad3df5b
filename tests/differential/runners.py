"""The two that run cases: QEMU's user mode, and our core in problem state."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from emu.bits import MSR, ByteOrder
from emu.engine import Engine
from emu.exits import Hypercall
from emu.isa_level import IsaLevel
from emu.memory import MIB, Memory

from . import block, harness
from .block import State

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

EMULATORS = {ByteOrder.BIG: "qemu-ppc64", ByteOrder.LITTLE: "qemu-ppc64le"}
SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV = 4, 5, 7, 8, 11


@dataclass(frozen=True, slots=True)
class Case:
    """Instructions, and the state they start from."""

    words: tuple[int, ...]
    state: State
    slot: int = 0

    def first(self, count: int) -> Case:
        return Case(self.words[:count], self.state, self.slot)


class Runner(Protocol):
    def run(self, cases: list[Case]) -> list[State]:
        """The state behind each of at most `block.SLOTS` cases."""


def _batch(cases: list[Case], order: ByteOrder) -> tuple[bytes, bytes]:
    """Blocks and slots; what no case needs does nothing."""
    filled = [Case((), State(), slot) for slot in range(block.SLOTS)]
    for case in cases:
        filled[case.slot] = case
    blocks = b"".join(block.pack(case.state, n, order) for n, case in enumerate(filled))
    slots = b"".join(harness.slot(case.words, n, order) for n, case in enumerate(filled))
    return blocks, slots


def _states(blocks: bytes, cases: list[Case], order: ByteOrder) -> list[State]:
    size = block.BLOCK_BYTES
    return [block.unpack(blocks[c.slot * size : (c.slot + 1) * size], order) for c in cases]


class QemuDiedError(Exception):
    """The emulator ended within a batch."""


class Qemu:
    """QEMU's user mode emulation, a process that goes on from batch to batch."""

    def __init__(self, order: ByteOrder, cpu: str) -> None:
        self._order, self._cpu = order, cpu
        self._directory = tempfile.TemporaryDirectory()
        self._file = Path(self._directory.name) / "harness"
        self._file.write_bytes(harness.program(order, linux=True).elf())
        self._file.chmod(0o755)
        self._process: subprocess.Popen[bytes] | None = None

    def _start(self) -> subprocess.Popen[bytes]:
        command = [EMULATORS[self._order], "-cpu", self._cpu, str(self._file)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, cases: list[Case]) -> list[State]:
        if self._process is None:
            self._process = self._start()
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        size = block.SLOTS * block.BLOCK_BYTES
        try:
            stdin.write(b"".join(_batch(cases, self._order)))
            stdin.flush()
            blocks = stdout.read(size)
        except BrokenPipeError:
            blocks = b""
        if len(blocks) < size:
            code = self._process.wait()
            self._process = None
            raise QemuDiedError(f"{EMULATORS[self._order]} ended with {code}")
        return _states(blocks, cases, self._order)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.close()
            self._process.stdout.close()
            self._process.wait()
        self._directory.cleanup()


_PROBLEM = MSR(0).replace(SF=1, PR=1, IR=1, DR=1, FP=1, VEC=1, VSX=1, FE0=1, FE1=1, RI=1, ME=1)
_BUDGET = 100_000
_HYPERCALL = 0x4400_0022
_TABLE = 0x120000
_FACILITIES = 0x2100  # of FSCR: prefixed instructions, TAR
_LEAF = 0xC000_0000_0000_0187
# Who a program interrupt is a signal to: SRR1's bits, as Linux reads them.
_PROGRAM_SIGNALS = ((0x100000, SIGFPE), (0x20000, SIGTRAP), (0xC0000, SIGILL))
_SIGNALS = {0x300: SIGSEGV, 0x380: SIGSEGV, 0x400: SIGSEGV, 0x480: SIGSEGV, 0x600: SIGBUS}


class Ours:
    """Our core: the harness where the ELF file has it, and nothing else to be reached."""

    def __init__(self, order: ByteOrder) -> None:
        self._order = order
        self._memory = Memory(2 * MIB)
        self.engine = Engine(self._memory)
        self.engine.set_isa_level(IsaLevel.V3_1)
        self._harness = harness.program(order, linux=False)
        self._memory.write(self._harness.origin, self._harness.image())
        for vector in range(0x100, 0x1000, 0x20):
            self._memory.write_u32(vector, _HYPERCALL)
        self._map()
        self.engine.registers.set_spr("fscr", _FACILITIES)

    def _map(self) -> None:
        """Problem state may use harness, blocks and code, where they are."""
        self._memory.write_u64(_TABLE, 0x2000_0000_0000_00A5 | _TABLE + 0x1000)
        for level in range(1, 4):
            entry = 1 << 63 | _TABLE + 0x1000 * (level + 1) | 9
            self._memory.write_u64(_TABLE + 0x1000 * level, entry)
        for page in (harness.ORIGIN >> 12, *range(block.BLOCKS >> 12, block.END >> 12)):
            self._memory.write_u64(_TABLE + 0x4000 + 8 * page, _LEAF | page << 12)
        self.engine.set_process_table(_TABLE, 0x1000)

    def run(self, cases: list[Case]) -> list[State]:
        blocks, slots = _batch(cases, self._order)
        self._memory.write(block.BLOCKS, blocks + slots)
        for case in cases:
            self._run(case.slot)
        blocks = bytes(self._memory.read(block.BLOCKS, block.SLOTS * block.BLOCK_BYTES))
        return _states(blocks, cases, self._order)

    def _run(self, number: int) -> None:
        registers, address = self.engine.registers, block.block_address(number)
        registers.set_gpr(31, address)
        self._enter(self._harness.symbols["load"])
        vector = registers.nip - 4
        if vector >= 0x1000:
            return
        self._note(number, vector)
        self._enter(block.code_address(number) + 4 * block.MOST_WORDS)
        assert registers.nip >= 0x1000, registers.dump()

    def _enter(self, address: int) -> None:
        registers = self.engine.registers
        registers.msr = _PROBLEM.replace(LE=int(self._order is ByteOrder.LITTLE))
        registers.nip = address
        exit_ = self.engine.run(self.engine.time_base + _BUDGET)
        assert isinstance(exit_, Hypercall), f"{exit_}\n{registers.dump()}"

    def _note(self, number: int, vector: int) -> None:
        """What interrupted the case, as the signal that Linux would make of it."""
        signal = _SIGNALS.get(vector, 0)
        if vector == 0x700:
            srr1 = self.engine.registers.spr("srr1")
            signal = next(signal for bits, signal in _PROGRAM_SIGNALS if srr1 & bits)
        name = self._order.name_for_int
        at = block.block_address(number)
        nip = self.engine.registers.spr("srr0")
        self._memory.write(at + block.OUTCOME, (signal or vector).to_bytes(8, name))
        self._memory.write(at + block.NIP, nip.to_bytes(8, name))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.engine.close()
        self._memory.close()
