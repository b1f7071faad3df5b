"""The opcode maps of `opcodes.py` as tables of the decoder in C (emu/native/x86.h).

An opcode is added to the text there, and a name's effect on the flags to `flags.py`; nothing else
is to be done for the decoder but for a new kind of operand.
"""

from __future__ import annotations

from array import array
from typing import Any, Final

from emu.native import ffi, lib

from .effects import Effects
from .ending import CONDITIONAL
from .flags import THROUGH_CARRY, TURNS
from .instruction import TRANSFERS, Imm, Instruction, Operand, Reg
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
from .three_bytes import FORMS, THREE_BYTES

_KINDS = {
    "E": lib.X86_E, "M": lib.X86_M, "R": lib.X86_R, "G": lib.X86_G, "S": lib.X86_S,
    "Z": lib.X86_Z, "I": lib.X86_I, "J": lib.X86_J, "O": lib.X86_O,
}  # fmt: skip
_BYTES = {"b": 1, "w": 2, "d": 4, "q": 8, "s": 1}
_FIXED = {
    "al": (lib.X86_BYTE, 0, 0),
    "cl": (lib.X86_BYTE, 0, 1),
    "eax": (lib.X86_A, 0, 0),
    "1": (lib.X86_CONSTANT, 0, 1),
    **{
        name: (lib.X86_SEGMENT, 0, number)
        for number, name in enumerate(("es", "cs", "ss", "ds", "fs", "gs"))
    },
}
_OF_BYTES = ("Eb", "Gb", "al", "Zb", "Ob", "b", "Mb")
_NARROW = ("call", "ret", "jmp")
"""With operands of 16 bits they are others."""
_BY_REGISTER = frozenset([*range(0xA4, 0xA8), *range(0xAA, 0xB0), 0xD7])
"""String instructions and XLAT: with 16-bit addresses there are none here."""
_SHORT_ALONE = ("lcall", "ljmp", "arpl")
_MAPS = {0x00: 0, 0x0F: 1, 0x0F38: 2, 0x0F3A: 3}
"""By what is before an opcode's last byte."""


class Tables:
    """The tables, what names their numbers stand for, and the effects."""

    def __init__(self) -> None:
        self.names: list[str] = ["x87", "simd", THREE_BYTES]
        self.effects = Effects()
        self._numbers = {"x87": 0, "simd": 1, THREE_BYTES: 2}
        self._choices: dict[tuple[int, ...], int] = {}
        self._by_name: dict[str, tuple[int, int]] = {}
        """How effects of instructions of a name are chosen, and from which."""
        self.native: Final = ffi.new("x86_tables *")
        groups = {opcode: number for number, opcode in enumerate(GROUPS, 1)}
        for long in (False, True):
            self._fill_map(ONE_BYTE, 0, long)
            self._fill_map(TWO_BYTE, 0x0F, long)
            if long:
                self._fill_map(LONG_ONE_BYTE, 0, long)
                self._fill_map(LONG_TWO_BYTE, 0x0F, long)
            for opcode, number in groups.items():
                if not (long and opcode == 0x82):
                    self._form(opcode, long).group = number
                    for row, text in enumerate(GROUPS[opcode]):
                        if not (long and text.partition(" ")[0] in _SHORT_ALONE):
                            self._fill(self.native.groups[long][number][row], text, opcode, long)
        self._fill_simd()
        self._fill_names()

    def _form(self, opcode: int, long: bool) -> Any:
        return self.native.forms[long][_MAPS[opcode >> 8]][opcode & 0xFF]

    def _fill_map(self, text: str, before: int, long: bool) -> None:
        for line in text.split("\n"):
            if line:
                codes, _, rest = line.partition(" ")
                first, _, last = codes.partition("-")
                for code in range(int(first, 16), int(last or first, 16) + 1):
                    opcode = before << 8 | code
                    self._fill(self._form(opcode, long), rest, opcode, long)

    def _fill(self, form: Any, text: str, opcode: int, long: bool) -> None:
        if not text:
            form.flags = 0
            return
        name, _, rest = text.partition(" ")
        operands = rest.split(",") if rest else []
        flags = lib.X86_EXISTS | (lib.X86_LOCKABLE if name.endswith("!") else 0)
        name = other = name.rstrip("!")
        if name in _NARROW and opcode not in (0xE9, 0xEB):
            other = f"{name}w"
        if any(text[0] in "EGMRS" for text in operands if text not in _FIXED):
            flags |= lib.X86_MODRM
        if operands and operands[0] in _OF_BYTES:
            flags |= lib.X86_BYTES
        if long and (opcode in NEAR or (opcode == 0xFF and name in ("call", "jmp"))):
            flags |= lib.X86_NEAR
        elif long and (opcode in STACK_OPERANDS or (opcode == 0xFF and name == "push")):
            flags |= lib.X86_STACK
        if opcode in _BY_REGISTER:
            flags |= lib.X86_REGISTERS
        if 0xE0 <= opcode <= 0xE3:
            flags |= lib.X86_COUNTS
        if opcode == 0x90:
            flags |= lib.X86_NOTHING
            other = "nop"
        if name in THROUGH_CARRY:
            flags |= lib.X86_THROUGH
        form.flags, form.name, form.other = flags, self._number(name), self._number(other)
        specs = [_spec(text, opcode) for text in operands if text not in ("b", "v")]
        specs += [(lib.X86_END, 0, 0)] * (3 - len(specs))
        for place, spec in zip(form.operands, specs, strict=True):
            place.kind, place.bytes, place.value = spec
        if name not in self._by_name:
            selector, effects = self._effects(name)
            self._by_name[name] = selector, self._choice(effects)
        form.selector, form.choice = self._by_name[name]

    def _number(self, name: str) -> int:
        if name not in self._numbers:
            self._numbers[name] = len(self.names)
            self.names.append(name)
        return self._numbers[name]

    def _effects(self, name: str) -> tuple[int, tuple[int, ...]]:
        """By what the effect of instructions of a name is chosen, and from which."""
        number = self.effects.number
        if name in ("jcc", "setcc", "cmovcc"):
            return lib.X86_BY_CONDITION, tuple(
                number(_example(name, condition=n)) for n in range(16)
            )
        if name in ("cmps", "scas"):
            return lib.X86_BY_REPEAT, tuple(number(_example(name, repeat=n)) for n in (0, 0xF3))
        if name in TURNS:
            counts: tuple[Operand, ...] = Imm(0), Imm(1), Reg(1, 1)
            return lib.X86_BY_COUNT, tuple(number(_example(name, count)) for count in counts)
        return lib.X86_ALWAYS, (number(_example(name)),)

    def _choice(self, effects: tuple[int, ...]) -> int:
        known = self._choices.get(effects)
        if known is None:
            known = self._choices[effects] = len(self._choices)
            for place, effect in enumerate(effects):
                self.native.choices[known][place] = effect
        return known

    def _fill_simd(self) -> None:
        for opcode in SIMD | FORMS.keys():
            code, map_ = opcode & 0xFF, _MAPS[opcode >> 8 or 0x0F]
            flags = lib.X86_SIMD
            immediate = opcode in SIMD_IMMEDIATE or opcode >> 8 == 0x0F3A
            flags |= lib.X86_SIMD_IMMEDIATE if immediate else 0
            flags |= lib.X86_SIMD_NO_MODRM if opcode in SIMD_NO_MODRM else 0
            self.native.simd[map_][code] = flags
            whole = opcode if opcode >> 8 else 0x0F00 | opcode
            example = _example("simd" if map_ == 1 else THREE_BYTES, opcode=whole)
            self.native.simd_effects[map_][code] = self.effects.number(example)
        for low in range(8):
            examples = [_example("x87", opcode=0xD8 | low, modrm=n) for n in (0, *range(0xC0, 256))]
            storage, *others = map(self.effects.number, examples)
            self.native.x87_effects[low] = [storage] * 0xC0 + others

    def _fill_names(self) -> None:
        self.native.name_x87, self.native.name_simd = self._numbers["x87"], self._numbers["simd"]
        self.native.name_three_bytes = self._numbers[THREE_BYTES]
        for number, name in enumerate(self.names):
            self.native.endings[number] = _ending(name)
        for number, table in enumerate(self.effects.tables):
            ffi.buffer(self.native.effects[number])[:] = array("H", table).tobytes()


def _spec(text: str, opcode: int) -> tuple[int, int, int]:
    """An operand as kind, bytes, value."""
    if text in _FIXED:
        return _FIXED[text]
    bytes_ = _BYTES.get(text[-1], 0)
    if text[0] == "I" and 0xB8 <= opcode <= 0xBF:
        bytes_ = 8
    return _KINDS[text[0]], bytes_, int(opcode == 0x8E)


def _ending(name: str) -> int:
    if name in CONDITIONAL:
        return int(lib.X86_BRANCH)
    if name in ("jmp", "call"):
        return int(lib.X86_JUMP)
    return int(lib.X86_BEYOND if name == "ret" or name in TRANSFERS else lib.X86_ON)


def _example(
    name: str, *operands: Operand, condition: int = 0, repeat: int = 0, opcode: int = 0,
    modrm: int = -1,
) -> Instruction:  # fmt: skip
    return Instruction(0, 1, name, 4, operands, condition, repeat, False, opcode, 0, modrm)


TABLES: Final = Tables()
