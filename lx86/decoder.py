"""From bytes to `Instruction` (SDM volume 2, chapter 2): a view of what the decoder in C says.

`emu/native/x86_decode.c` decodes, by the tables of `tables.py`; here its records become objects.
"""

from __future__ import annotations

import struct
from typing import Any

from emu.native import ffi, lib

from .instruction import Imm, Instruction, Mem, Operand, Reg, Seg
from .tables import TABLES

LONGEST = 15
_MODE_16, _MODE_64 = 1, 2
_RECORD = struct.Struct("=QQIHhBBBBBBBBBxB5x48s")
"""An `x86_instruction`; its operands, as bytes, come last,"""
_OPERAND = struct.Struct("=BBbbBBBBq")
"""and this is each of those.  Such as there is not has no size."""
_MOST = 16
"""Instructions decoded at a time."""
_MOST_OPERANDS = 1 << 16
assert _RECORD.size == ffi.sizeof("x86_instruction")
assert 3 * _OPERAND.size == 48


class Undefined(Exception):  # noqa: N818
    """No instruction that the translator knows."""


class Truncated(Exception):  # noqa: N818
    """The bytes end before the instruction does: there is none at `address`."""

    def __init__(self, address: int) -> None:
        super().__init__(f"no byte at {address:#010x}")
        self.address = address


def mode(code_16: bool, long: bool) -> int:
    """As the decoder in C is told it."""
    return (_MODE_16 if code_16 else 0) | (_MODE_64 if long else 0)


class Reader:
    """Asks the decoder in C, and makes objects of its records.

    Operands are many times the same: they are made once.
    """

    def __init__(self) -> None:
        self._records = ffi.new("x86_instruction []", _MOST)
        self._bytes = ffi.buffer(self._records)
        self._status = ffi.new("int *")
        self._operands: dict[bytes, tuple[Operand, ...]] = {}

    def read(self, code: bytes, address: int, mode: int) -> Instruction:
        """The instruction that `code` begins with.  Raises `Undefined`, or `Truncated`."""
        status = lib.x86_decode(TABLES.native, code, len(code), address, mode, self._records)
        return self._made(1, status)[0]

    def read_more(self, code: Any, address: int) -> list[Instruction]:
        """That at an address of an `x86_code`, and those in its page that are bound to follow.

        Raises `Undefined`, or `Truncated`.
        """
        count = lib.x86_fetch_more(code, address, _MOST, self._records, self._status)
        return self._made(count, self._status[0])

    def _made(self, count: int, status: int) -> list[Instruction]:
        if status:
            if status == lib.X86_UNDEFINED:
                raise Undefined
            raise Truncated(self._records[0].address)
        found = []
        known = self._operands
        for (
            address, _, opcode, name, modrm, length, size, condition, repeat, lock, prefix, segment,
            rex, effect, number, key,
        ) in _RECORD.iter_unpack(self._bytes[: count * _RECORD.size]):  # fmt: skip
            operands = known.get(key) if number else ()
            if operands is None:
                if len(known) >= _MOST_OPERANDS:
                    known.clear()
                fields = list(_OPERAND.iter_unpack(key))[:number]
                operands = known[key] = tuple([_operand(*each) for each in fields])
            i = Instruction(
                address, length, TABLES.names[name], size, operands, condition, repeat, bool(lock),
                opcode, prefix, modrm, segment, rex,
            )  # fmt: skip
            i.effect = effect
            found.append(i)
        return found


def _operand(
    kind: int, size: int, base: int, index: int, shift: int, segment: int, narrow: int, wide: int,
    value: int,
) -> Operand:  # fmt: skip
    if kind == lib.X86_REGISTER:
        return Reg(base, size, bool(narrow))
    if kind == lib.X86_STORAGE:
        return Mem(size, base, index, shift, value, segment, bool(narrow), bool(wide))
    if kind == lib.X86_NUMBER:
        return Imm(value)
    if kind == lib.X86_TARGET:
        return Imm(value & (1 << 64) - 1, True)
    return Seg(base)


def decode(code: bytes, address: int, code_16: bool = False, long: bool = False) -> Instruction:
    """The instruction that `code` begins with, as if it lay at `address`.

    `code_16`: in a segment of 16-bit code; `long`: in 64-bit mode.  Raises `Undefined`, or
    `Truncated` where more bytes are needed than there are.
    """
    return Reader().read(code, address, mode(code_16, long))
