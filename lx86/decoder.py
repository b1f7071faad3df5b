"""From bytes to `Instruction` (SDM volume 2, chapter 2): a view of what the decoder in C says.

`emu/native/x86_decode.c` decodes, by the tables of `tables.py`; here its records become objects.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from emu.native import ffi, lib

from .instruction import Imm, Instruction, Mem, Operand, Reg, Seg
from .tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 15
_MODE_16, _MODE_64 = 1, 2
_FIELDS = struct.Struct("=QQIHhBBBBBBBBBxB5x")
"""Of `x86_instruction`, up to its operands,"""
_OPERAND = struct.Struct("=BBbbBBBBq")
"""and each of those."""
_MOST_OPERANDS = 1 << 16
assert _FIELDS.size + 3 * _OPERAND.size == ffi.sizeof("x86_instruction")


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
        self._record = ffi.new("x86_instruction *")
        self._bytes = ffi.buffer(self._record)
        self._operands: dict[bytes, tuple[Operand, ...]] = {}

    def read(self, decoder: Callable[..., int], *place: Any) -> Instruction:
        """The instruction that `decoder` finds at `place`.

        Raises `Undefined`, or `Truncated`.
        """
        status = decoder(*place, self._record)
        if status:
            if status == lib.X86_UNDEFINED:
                raise Undefined
            raise Truncated(self._record.address)
        record = self._bytes[:]
        (
            address, _, opcode, name, modrm, length, size, condition, repeat, lock, prefix, segment,
            rex, effect, count,
        ) = _FIELDS.unpack_from(record)  # fmt: skip
        key = record[_FIELDS.size : _FIELDS.size + count * _OPERAND.size]
        operands = self._operands.get(key)
        if operands is None:
            if len(self._operands) >= _MOST_OPERANDS:
                self._operands.clear()
            operands = self._operands[key] = tuple(
                [_operand(*fields) for fields in _OPERAND.iter_unpack(key)]
            )
        i = Instruction(
            address, length, TABLES.names[name], size, operands, condition, repeat, bool(lock),
            opcode, prefix, modrm, segment, rex,
        )  # fmt: skip
        i.effect = effect
        return i


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
    place = TABLES.native, code, len(code), address, mode(code_16, long)
    return Reader().read(lib.x86_decode, *place)
