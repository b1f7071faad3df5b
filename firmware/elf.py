"""Loading an ELF executable for POWER into a partition's storage."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from emu.values import frozen

if TYPE_CHECKING:
    from emu.memory import Memory

_HEADER = 16
"""Where the ELF header's fields begin: behind what identifies it (System V ABI, chapter 4)."""
_EM_PPC, _EM_PPC64 = 20, 21
_ET_EXEC, _ET_DYN = 2, 3
_PT_LOAD = 1
_ORDERS = {b"\1": "<", b"\2": ">"}


@frozen
class _Form:
    """How a file of `bits` lays out its header and its segments' headers.

    `fields` says which of the latter's are p_offset, p_vaddr, p_paddr, p_filesz, p_memsz.
    """

    bits: int
    machine: int
    header: struct.Struct
    segment: struct.Struct
    fields: tuple[int, int, int, int, int]

    def in_order(self, order: str) -> _Form:
        header, segment = (struct.Struct(order + s.format) for s in (self.header, self.segment))
        return _Form(self.bits, self.machine, header, segment, self.fields)


_FORMS = {
    b"\1": _Form(32, _EM_PPC, struct.Struct("HHIIIIIHHH"), struct.Struct("8I"), (1, 2, 3, 4, 5)),
    b"\2": _Form(
        64, _EM_PPC64, struct.Struct("HHIQQQIHHH"), struct.Struct("2I6Q"), (2, 3, 4, 5, 6)
    ),
}

SEGMENT_LIMIT = 64
"""An image that a guest has made must not make the host load the same bytes over and over."""


class BootError(Exception):
    """A program cannot be booted; the message says why, and what would do."""


@frozen
class Segment:
    """What to put at `address` (before the load base): `data`, then zeros up to `size` bytes."""

    address: int
    data: bytes | memoryview
    size: int

    @property
    def end(self) -> int:
        return self.address + self.size


@frozen
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
            end = base + segment.address + len(segment.data)
            memory.write(base + segment.address, segment.data)
            memory.write(end, bytes(segment.size - len(segment.data)))


def parse(image: bytes) -> Executable:
    """The executable in `image`; `BootError` if it is none for POWER, of 32 or 64 bits."""
    form = _form(image)
    try:
        return _parse(image, form)
    except (struct.error, OverflowError):
        raise BootError("the kernel cannot be read as ELF: the file is incomplete") from None


def _form(image: bytes) -> _Form:
    magic, bits, order = image[:4], image[4:5], image[5:6]
    if magic != b"\x7fELF" or bits not in _FORMS or order not in _ORDERS:
        raise BootError("the kernel cannot be read as ELF: an uncompressed vmlinux is needed")
    return _FORMS[bits].in_order(_ORDERS[order])


def _parse(image: bytes, form: _Form) -> Executable:
    kind, machine, _, start, at, _, _, _, size, count = form.header.unpack_from(image, _HEADER)
    if machine != form.machine:
        raise BootError(
            f"the kernel is {form.bits}-bit ELF for machine {machine}: "
            "64-bit ELF for EM_PPC64 is needed, or 32-bit ELF for EM_PPC"
        )
    if kind not in (_ET_EXEC, _ET_DYN):
        raise BootError(f"the kernel is of type {kind}: ET_EXEC or ET_DYN is needed")
    if count > SEGMENT_LIMIT:
        raise BootError(f"the kernel has {count} segments: at most {SEGMENT_LIMIT}")
    entry: int | None = None
    segments: list[Segment] = []
    for n in range(count):
        fields = form.segment.unpack_from(image, at + n * size)
        if fields[0] != _PT_LOAD:
            continue
        offset, virtual, address, data_bytes, whole = (fields[field] for field in form.fields)
        data = memoryview(image)[offset : offset + data_bytes]
        if len(data) != data_bytes or whole < data_bytes:
            raise BootError(f"the segment for {address:#x} is cut short: the file is incomplete")
        segments.append(Segment(address, data, whole))
        if virtual <= start < virtual + whole:
            entry = address + start - virtual
    if entry is None:
        raise BootError(f"no segment holds the entry point {start:#x}")
    return Executable(tuple(segments), entry, form.bits)
