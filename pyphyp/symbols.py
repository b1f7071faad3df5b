"""Names for addresses, from a program's ELF symbol table or from a kernel's System.map."""

from __future__ import annotations

import io
import re
import struct
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from elftools.elf.elffile import ELFFile

_SYMBOL = "IBBHQQ"  # st_name, st_info, st_other, st_shndx, st_value, st_size
_SYMBOL_32 = "IIIBBH"  # st_name, st_value, st_size, st_info, st_other, st_shndx
_NOTYPE, _OBJECT, _FUNCTION = 0, 1, 2
_UNDEFINED, _FIRST_RESERVED = 0, 0xFF00
_FARTHEST = 1 << 20
"""Bytes behind a symbol that still may be called after it."""
_WORD = 4
_KERNEL_BASE = 0xC000_0000_0000_0000
_MAP_CODE, _MAP_DATA = "tTwW", "bBdDgGrRsSvV"
_MAP_LINE = re.compile(r"([0-9a-fA-F]{1,16}) ([a-zA-Z?]) (\S+)")


class SymbolsError(Exception):
    """A file holds no symbols that can be read."""


class Symbol(NamedTuple):
    """`size` bytes of code or data with a name; 0: as many as there are up to the next."""

    address: int
    name: str
    size: int = 0
    code: bool = True


class Symbols:
    """Addresses and names, to be looked up by either."""

    def __init__(self, symbols: Iterable[tuple[int, str] | Symbol] = ()) -> None:
        every = sorted(
            {symbol if isinstance(symbol, Symbol) else Symbol(*symbol) for symbol in symbols}
        )
        self._all = every
        self._code = _Names(symbol for symbol in every if symbol.code)
        self._places = _Names(every)

    def __len__(self) -> int:
        return len(self._all)

    def name(self, address: int) -> str:
        """`name+0x10` of the code at `address`, or nothing.

        A kernel in real mode runs at the low addresses of those that it was linked for.
        """
        return self._code.name(address) or self._code.name(address | _KERNEL_BASE)

    def place(self, address: int) -> str:
        """`name+0x10` of the code or data at `address`, or nothing."""
        return self._places.name(address)

    def names(self) -> set[str]:
        return {symbol.name for symbol in self._all}

    def find(self, name: str) -> range | None:
        """The addresses of what is called `name`; None where nothing is."""
        for symbol in self._all:
            if symbol.name == name:
                size = symbol.size or self._places.room(symbol.address)
                return range(symbol.address, symbol.address + size)
        return None


class _Names:
    def __init__(self, symbols: Iterable[Symbol]) -> None:
        ordered = list(symbols)
        self._addresses = [symbol.address for symbol in ordered]
        self._names = [symbol.name for symbol in ordered]

    def name(self, address: int) -> str:
        at = bisect_right(self._addresses, address) - 1
        if at < 0 or address - self._addresses[at] >= _FARTHEST:
            return ""
        offset = address - self._addresses[at]
        return f"{self._names[at]}+{offset:#x}" if offset else self._names[at]

    def room(self, address: int) -> int:
        """Bytes from `address` to the next symbol; a word where there is none."""
        following = bisect_right(self._addresses, address)
        if following == len(self._addresses):
            return _WORD
        return self._addresses[following] - address


def of_elf(image: bytes) -> Symbols:
    """The functions, labels and objects of an ELF file's symbol table; none where it has none."""
    # Most runs ask for no name, and this is a tenth of what starting takes.
    from elftools.common.exceptions import ELFError
    from elftools.construct.core import ConstructError
    from elftools.elf.elffile import ELFFile

    try:
        return Symbols(_elf_symbols(ELFFile(io.BytesIO(image))))
    except (ELFError, ConstructError, struct.error, ValueError, KeyError, TypeError):
        return Symbols()


def _elf_symbols(file: ELFFile) -> Iterable[Symbol]:
    table = file.get_section_by_name(".symtab") or file.get_section_by_name(".dynsym")
    if table is None:
        return
    names = file.get_section(table["sh_link"]).data()
    form = _SYMBOL if file.elfclass == 64 else _SYMBOL_32
    entry = struct.Struct(("<" if file.little_endian else ">") + form)
    data = table.data()
    for fields in entry.iter_unpack(data[: len(data) // entry.size * entry.size]):
        if file.elfclass == 64:
            at, info, _, section, value, size = fields
        else:
            at, value, size, info, _, section = fields
        kind = info % 16
        if kind in (_NOTYPE, _OBJECT, _FUNCTION) and _UNDEFINED < section < _FIRST_RESERVED:
            name = names[at : names.find(b"\0", at)].decode("utf-8", "replace")
            if name and not name.startswith("."):
                yield Symbol(value, name, size, code=kind != _OBJECT)


def of_map(text: str) -> Symbols:
    """A System.map: address, kind and name on each line, as nm prints them."""
    symbols = []
    for number, line in enumerate(text.splitlines(), 1):
        if not (found := _MAP_LINE.fullmatch(line.strip())):
            raise SymbolsError(f"line {number} is none of a System.map: {line[:60]!r}")
        if found[2] in _MAP_CODE + _MAP_DATA:
            symbols.append(Symbol(int(found[1], 16), found[3], code=found[2] in _MAP_CODE))
    return Symbols(symbols)


def of_file(data: bytes) -> Symbols:
    """Of an ELF file or a System.map; `SymbolsError` where there are none."""
    symbols = of_elf(data) if data[:4] == b"\x7fELF" else of_map(data.decode("utf-8", "replace"))
    if not len(symbols):
        raise SymbolsError("there are no symbols in it")
    return symbols
