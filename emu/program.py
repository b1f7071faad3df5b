"""An assembled program: bytes at addresses, with the names and the lines they came from."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from .elf_writer import write_elf
from .values import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .bits import ByteOrder
    from .diagnostics import SourceLine


@frozen
class Section:
    """One section where it lies; `.bss` has a size and no bytes."""

    name: str
    address: int
    size: int
    data: bytes
    alignment: int
    writable: bool
    executable: bool

    @property
    def end(self) -> int:
        return self.address + self.size


@frozen
class Program:
    """What `assemble` returns.

    `origin` is the address of the first byte, `entry` the address of `_start` (the origin
    without one), `entry_order` the byte order of the instruction there, `lines` the source line
    of each address at which a statement put something.
    `symbols` are labels and assigned names alike; `labels` tells which are addresses.
    """

    name: str
    origin: int
    entry: int
    entry_order: ByteOrder
    byte_order: ByteOrder
    sections: tuple[Section, ...]
    symbols: Mapping[str, int]
    lines: Mapping[int, SourceLine]
    labels: frozenset[str]
    global_symbols: frozenset[str]

    def image(self) -> bytes:
        """The bytes from `origin` on, gaps filled with zeros; `.bss` at the end is left out."""
        image = bytearray()
        for section in self.sections:
            if section.data:
                image += bytes(section.address - self.origin - len(image)) + section.data
        return bytes(image)

    @property
    def end(self) -> int:
        """The address after the last byte in use, `.bss` included."""
        return max((section.end for section in self.sections), default=self.origin)

    def address_of(self, symbol: str) -> int:
        """The value of a symbol; KeyError names it when there is none."""
        return self.symbols[symbol]

    def elf(self) -> bytes:
        """An ELF64 executable with one segment for each section, and a symbol table."""
        return write_elf(self)

    def listing(self) -> str:
        """Address, bytes and source line of everything, section by section."""
        return "\n".join(line for section in self.sections for line in self._listed(section))

    def _listed(self, section: Section) -> list[str]:
        out = [f"Section {section.name}: {section.size} bytes at {section.address:#x}"]
        labels: dict[int, list[str]] = {}
        for name, value in self.symbols.items():
            labels.setdefault(value, []).append(name)
        inside = [a for a in self.lines if section.address <= a < section.end]
        for address, following in pairwise([*inside, section.end]):
            code = section.data[address - section.address : following - section.address]
            out += [f"{'':34}{name}:" for name in labels.get(address, ()) if name in self.labels]
            source = self.lines[address].text.strip()
            out.append(f"{address:16x}  {code[:8].hex(' ', -4):<17} {source}".rstrip())
            out += [
                f"{address + n:16x}  {code[n : n + 8].hex(' ', -4)}"
                for n in range(8, min(len(code), 64), 8)
            ]
            if len(code) > 64:
                out.append(f"{'':18}... {len(code) - 64} bytes more")
        return out
