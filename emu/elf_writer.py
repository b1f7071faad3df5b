"""Write a minimal ELF64 executable (ELF-64 Object File Format 1.5; Power ELF V2 ABI, chapter 4).

pyelftools reads ELF and does not write it, and what a bare guest program needs fits on a page:
header, one PT_LOAD for each section, the sections, a symbol table and its strings.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from .bits import ByteOrder

if TYPE_CHECKING:
    from .program import Program, Section

_HEADER, _SEGMENT, _SECTION, _SYMBOL = "HHIQQQIHHHHHH", "IIQQQQQQ", "IIQQQQIIQQ", "IBBHQQ"
_HEADER_SIZE, _SEGMENT_SIZE, _SECTION_SIZE, _SYMBOL_SIZE = 64, 56, 64, 24
_IDENT = b"\x7fELF\x02%c\x01\x00" + bytes(8)
_ET_EXEC, _EM_PPC64, _ABI_V2 = 2, 21, 2
_PT_LOAD, _PF_X, _PF_W, _PF_R = 1, 1, 2, 4
_SHT_PROGBITS, _SHT_SYMTAB, _SHT_STRTAB, _SHT_NOBITS = 1, 2, 3, 8
_SHF_WRITE, _SHF_ALLOC, _SHF_EXECINSTR = 1, 2, 4
_SHN_ABS = 0xFFF1
_PAGE = 0x1000


class _Row(NamedTuple):
    """One entry of the section header table."""

    name: str
    type: int = 0
    flags: int = 0
    address: int = 0
    offset: int = 0
    size: int = 0
    link: int = 0
    info: int = 0
    alignment: int = 0
    entry_size: int = 0


class _Strings:
    """A string table under construction."""

    def __init__(self) -> None:
        self.data = bytearray(1)

    def add(self, text: str) -> int:
        if not text:
            return 0
        at = len(self.data)
        self.data += text.encode() + b"\0"
        return at


def write_elf(program: Program) -> bytes:
    """The file as bytes; sections lie in it at offsets congruent to their addresses."""
    order = ">" if program.byte_order is ByteOrder.BIG else "<"
    sections = [section for section in program.sections if section.size]
    body = bytearray(_HEADER_SIZE + _SEGMENT_SIZE * len(sections))
    segments, rows = b"", [_Row("")]
    for section in sections:
        if section.data:
            body += bytes((section.address - len(body)) % _PAGE)
        segments += struct.pack(order + _SEGMENT, *_segment(section, len(body)))
        rows.append(_section_row(section, len(body)))
        body += section.data
    body += bytes(-len(body) % 8)
    symbols, names, first_global = _symbols(program, sections, order)
    rows.append(
        _Row(".symtab", _SHT_SYMTAB, 0, 0, len(body), len(symbols), len(rows) + 1, first_global, 8,
             _SYMBOL_SIZE)
    )  # fmt: skip
    body += symbols
    rows.append(_Row(".strtab", _SHT_STRTAB, 0, 0, len(body), len(names), 0, 0, 1))
    body += names
    section_names = _Strings()
    offsets = [section_names.add(row.name) for row in (*rows, _Row(".shstrtab"))]
    size = len(section_names.data)
    rows.append(_Row(".shstrtab", _SHT_STRTAB, 0, 0, len(body), size, 0, 0, 1))
    body += section_names.data
    body += bytes(-len(body) % 8)
    header = struct.pack(
        order + _HEADER, _ET_EXEC, _EM_PPC64, 1, program.entry, _HEADER_SIZE if sections else 0,
        len(body), _ABI_V2, _HEADER_SIZE, _SEGMENT_SIZE, len(sections), _SECTION_SIZE, len(rows),
        len(rows) - 1,
    )  # fmt: skip
    for at, row in zip(offsets, rows, strict=True):
        body += struct.pack(order + _SECTION, at, *row[1:])
    front = _IDENT % (2 if order == ">" else 1) + header + segments
    body[: len(front)] = front
    return bytes(body)


def _segment(section: Section, offset: int) -> tuple[int, ...]:
    flags = _PF_R + _PF_W * section.writable + _PF_X * section.executable
    alignment = _PAGE if section.data else section.alignment
    if not section.data:
        offset = section.address % alignment
    address, stored = section.address, len(section.data)
    return _PT_LOAD, flags, offset, address, address, stored, section.size, alignment


def _section_row(section: Section, offset: int) -> _Row:
    flags = _SHF_ALLOC + _SHF_WRITE * section.writable + _SHF_EXECINSTR * section.executable
    kind = _SHT_PROGBITS if section.data else _SHT_NOBITS
    return _Row(
        section.name, kind, flags, section.address, offset, section.size,
        alignment=section.alignment,
    )  # fmt: skip


def _index_at(sections: list[Section], address: int) -> int:
    """The section at an address; a label may also stand at a section's end."""
    for n, section in enumerate(sections, 1):
        if section.address <= address < section.end:
            return n
    return next((n for n, s in enumerate(sections, 1) if s.end == address), _SHN_ABS)


def _symbols(program: Program, sections: list[Section], order: str) -> tuple[bytes, bytes, int]:
    """The symbol table, its strings, and the index of the first global symbol."""
    strings = _Strings()
    table = bytearray(_SYMBOL_SIZE)

    def is_global(name: str) -> bool:
        return name in program.global_symbols or name == "_start"

    names = sorted(program.symbols, key=is_global)
    for name in names:
        value = program.symbols[name]
        index = _SHN_ABS
        if name in program.labels:
            index = _index_at(sections, value)
        info = 16 if is_global(name) else 0
        table += struct.pack(order + _SYMBOL, strings.add(name), info, 0, index, value % 2**64, 0)
    local_count = sum(not is_global(name) for name in names)
    return bytes(table), bytes(strings.data), 1 + local_count
