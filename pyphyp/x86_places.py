"""Names for the code of an x86 program: its files, offsets in them, and their symbols."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from . import symbols

if TYPE_CHECKING:
    from lx86.linux.process import Process

_PAGE = 4096
NOWHERE = "(no file)"


class Place(NamedTuple):
    """Code at an address: its file as the program sees it, and where its first byte would be."""

    path: str
    base: int


class _File:
    """An ELF file: symbols by offset in the file."""

    def __init__(self, path: Path) -> None:
        # Most runs ask for no name.
        from elftools.common.exceptions import ELFError
        from elftools.construct.core import ConstructError
        from elftools.elf.elffile import ELFFile

        self.symbols = symbols.Symbols()
        self._loaded: list[tuple[int, int, int]] = []  # offset, bytes, address
        try:
            image = path.read_bytes()
            for segment in ELFFile(io.BytesIO(image)).iter_segments("PT_LOAD"):
                self._loaded.append((segment["p_offset"], segment["p_filesz"], segment["p_vaddr"]))
        except (OSError, ELFError, ConstructError, ValueError):
            return
        self.symbols = symbols.of_elf(image)

    def name(self, offset: int) -> str:
        for start, size, address in self._loaded:
            if start <= offset < start + size:
                address += offset - start
                name = self.symbols.name(address)
                inside = self.symbols.find(name.partition("+")[0])
                return name if inside and address in inside else ""
        return ""

    def find(self, name: str) -> int | None:
        """The offset of a symbol."""
        found = self.symbols.find(name)
        for start, size, address in self._loaded if found else ():
            if found and address <= found.start < address + size:
                return found.start - address + start
        return None


class Places:
    """Of the code of one program."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._pages: dict[int, Place] = {}
        self._hosts: dict[str, Path] = {}
        self._files: dict[str, _File] = {}

    def note(self, address: int) -> Place | None:
        """See what is there now, once a page; None if that is known already."""
        page = address // _PAGE
        if page in self._pages:
            return None
        place = self._pages[page] = self._look(address)
        return place

    def _look(self, address: int) -> Place:
        found = self._process.memory.label_at(address)
        if found is None:
            return Place(NOWHERE, 0)
        start, label = found
        if not label.name.startswith(b"/"):
            return Place(os.fsdecode(label.name), 0)
        parts = self._process.files.shown(label.name)
        path = b"/" + b"/".join(parts) if parts is not None else label.name.rpartition(b"/")[2]
        shown = os.fsdecode(path)
        self._hosts[shown] = Path(os.fsdecode(label.name))
        return Place(shown, start - label.offset)

    def at(self, address: int) -> Place:
        return self._pages.get(address // _PAGE) or Place(NOWHERE, 0)

    def name(self, address: int) -> str:
        """`function+0x10`, or `file+0x1000` where there are no symbols."""
        place = self.at(address)
        if place.path not in self._hosts:
            return place.path if place.path != NOWHERE else ""
        name = self._file(place.path).name(address - place.base)
        return name or f"{place.path.rpartition('/')[2]}+{address - place.base:#x}"

    def find(self, name: str, place: Place) -> int | None:
        """The address of a symbol of that file."""
        if place.path not in self._hosts:
            return None
        offset = self._file(place.path).find(name)
        return None if offset is None else place.base + offset

    def _file(self, path: str) -> _File:
        if path not in self._files:
            self._files[path] = _File(self._hosts[path])
        return self._files[path]
