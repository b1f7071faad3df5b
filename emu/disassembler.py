"""Words back to text that the assembler takes.

Capstone knows the extended mnemonics, so its text comes first.  Where it has none (scv, slbie,
tlbie, addo, bctar, ...) or one that differs from GNU as, the instruction tables are
read backwards; a word that is nothing is shown as `.long`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import capstone

from . import isa
from .bits import ByteOrder, low_bits, signed
from .isa.forms import InstructionWord
from .isa.prefixed import PrefixedWord, is_prefix
from .values import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WORD = 4
# Capstone calls vs32-vs63 v0-v31 in these instructions, which GNU as does not.
_VSX_OPCODE = 60
_WRITTEN_OTHERWISE = frozenset(
    ["addpcis", "copy", "cp_abort", "paste.", "tlbie", "tlbiel", "waitimpl", "waitrsv", "xsiexpqp"]
)
_BRANCH_ALWAYS = 20  # in the BO field
_CR_BIT = re.compile(r"\bcr([0-7])(lt|gt|eq|un)\b")
_PREFIXES = {
    isa.Kind.GPR: "r",
    isa.Kind.FPR: "f",
    isa.Kind.VR: "v",
    isa.Kind.VSR: "vs",
    isa.Kind.ACC: "a",
    isa.Kind.CR_FIELD: "cr",
}


@frozen
class Instruction:
    """One word of code, or a prefix and its suffix; an undecodable word is a `.long`."""

    address: int
    word: int
    mnemonic: str
    operands: str

    @property
    def size(self) -> int:
        """In bytes."""
        return 2 * _WORD if self.word >= 2 ** (8 * _WORD) else _WORD

    @property
    def digits(self) -> str:
        """The word in hexadecimal; a prefix and its suffix."""
        return f"{self.word:0{2 * self.size}x}"

    @property
    def text(self) -> str:
        return f"{self.mnemonic} {self.operands}".rstrip()


def disassemble(
    code: bytes, address: int = 0, byte_order: ByteOrder = ByteOrder.BIG
) -> Iterator[Instruction]:
    """The instructions in `code`, which lies at `address`; odd bytes at the end are left out."""
    engine = _engine(byte_order)
    order = byte_order.name_for_int

    def word_at(offset: int) -> int:
        return int.from_bytes(code[offset : offset + _WORD], order)

    at, end = 0, len(code) - len(code) % _WORD
    while at < end:
        for _, size, mnemonic, operands in engine.disasm_lite(code[at:end], address + at):
            if size != _WORD or is_prefix(word_at(at)):
                break
            yield _improve(address + at, word_at(at), mnemonic, operands)
            at += _WORD
        if at < end and is_prefix(word_at(at)) and at + _WORD < end:
            both = PrefixedWord.PREFIX.place(word_at(at)) | word_at(at + _WORD)
            if found := _from_tables(address + at, both):
                yield found
                at += 2 * _WORD
                continue
        if at < end:
            word = word_at(at)
            yield _from_tables(address + at, word) or _undecodable(address + at, word)
            at += _WORD


def format_listing(
    instructions: Iterator[Instruction], symbols: Mapping[str, int] | None = None
) -> str:
    """One line for each instruction: address, word, text; labels stand before what they name."""
    names: dict[int, list[str]] = {}
    for name, value in (symbols or {}).items():
        names.setdefault(value, []).append(name)
    lines = []
    for instruction in instructions:
        lines += [f"{name}:" for name in names.get(instruction.address, ())]
        shown = f"{instruction.mnemonic:<10} {instruction.operands}".rstrip()
        lines.append(f"{instruction.address:16x}  {instruction.digits}  {shown}")
    return "\n".join(lines)


def _improve(address: int, word: int, mnemonic: str, operands: str) -> Instruction:
    """Capstone's answer, or the tables' where they are nearer to GNU as."""
    better = None
    if (
        InstructionWord(word).OPCD == _VSX_OPCODE
        or _names_vsx_registers(mnemonic)
        or mnemonic in _WRITTEN_OTHERWISE
        or _is_unusual_branch(InstructionWord(word), mnemonic, operands)
    ):
        better = _from_tables(address, word)
    if better is not None:
        return better
    return Instruction(address, word, mnemonic, _CR_BIT.sub(r"4*cr\1+\2", operands))


def _is_unusual_branch(word: InstructionWord, mnemonic: str, operands: str) -> bool:
    """Branches that capstone misnames: `bc 20`, a target at the branch itself, a BH field."""
    match word.OPCD:
        case 16:
            return word.RT == _BRANCH_ALWAYS or "0x" not in operands
        case 19:
            return "0x" in operands or (word.RT == _BRANCH_ALWAYS and mnemonic.startswith("bdnz"))
    return False


@cache
def _names_vsx_registers(mnemonic: str) -> bool:
    instruction = isa.find(mnemonic)
    operands = instruction.operands if instruction else ()
    return any(operand.kind is isa.Kind.VSR for operand in operands)


def _undecodable(address: int, word: int) -> Instruction:
    return Instruction(address, word, ".long", f"{word:#010x}")


def _from_tables(address: int, word: int) -> Instruction | None:
    if (instruction := isa.instruction_of(word)) is None:
        return None
    operands = _operands(instruction, address, word)
    return Instruction(address, word, instruction.mnemonic, operands)


def _operands(instruction: isa.Instruction, address: int, word: int) -> str:
    pairs = [(operand, operand.field.extract(word)) for operand in instruction.operands]
    while pairs and pairs[-1][0].optional and pairs[-1][1] == 0:
        pairs.pop()
    text = ""
    for operand, value in pairs:
        shown = _operand(operand, value, address)
        comma = ", " if text else ""
        text += f"({shown})" if operand.in_parentheses else comma + shown
    return text


def _operand(operand: isa.Operand, value: int, address: int) -> str:
    match operand.kind:
        case isa.Kind.SIGNED | isa.Kind.ABSOLUTE:
            number = signed(value, operand.field.width) * operand.scale
            if number not in operand.range:  # the sign is none of the bits
                number -= operand.scale << operand.field.width
            return str(number)
        case isa.Kind.RELATIVE:
            distance = signed(value, operand.field.width) * operand.scale
            return hex(low_bits(address + distance, 64))
        case kind:
            return f"{_PREFIXES.get(kind, '')}{value * operand.scale}"


@cache
def _engine(byte_order: ByteOrder) -> capstone.Cs:
    big = byte_order is ByteOrder.BIG
    order = capstone.CS_MODE_BIG_ENDIAN if big else capstone.CS_MODE_LITTLE_ENDIAN
    return capstone.Cs(capstone.CS_ARCH_PPC, capstone.CS_MODE_64 | order)
