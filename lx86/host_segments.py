"""Instructions about segments: loads of selectors, far branches, and what descriptors tell.

Privilege is always 3, and the stack's segment is flat: other stacks are refused with #GP.  As
elsewhere in `host`, each function takes the state before its instruction and leaves EIP behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .architecture import X86_64
from .cpu import USER_CODE, USER_DATA, Trap, Vector
from .flags import ZF
from .instruction import SS, TRANSFERS, Imm, Instruction, Mem, Reg, Seg

if TYPE_CHECKING:
    from .cpu import X86State
    from .segments import Descriptor
    from .storage import Storage

REGISTERS = X86_64.registers
"""All; an i386 program uses the first eight."""
SEGMENT_REGISTERS = ("es", "cs", "ss", "ds", "fs", "gs")
FAR_LOADS = {"les": 0, "lds": 3, "lss": 2, "lfs": 4, "lgs": 5}
QUESTIONS = frozenset(["lar", "lsl", "verr", "verw", "arpl"])
"""They answer in ZF and leave the other flags."""
_OFFSETS = 0xFFFF_FFFF
_RETURNED_FLAGS = 0x0025_4DD5 | 0x100


def effective(m: Mem, s: X86State) -> int:
    """The linear address of a storage operand."""
    at = m.displacement
    if m.base >= 0:
        at += getattr(s, REGISTERS[m.base])
    if m.index >= 0:
        at += getattr(s, REGISTERS[m.index]) << m.shift
    if m.short:
        at &= 0xFFFFFFFF if m.long else 0xFFFF
    return at + base_of(s, m.segment) & (X86_64.mask if m.long else _OFFSETS)


def base_of(s: X86State, segment: int) -> int:
    if segment > 3:
        return s.fs_base if segment == 4 else s.gs_base
    return s.bases[segment]


class Segments:
    """They act on one program's storage."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def execute(self, i: Instruction, s: X86State) -> Trap | None:
        """Raises `StorageFault`; `s` is then as it was."""
        if i.name in TRANSFERS:
            return self._transfer(i, s)
        if i.name in QUESTIONS:
            self._question(i, s)
            s.eip = i.next
            return None
        return self._load(i, s)

    # -- loads -----------------------------------------------------------------------------

    def _load(self, i: Instruction, s: X86State) -> Trap | None:
        """MOV and POP to a segment register, and LES and its kin."""
        target, size = i.operands[0], i.size
        if i.name == "pop":
            assert isinstance(target, Seg)
            number, selector = target.number, self._number(s.esp, 2, s.mask)
        elif i.name == "mov":
            assert isinstance(target, Seg)
            number, selector = target.number, self._read(i, 1, s) & 0xFFFF
        else:
            source = i.operands[1]
            assert isinstance(source, Mem)
            at = effective(source, s)
            number, selector = FAR_LOADS[i.name], self._number(at + size, 2, s.mask)
            offset = self._number(at, size, s.mask)
        if refused := refusal(s, number, selector):
            return refused
        setattr(s, SEGMENT_REGISTERS[number], selector)
        if number > 3:
            setattr(s, f"{SEGMENT_REGISTERS[number]}_base", s.segment_base(selector))
        if i.name == "pop":
            s.esp = s.esp + size & s.mask
        elif i.name != "mov":
            self._write(i, offset, s)
        s.eip = i.next
        return None

    def _number(self, address: int, size: int, mask: int = _OFFSETS) -> int:
        return int.from_bytes(self._storage.read(address & mask, size), "little")

    def _read(self, i: Instruction, operand: int, s: X86State) -> int:
        source = i.operands[operand]
        if isinstance(source, Mem):
            return self._number(effective(source, s), source.size, s.mask)
        assert isinstance(source, Reg)
        value: int = getattr(s, REGISTERS[source.number])
        return value

    def _write(self, i: Instruction, value: int, s: X86State) -> None:
        """To the first operand, a register of which `size` bytes change."""
        target = i.operands[0]
        assert isinstance(target, Reg)
        name, mask = REGISTERS[target.number], (1 << 8 * target.size) - 1
        setattr(s, name, getattr(s, name) & ~mask | value & mask)

    # -- branches --------------------------------------------------------------------------

    def _transfer(self, i: Instruction, s: X86State) -> Trap | None:
        """CALL, JMP, RET and IRET between segments; those within one whose EIP has 16 bits."""
        width, esp, selector = i.size, s.esp, s.cs
        if i.name in ("lret", "iret", "retw"):
            offset, esp = self._number(esp, width), esp + width
            if i.name != "retw":
                selector, esp = self._number(esp, width) & 0xFFFF, esp + width
            if i.name == "iret":
                flags, esp = self._number(esp, width), esp + width
            elif i.operands and isinstance(released := i.operands[0], Imm):
                esp += released.value
        else:
            offset, selector = self._where(i, s)
        if selector != s.cs and (refused := self._refusal(i, s, selector)):
            return refused
        if i.name in ("lcall", "callw"):
            words = (i.next, s.cs) if i.name == "lcall" else (i.next,)
            image = b"".join((w & (1 << 8 * width) - 1).to_bytes(width, "little") for w in words)
            esp -= len(image)
            self._storage.write(esp & _OFFSETS, image)
        if i.name == "iret":
            mask = _RETURNED_FLAGS & (1 << 8 * width) - 1
            s.eflags = s.eflags & ~mask | flags & mask
        s.cs, s.esp, s.eip = selector | 3, esp & _OFFSETS, offset & (1 << 8 * width) - 1
        return None

    @staticmethod
    def _refusal(i: Instruction, s: X86State, selector: int) -> Trap | None:
        if i.name in ("lret", "iret") and selector & 3 != 3:  # to more privilege
            return Trap(Vector.GENERAL_PROTECTION, selector & 0xFFFC)
        return code_refusal(s, selector)

    def _where(self, i: Instruction, s: X86State) -> tuple[int, int]:
        target = i.operands[0]
        if isinstance(target, Imm):
            far = i.operands[1] if len(i.operands) > 1 else None
            return target.value, far.value & 0xFFFF if isinstance(far, Imm) else s.cs
        if isinstance(target, Mem) and i.name in ("lcall", "ljmp"):
            at = effective(target, s)
            return self._number(at, i.size), self._number(at + i.size, 2)
        return self._read(i, 0, s), s.cs

    # -- what descriptors tell -------------------------------------------------------------

    def _question(self, i: Instruction, s: X86State) -> None:
        if i.name == "arpl":
            answer = self._adjust(i, s)
        else:
            selector = self._read(i, len(i.operands) - 1, s) & 0xFFFF
            found = s.descriptor(selector) if selector > 3 else None
            answer = found is not None and _answers(i.name, found)
            if found is not None and i.name in ("lar", "lsl"):
                self._write(i, found.rights if i.name == "lar" else found.last, s)
        s.eflags = s.eflags & ~ZF | (ZF if answer else 0)

    def _adjust(self, i: Instruction, s: X86State) -> bool:
        """ARPL: raise the first operand's lowest two bits to the second's."""
        first, level = self._read(i, 0, s) & 0xFFFF, self._read(i, 1, s) & 3
        if first & 3 >= level:
            return False
        target = i.operands[0]
        if isinstance(target, Mem):
            changed = (first & ~3 | level).to_bytes(2, "little")
            self._storage.write(effective(target, s), changed)
        else:
            self._write(i, first & ~3 | level, s)
        return True


def _answers(name: str, found: Descriptor) -> bool:
    if name == "verr":
        return found.readable
    return found.writable if name == "verw" else True


def refusal(s: X86State, number: int, selector: int) -> Trap | None:
    """The trap that loading a selector into a segment register other than CS has, or None."""
    error = selector & 0xFFFC
    stack = number == SS
    if selector | 3 == USER_DATA and (not stack or selector == USER_DATA):
        return None
    if selector < 4:
        return Trap(Vector.GENERAL_PROTECTION, 0) if stack else None
    found = s.descriptor(selector)
    if found is None or not found.readable:
        return Trap(Vector.GENERAL_PROTECTION, error)
    if stack and (selector & 3 != 3 or not found.writable):
        return Trap(Vector.GENERAL_PROTECTION, error)
    if not found.present:
        return Trap(Vector.STACK if stack else Vector.SEGMENT_NOT_PRESENT, error)
    if stack and (found.base or not found.big):
        return Trap(Vector.GENERAL_PROTECTION, error)
    return None


def code_refusal(s: X86State, selector: int) -> Trap | None:
    """The trap that a branch to another code segment has, or None."""
    error = selector & 0xFFFC
    if selector | 3 == USER_CODE:
        return None
    found = s.descriptor(selector)
    if selector < 4 or found is None or not found.is_code:
        return Trap(Vector.GENERAL_PROTECTION, error)
    return None if found.present else Trap(Vector.SEGMENT_NOT_PRESENT, error)
