"""Loading an ELF executable for POWER into a partition's storage."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from elftools.common.exceptions import ELFError
from elftools.construct.core import ConstructError
from elftools.elf.elffile import ELFFile

if TYPE_CHECKING:
    from emu.memory import Memory


SEGMENT_LIMIT = 64
"""An image that a guest has made must not make the host load the same bytes over and over."""


class BootError(Exception):
    """A program cannot be booted; the message says why, and what would do."""


@dataclass(frozen=True, slots=True)
class Segment:
    """What to put at `address` (before the load base): `data`, then zeros up to `size` bytes."""

    address: int
    data: bytes
    size: int

    @property
    def end(self) -> int:
        return self.address + self.size


@dataclass(frozen=True, slots=True)
class Executable:
    """A parsed executable; `entry` is where it is entered, as a real address."""

    segments: tuple[Segment, ...]
    entry: int
    bits: int = 64
    """Width of the addresses it computes with."""

    @property
    def start(self) -> int:
        return min(segment.address for segment in self.segments)

    @property
    def end(self) -> int:
        return max(segment.end for segment in self.segments)

    def load(self, memory: Memory, base: int) -> None:
        """Put the program `base` bytes above the addresses it names."""
        for segment in self.segments:
            if not memory.contains(base + segment.address, segment.size):
                raise BootError(
                    f"a segment of {segment.size:#x} bytes at {base + segment.address:#x} does "
                    f"not fit {memory.size:#x} bytes of storage: give the partition more memory"
                )
        for segment in self.segments:
            zeros = bytes(segment.size - len(segment.data))
            memory.write(base + segment.address, segment.data + zeros)


def parse(image: bytes) -> Executable:
    """The executable in `image`; `BootError` if it is none for POWER, of 32 or 64 bits."""
    try:
        return _parse(ELFFile(io.BytesIO(image)))
    except (ELFError, ConstructError, ValueError, OverflowError, KeyError, TypeError) as wrong:
        raise BootError(
            f"the kernel cannot be read as ELF ({wrong}): an uncompressed vmlinux is needed"
        ) from wrong


def _parse(file: ELFFile) -> Executable:
    if (file.elfclass, file["e_machine"]) not in ((64, "EM_PPC64"), (32, "EM_PPC")):
        raise BootError(
            f"the kernel is {file.elfclass}-bit ELF for {file['e_machine']}: "
            "64-bit ELF for EM_PPC64 is needed, or 32-bit ELF for EM_PPC"
        )
    if file["e_type"] not in ("ET_EXEC", "ET_DYN"):
        raise BootError(f"the kernel is of type {file['e_type']}: ET_EXEC or ET_DYN is needed")
    if file.num_segments() > SEGMENT_LIMIT:
        raise BootError(f"the kernel has {file.num_segments()} segments: at most {SEGMENT_LIMIT}")
    entry: int | None = None
    segments: list[Segment] = []
    for header in file.iter_segments("PT_LOAD"):
        address, data, size = header["p_paddr"], header.data(), header["p_memsz"]
        if len(data) != header["p_filesz"] or size < len(data):
            raise BootError(f"the segment for {address:#x} is cut short: the file is incomplete")
        segments.append(Segment(address, data, size))
        if header["p_vaddr"] <= file["e_entry"] < header["p_vaddr"] + size:
            entry = address + file["e_entry"] - header["p_vaddr"]
    if entry is None:
        raise BootError(f"no segment holds the entry point {file['e_entry']:#x}")
    return Executable(tuple(segments), entry, file.elfclass)
