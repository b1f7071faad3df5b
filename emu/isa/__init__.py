"""The Power instruction set as tables (Power ISA v3.0B; v3.1 in `power10.py` and `prefixed.py`).

Start with `forms.py`, which says how a row is read; `fixed.py` and its neighbours hold the rows,
one facility each; `extended.py` holds the mnemonics that stand for other instructions.
"""

from __future__ import annotations

import difflib
from functools import cache

from emu.bits import matches, uncovered

from . import (
    branch,
    decimal,
    extended,
    fixed,
    floating,
    power10,
    prefixed,
    storage,
    system,
    vector,
    vsx,
)
from .extended import REGISTER_KINDS, Extended
from .forms import Instruction, InstructionWord, Kind, Operand, read_row, variants
from .prefixed import OPERANDS
from .sprs import SPRS

__all__ = [
    "OPERANDS",
    "REGISTER_KINDS",
    "SPRS",
    "Extended",
    "Instruction",
    "Kind",
    "Operand",
    "all_extended",
    "all_instructions",
    "all_prefixed",
    "close_mnemonics",
    "find",
    "find_extended",
    "instruction_of",
]

_LONGEST_MNEMONIC = 20
_WORD_BITS = 32
_TABLES = (fixed, branch, storage, system, floating, decimal, vector, vsx, power10)


@cache
def _rows() -> dict[str, str]:
    """The row of every mnemonic; a row is read when it is first needed."""
    rows = [row for table in _TABLES for row in table.ROWS.split("\n")]
    return {
        mnemonic: row
        for row in rows
        if row and not row.startswith("#")
        for mnemonic, _ in variants(row.split(" ", 1)[0])
    }


@cache
def _extended_rows() -> dict[str, list[str]]:
    rows: dict[str, list[str]] = {}
    for row in extended.rows():
        for mnemonic, _ in variants(row.split(" ", 1)[0]):
            rows.setdefault(mnemonic, []).append(row)
    return rows


@cache
def _read(row: str) -> dict[str, Instruction]:
    return {instruction.mnemonic: instruction for instruction in read_row(row)}


@cache
def _read_extended(row: str) -> dict[str, Extended]:
    return {entry.mnemonic: entry for entry in extended.read_row(row)}


def find(mnemonic: str) -> Instruction | None:
    """The instruction of that name, if the architecture has one."""
    row = _rows().get(mnemonic)
    return _prefixed().get(mnemonic) if row is None else _read(row)[mnemonic]


@cache
def _prefixed() -> dict[str, Instruction]:
    rows = (row for row in prefixed.ROWS.split("\n") if row and not row.startswith("#"))
    return {instruction.mnemonic: instruction for instruction in map(prefixed.read_row, rows)}


def instruction_of(word: int) -> Instruction | None:
    """The instruction that a word is, if it is one; of 64 bits, a prefix and its suffix."""
    if word >= 2**_WORD_BITS:
        return next((i for i in all_prefixed() if matches(word, _fixed_bits(i), i.word)), None)
    for mask, bits, instruction in _by_primary_opcode().get(InstructionWord(word).OPCD, ()):
        if matches(word, mask, bits):
            return instruction
    return None


@cache
def _fixed_bits(instruction: Instruction) -> int:
    width = 2 * _WORD_BITS if instruction.prefixed else _WORD_BITS
    return uncovered((operand.field for operand in instruction.operands), width)


@cache
def _by_primary_opcode() -> dict[int, list[tuple[int, int, Instruction]]]:
    """Which bits of a word an instruction fixes, to what; those that fix more come first."""
    found: dict[int, list[tuple[int, int, Instruction]]] = {}
    for instruction in all_instructions():
        mask = _fixed_bits(instruction)
        opcode = InstructionWord(instruction.word).OPCD
        found.setdefault(opcode, []).append((mask, instruction.word, instruction))
    for entries in found.values():
        entries.sort(key=lambda entry: -entry[0].bit_count())
    return found


def find_extended(mnemonic: str) -> tuple[Extended, ...]:
    """The extended mnemonics of that name; they differ in the number of operands."""
    return tuple(_read_extended(row)[mnemonic] for row in _extended_rows().get(mnemonic, ()))


def all_prefixed() -> list[Instruction]:
    return list(_prefixed().values())


def all_instructions() -> list[Instruction]:
    """Those of one word."""
    return [_read(row)[mnemonic] for mnemonic, row in _rows().items()]


def all_extended() -> list[Extended]:
    return [entry for mnemonic in _extended_rows() for entry in find_extended(mnemonic)]


def close_mnemonics(mnemonic: str) -> list[str]:
    """Up to three mnemonics spelled like `mnemonic`."""
    if len(mnemonic) > _LONGEST_MNEMONIC:
        return []
    return difflib.get_close_matches(
        mnemonic, [*_rows(), *_prefixed(), *_extended_rows()], n=3, cutoff=0.7
    )
