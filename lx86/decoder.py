"""From bytes to `Instruction`: table-driven, one at a time (SDM volume 2, chapter 2)."""

from __future__ import annotations

from typing import NamedTuple

from .instruction import DS, FS, GS, SS, Imm, Instruction, Mem, Operand, Reg, Seg
from .opcodes import (
    GROUPS,
    LONG_ONE_BYTE,
    LONG_TWO_BYTE,
    NEAR,
    ONE_BYTE,
    SIMD,
    SIMD_IMMEDIATE,
    SIMD_NO_MODRM,
    STACK_OPERANDS,
    TWO_BYTE,
)

LONGEST = 15
REGISTERS = {
    8: tuple(Reg(n, 8) for n in range(16)),
    4: tuple(Reg(n, 4) for n in range(16)),
    2: tuple(Reg(n, 2) for n in range(16)),
    1: tuple(Reg(n & 3, 1, n > 3) for n in range(8)),
}
_WITH_REX = {**REGISTERS, 1: tuple(Reg(n, 1) for n in range(16))}
_FIXED: dict[str, Operand] = {
    "al": REGISTERS[1][0],
    "cl": REGISTERS[1][1],
    "1": Imm(1),
    **{name: Seg(n) for n, name in enumerate(("es", "cs", "ss", "ds", "fs", "gs"))},
}
_BASES_16 = ((3, 6), (3, 7), (5, 6), (5, 7), (6, -1), (7, -1), (5, -1), (3, -1))
_PREFIXES = {0x26: 0, 0x2E: 1, 0x36: 2, 0x3E: 3, 0x64: FS, 0x65: GS}


class Undefined(Exception):  # noqa: N818
    """No instruction that the translator knows."""


class Truncated(Exception):  # noqa: N818
    """The bytes end before the instruction does."""


_NEAR_16 = ("call", "ret", "jmp")
_BY_REGISTER = (*range(0xA4, 0xA8), *range(0xAA, 0xB0), 0xD7)
"""String instructions and XLAT: with 16-bit addresses there are none here."""


class _Form(NamedTuple):
    name: str
    lockable: bool
    operands: tuple[str, ...]
    modrm: bool
    byte: bool  # operands are bytes


def _form(text: str) -> _Form | None:
    if not text:
        return None
    name, _, rest = text.partition(" ")
    operands = tuple(rest.split(",")) if rest else ()
    modrm = any(o[0] in "EGMRS" and o not in _FIXED for o in operands)
    byte = bool(operands) and operands[0] in ("Eb", "Gb", "al", "Zb", "Ob", "b", "Mb")
    return _Form(name.rstrip("!"), name.endswith("!"), operands, modrm, byte)


def _table(text: str) -> list[_Form | None]:
    return _changed([None] * 256, "\n".join(line for line in text.split("\n") if line))


def _changed(table: list[_Form | None], text: str) -> list[_Form | None]:
    """Where `text` says something, that."""
    table = list(table)
    for line in text.split("\n"):
        codes, _, rest = line.partition(" ")
        first, _, last = codes.partition("-")
        for code in range(int(first, 16), int(last or first, 16) + 1):
            table[code] = _form(rest)
    return table


_ONE, _TWO = _table(ONE_BYTE), _table(TWO_BYTE)
_ONE_LONG, _TWO_LONG = _changed(_ONE, LONG_ONE_BYTE), _changed(_TWO, LONG_TWO_BYTE)
_GROUPS = {opcode: [_form(text) for text in lines] for opcode, lines in GROUPS.items()}
_SHORT_ALONE = frozenset(["lcall", "ljmp", "arpl"])


class _Reader:
    """What comes behind the opcode, byte by byte."""

    __slots__ = ("at", "code", "long", "relative", "rex", "segment", "short")

    def __init__(
        self, code: bytes, at: int, segment: int, short: bool, long: bool, rex: int
    ) -> None:
        self.code, self.at, self.segment, self.short = code, at, segment, short
        self.long, self.rex = long, rex
        self.relative: Mem | None = None
        """A storage operand that counts from the next instruction."""

    def number(self, length: int, signed: bool = True) -> int:
        at = self.at
        self.at = end = at + length
        if end > len(self.code):
            raise Truncated
        return int.from_bytes(self.code[at:end], "little", signed=signed)

    def memory(self, modrm: int, size: int) -> Mem:
        mode, rm = modrm >> 6, modrm & 7
        if self.long:
            return self._memory_64(mode, rm, size)
        if self.short:
            return self._memory_16(mode, rm, size)
        base, index, shift = rm, -1, 0
        if rm == 4:
            sib = self.number(1, signed=False)
            base, index, shift = sib & 7, sib >> 3 & 7, sib >> 6
            if index == 4:
                index = -1
        displacement = 0
        if mode == 0 and base == 5:
            base, displacement = -1, self.number(4)
        elif mode:
            displacement = self.number(1 if mode == 1 else 4)
        segment = self.segment
        if segment < 0:
            segment = SS if base in (4, 5) else DS
        if index >= 0 and base < 0 and not shift:
            base, index = index, -1
        return Mem(size, base, index, shift, displacement, segment)

    def _memory_64(self, mode: int, rm: int, size: int) -> Mem:
        base, index, shift = rm | (self.rex & 1) << 3, -1, 0
        if rm == 4:
            sib = self.number(1, signed=False)
            base, shift = sib & 7 | (self.rex & 1) << 3, sib >> 6
            index = sib >> 3 & 7 | (self.rex & 2) << 2
            if index == 4:
                index = -1
        displacement = 0
        relative = mode == 0 and rm == 5
        if mode == 0 and base & 7 == 5:
            base, displacement = -1, self.number(4)
        elif mode:
            displacement = self.number(1 if mode == 1 else 4)
        if index >= 0 and base < 0 and not shift:
            base, index = index, -1
        segment = self.segment if self.segment in (FS, GS) else DS
        found = Mem(size, base, index, shift, displacement, segment, self.short, True)
        if relative:
            self.relative = found
        return found

    def _memory_16(self, mode: int, rm: int, size: int) -> Mem:
        base, index = _BASES_16[rm]
        if mode == 0 and rm == 6:
            base, displacement = -1, self.number(2)
        else:
            displacement = self.number(mode) if mode else 0
        segment = self.segment
        if segment < 0:
            segment = SS if base == 5 else DS
        return Mem(size, base, index, 0, displacement, segment, True)


def decode(code: bytes, address: int, code_16: bool = False, long: bool = False) -> Instruction:
    """The instruction that `code` begins with, as if it lay at `address`.

    `code_16`: in a segment of 16-bit code; `long`: in 64-bit mode.  Raises `Undefined`, or
    `Truncated` where more bytes are needed than there are.
    """
    try:
        return _decode(code, address, code_16, long)
    except IndexError:
        raise Truncated from None


def _decode(code: bytes, address: int, code_16: bool, long: bool) -> Instruction:
    at, size, segment, other = 0, 4, -1, 2
    short = lock = False
    if code_16:
        size, short, other = 2, True, 4
    repeat = prefix = rex = 0
    has_rex = False
    while True:
        opcode = code[at]
        at += 1
        if long and opcode & 0xF0 == 0x40:
            rex, has_rex = opcode & 15, True
            if at >= LONGEST:
                raise Undefined
            continue
        if opcode == 0x66:
            size, prefix = other, prefix or 0x66
        elif opcode == 0xF2 or opcode == 0xF3:
            repeat = prefix = opcode
        elif opcode in _PREFIXES:
            segment = _PREFIXES[opcode]
        elif opcode == 0xF0:
            lock = True
        elif opcode == 0x67:
            short = not code_16
        else:
            break
        rex, has_rex = 0, False  # only right before the opcode
        if at >= LONGEST:
            raise Undefined
    form = None
    if opcode == 0x0F:
        opcode = 0x0F00 | code[at]
        at += 1
        form = (_TWO_LONG if long else _TWO)[opcode & 0xFF]
    else:
        form = (_ONE_LONG if long else _ONE)[opcode]
    if rex & 8:
        size = 8
    reader = _Reader(code, at, segment, short, long, rex)
    modrm = -1
    if form is None:
        if opcode & 0xFF in SIMD and opcode >> 8:
            return _simd(reader, address, opcode, size, repeat, prefix, lock)
        if 0xD8 <= opcode <= 0xDF:
            return _x87(reader, address, opcode, size)
        group = _GROUPS.get(opcode)
        if group is None or (long and opcode == 0x82):
            raise Undefined
        form = group[code[at] >> 3 & 7]
        if form is None or (long and form.name in _SHORT_ALONE):
            raise Undefined
    if long:
        size = _long_size(opcode, form.name, size)
    if form.modrm:
        modrm = reader.number(1, signed=False)
    if form.byte:
        size = 1
    registers = _WITH_REX if has_rex else REGISTERS
    operands = _operands(reader, form, opcode, modrm, size, address, registers)
    if lock and not (form.lockable and operands and isinstance(operands[0], Mem)):
        raise Undefined
    if reader.at > LONGEST:
        raise Undefined
    name = form.name
    if opcode == 0x90 and not rex & 1:
        name, operands = "nop", ()
    elif 0xE0 <= opcode <= 0xE3:
        size = (4 if short else 8) if long else 2 if short else 4  # of what counts
    elif size == 2 and name in _NEAR_16 and opcode not in (0xE9, 0xEB):
        name += "w"
    elif short and opcode in _BY_REGISTER:
        raise Undefined
    return Instruction(
        address, reader.at, name, size, operands, opcode & 15, repeat, lock, opcode, prefix, modrm,
        segment if segment >= 0 and (not long or segment >= FS) else DS, rex,
    )  # fmt: skip


def _long_size(opcode: int, name: str, size: int) -> int:
    """Of operands in 64-bit mode, where that is not plain (SDM volume 1, 3.6.1)."""
    if opcode in NEAR or (opcode == 0xFF and name in ("call", "jmp")):
        return 8
    if opcode in STACK_OPERANDS or (opcode == 0xFF and name == "push"):
        return 2 if size == 2 else 8
    return size


def _operands(
    reader: _Reader, form: _Form, opcode: int, modrm: int, size: int, address: int,
    registers: dict[int, tuple[Reg, ...]],
) -> tuple[Operand, ...]:  # fmt: skip
    operands: list[Operand] = []
    relative = False
    rex = reader.rex
    for text in form.operands:
        kind, width = text[0], text[-1]
        bytes_ = {"b": 1, "w": 2, "d": 4, "q": 8}.get(width, size)
        if text in _FIXED:
            operands.append(_FIXED[text])
        elif text == "eax":
            operands.append(REGISTERS[size][0])
        elif kind == "E" or kind == "M":
            if modrm < 0xC0:
                operands.append(reader.memory(modrm, bytes_))
            elif kind == "M":
                raise Undefined
            else:
                operands.append(registers[bytes_][modrm & 7 | (rex & 1) << 3])
        elif kind == "R":  # a whole register, or a word in storage
            at_register = modrm >= 0xC0
            operands.append(
                registers[size][modrm & 7 | (rex & 1) << 3]
                if at_register
                else reader.memory(modrm, 2)
            )
        elif kind == "G":
            operands.append(registers[bytes_][modrm >> 3 & 7 | (rex & 4) << 1])
        elif kind == "Z":
            operands.append(registers[bytes_][opcode & 7 | (rex & 1) << 3])
        elif kind == "I":
            if width == "w":
                operands.append(Imm(reader.number(2, signed=False)))
            elif size == 8 and 0xB8 <= opcode <= 0xBF:
                operands.append(Imm(reader.number(8)))
            else:
                operands.append(Imm(reader.number(1 if width in "bs" else min(size, 4))))
        elif kind == "J":
            operands.append(Imm(reader.number(1 if width == "b" else min(size, 4))))
            relative = True
        elif kind == "O":
            if reader.long:
                displacement = reader.number(4 if reader.short else 8)
            else:
                displacement = reader.number(2 if reader.short else 4)
            segment = reader.segment if reader.segment >= 0 else DS
            if reader.long and segment < FS:
                segment = DS
            short = reader.short
            operands.append(Mem(bytes_, -1, -1, 0, displacement, segment, short, reader.long))
        elif kind == "S":
            number = modrm >> 3 & 7
            if number > 5 or (opcode == 0x8E and number == 1):
                raise Undefined
            operands.append(Seg(number))
    if relative:
        offset = operands[-1]
        assert isinstance(offset, Imm)
        mask = 0xFFFF if size == 2 and not reader.long else (1 << 64) - 1
        if not reader.long:
            mask &= 0xFFFFFFFF
        operands[-1] = Imm((address + reader.at + offset.value) & mask, True)
    _settle(reader, address)
    return tuple(operands)


def _settle(reader: _Reader, address: int) -> None:
    """An operand that counts from the next instruction."""
    if reader.relative is not None:
        reader.relative.displacement += address + reader.at


def _x87(reader: _Reader, address: int, opcode: int, size: int) -> Instruction:
    modrm = reader.number(1, signed=False)
    operands: tuple[Operand, ...] = ()
    if modrm < 0xC0:
        operands = (reader.memory(modrm, 0),)
    _settle(reader, address)
    return Instruction(
        address, reader.at, "x87", size, operands, 0, 0, False, opcode, 0, modrm, rex=reader.rex
    )  # fmt: skip


def _simd(
    reader: _Reader, address: int, opcode: int, size: int, repeat: int, prefix: int, lock: bool
) -> Instruction:
    """Operands: the storage operand if there is one, then the immediate byte."""
    if lock:
        raise Undefined
    modrm = -1
    operands: tuple[Operand, ...] = ()
    if opcode & 0xFF not in SIMD_NO_MODRM:
        modrm = reader.number(1, signed=False)
        if modrm < 0xC0:
            operands = (reader.memory(modrm, 0),)
    if opcode & 0xFF in SIMD_IMMEDIATE:
        operands += (Imm(reader.number(1, signed=False)),)
    _settle(reader, address)
    prefix = repeat or prefix
    return Instruction(
        address,
        reader.at,
        "simd",
        size,
        operands,
        0,
        repeat,
        False,
        opcode,
        prefix,
        modrm,
        rex=reader.rex,
    )
