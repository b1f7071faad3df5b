"""Names for addresses, from a program's ELF symbol table or from a kernel's System.map."""

from __future__ import annotations

import io
import re
import struct
from bisect import bisect_right
from typing import TYPE_CHECKING

from elftools.common.exceptions import ELFError
from elftools.construct.core import ConstructError
from elftools.elf.elffile import ELFFile

if TYPE_CHECKING:
    from collections.abc import Iterable

_SYMBOL = "IBBHQQ"  # st_name, st_info, st_other, st_shndx, st_value, st_size
_NOTYPE, _FUNCTION = 0, 2
_UNDEFINED, _FIRST_RESERVED = 0, 0xFF00
_FARTHEST = 1 << 20
"""Bytes behind a symbol that still may be called after it."""
_KERNEL_BASE = 0xC000_0000_0000_0000
_MAP_LINE = re.compile(r"([0-9a-fA-F]{1,16}) ([a-zA-Z?]) (\S+)")


class SymbolsError(Exception):
    """A file holds no symbols that can be read."""


class Symbols:
    """Addresses and names, to be looked up by address."""

    def __init__(self, symbols: Iterable[tuple[int, str]] = ()) -> None:
        ordered = sorted(set(symbols))
        self._addresses = [address for address, _ in ordered]
        self._names = [name for _, name in ordered]

    def __len__(self) -> int:
        return len(self._names)

    def name(self, address: int) -> str:
        """`name+0x10`, or nothing.

        A kernel in real mode runs at the low addresses of those that it was linked for.
        """
        return self._name(address) or self._name(address | _KERNEL_BASE)

    def _name(self, address: int) -> str:
        at = bisect_right(self._addresses, address) - 1
        if at < 0 or address - self._addresses[at] >= _FARTHEST:
            return ""
        offset = address - self._addresses[at]
        return f"{self._names[at]}+{offset:#x}" if offset else self._names[at]


def of_elf(image: bytes) -> Symbols:
    """The functions and labels of an ELF file's symbol table; none where it has none."""
    try:
        return Symbols(_elf_symbols(ELFFile(io.BytesIO(image))))
    except (ELFError, ConstructError, struct.error, ValueError, KeyError, TypeError):
        return Symbols()


def _elf_symbols(file: ELFFile) -> Iterable[tuple[int, str]]:
    table = file.get_section_by_name(".symtab")
    if table is None:
        return
    names = file.get_section(table["sh_link"]).data()
    entry = struct.Struct(("<" if file.little_endian else ">") + _SYMBOL)
    data = table.data()
    for at, info, _, section, value, _ in entry.iter_unpack(
        data[: len(data) // entry.size * entry.size]
    ):
        if info % 16 in (_NOTYPE, _FUNCTION) and _UNDEFINED < section < _FIRST_RESERVED:
            name = names[at : names.find(b"\0", at)].decode("utf-8", "replace")
            if name and not name.startswith("."):
                yield value, name


def of_map(text: str) -> Symbols:
    """A System.map: address, kind and name on each line, as nm prints them."""
    symbols = []
    for number, line in enumerate(text.splitlines(), 1):
        if not (found := _MAP_LINE.fullmatch(line.strip())):
            raise SymbolsError(f"line {number} is none of a System.map: {line[:60]!r}")
        if found[2] in "tTwW":
            symbols.append((int(found[1], 16), found[3]))
    return Symbols(symbols)


def of_file(data: bytes) -> Symbols:
    """Of an ELF file or a System.map; `SymbolsError` where there are none."""
    symbols = of_elf(data) if data[:4] == b"\x7fELF" else of_map(data.decode("utf-8", "replace"))
    if not len(symbols):
        raise SymbolsError("there are no symbols in it")
    return symbols
