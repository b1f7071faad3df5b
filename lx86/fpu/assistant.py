"""Carries out instructions of x87, MMX and SSE for translated code that could not (`Assist`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import flags
from ..convention import PARITY
from ..cpu import Access, Exit, Fault, Trap, Vector
from ..host_segments import REGISTERS, base_of, effective
from ..instruction import Mem
from ..storage import StorageFault
from .interpret import interpret
from .known import KEY
from .operation import Operation, Refused, Undefined

if TYPE_CHECKING:
    from emu.registers import Registers

    from ..cpu import X86State
    from ..instruction import Instruction
    from ..storage import Storage
    from .file import RegisterFile
    from .lowering import Assist

_CARRY = 1 << 29
"""XER.CA."""


class _Bytes:
    """The program's storage; `access` is what the last access was."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.access = Access.READ

    def read(self, address: int, length: int) -> bytes:
        self.access = Access.READ
        return self._storage.read(address, length)

    def write(self, address: int, data: bytes) -> None:
        self.access = Access.WRITE
        self._storage.write(address, data)

    def probe(self, address: int) -> None:
        self.access = Access.WRITE
        self._storage.probe(address)


class Assistant:
    def __init__(self, file: RegisterFile, registers: Registers, storage: Storage) -> None:
        self._file, self._registers, self._storage = file, registers, storage

    def check(self, a: Assist) -> int | Exit | None:
        """R1 is not as the code expects: where to go on, or None where other code is needed."""
        expected = a.after.stack
        assert expected is not None
        if expected.mmx:
            if self._file.read(a.before).status & 0x80:
                return Trap(Vector.X87_ERROR)
            self._file.settle(a.before)
            self._file.use_mmx(True)
            self._file.unsettle(a.after)
            return a.resume
        if self._registers.gpr(KEY) >> 31 & 1:
            self._file.settle(a.before)
            self._file.use_mmx(False)
            self._file.unsettle(a.after)
            if self._registers.gpr(KEY) == expected.key:
                return a.resume
        return None

    def carry_out(self, a: Assist, s: X86State) -> int | Exit | None:
        """`s` is the state before the instruction.  Where to go on; None: at the EIP of `s`."""
        i = a.instruction
        assert i is not None
        bytes_ = _Bytes(self._storage)
        general = [getattr(s, name) for name in REGISTERS]
        floating = self._file.read(a.before)
        op = Operation(i, floating, bytes_, general, s.eflags, _address(i, s), mask=s.mask)
        try:
            interpret(op)
        except StorageFault as fault:
            self._file.settle(a.before)
            return Fault(fault.address, bytes_.access)
        except Undefined:
            self._file.settle(a.before)
            return Trap(Vector.INVALID_OPCODE)
        except Refused as refused:
            self._file.write(floating)
            return Trap(refused.vector)
        fits = self._file.write(floating, a.after)
        for name, value in zip(REGISTERS, general, strict=True):
            setattr(s, name, value)
        s.eflags, s.eip = op.eflags, i.next
        if not fits:
            return None
        if a.general is not None and a.general[0] in op.written:
            self._registers.set_gpr(a.general[1], general[a.general[0]])
        if op.flags_written:
            self._tell_flags(a.live, op.eflags)
        return a.resume

    def _tell_flags(self, live: int, eflags: int) -> None:
        registers = self._registers
        cr, parity, adjust = flags.to_fields(eflags)
        mask = 0xFFF00000 | 0xF << 8  # CR0, CR1, CR2, CR5
        registers.cr = registers.cr & ~mask | cr & mask
        registers.set_gprs(PARITY, (parity, adjust))
        if live & flags.X:
            xer = registers.spr("xer")
            registers.set_spr("xer", xer & ~_CARRY | (_CARRY if eflags & flags.CF else 0))


def _address(i: Instruction, s: X86State) -> int:
    if i.operands and isinstance(i.operands[0], Mem):
        return effective(i.operands[0], s)
    if i.name == "simd" and i.opcode == 0x0FF7:  # MASKMOVQ: where EDI points
        return s.edi + base_of(s, i.segment) & (1 << 64) - 1
    return 0
