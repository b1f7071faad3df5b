"""A partition's storage and registers as an ELF core, for crash, gdb and readelf.

One segment holds all storage, by logical real address; where the kernel has its storage at
0xC000000000000000, as Linux does, a second one shows the same bytes there.  Notes hold each
processor's registers, and the VMCOREINFO that a Linux kernel leaves in its storage for such
dumps.  Storage that is zero takes no room on the disk.  The byte order is that of the interrupts.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from emu.bits import ByteOrder, low_bits
from emu.values import frozen

from .replacing import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from emu.memory import Memory
    from emu.registers import Registers
    from hypervisor.partition import Partition

    Progress = Callable[[float], None]
    """Told what fraction of the storage is written."""

LINEAR_MAPPING = 0xC000_0000_0000_0000
_EM_PPC64, _ET_CORE, _ABI_V2 = 21, 4, 2
_PT_LOAD, _PT_NOTE, _ALL_ACCESS = 1, 4, 7
_HEADER_BYTES, _SEGMENT_BYTES = 64, 56
_NT_PRSTATUS, _NT_FPREGSET, _NT_VMX, _NT_VSX = 1, 2, 0x100, 0x102
_STORAGE_OFFSET = 0x1_0000
_BLOCK_BYTES = 0x1_0000
_ZEROS = bytes(_BLOCK_BYTES)
_VMCOREINFO = b"VMCOREINFO\0"
_MOST_VMCOREINFO_BYTES = 4096


class DumpError(Exception):
    """The dump cannot be written; the message says why.  What was there before is still there."""


def write_dump(partition: Partition, path: Path, progress: Progress | None = None) -> None:
    """Dump `partition`, which does not run now, to `path`; raises `DumpError`."""
    try:
        with replacing(path) as file:
            _Core(partition, file).write(progress)
    except OSError as wrong:
        reason = wrong.strerror or str(wrong)
        raise DumpError(f"the dump cannot be written: {path}: {reason}") from None


@frozen
class _Segment:
    kind: int
    flags: int
    offset: int
    virtual: int
    real: int
    size: int


class _Core:
    """One dump on its way to `file`."""

    def __init__(self, partition: Partition, file: BinaryIO) -> None:
        self._partition, self._file = partition, file
        little = partition.engine.interrupts_little_endian
        self._order = ByteOrder.LITTLE if little else ByteOrder.BIG
        self._letter = "<" if little else ">"

    def _pack(self, layout: str, *values: int | bytes) -> bytes:
        return struct.pack(self._letter + layout, *values)

    def write(self, progress: Progress | None) -> None:
        size = self._partition.memory.size
        self._file.seek(_STORAGE_OFFSET)
        vmcoreinfo = self._write_storage(progress)
        notes = b"".join(self._processor_notes())
        if vmcoreinfo is not None:
            notes += self._note(_VMCOREINFO, 0, vmcoreinfo)
        end = _STORAGE_OFFSET + size
        self._file.seek(end)
        self._file.write(notes)
        storage = _Segment(_PT_LOAD, _ALL_ACCESS, _STORAGE_OFFSET, 0, 0, size)
        segments = [_Segment(_PT_NOTE, 0, end, 0, 0, len(notes)), storage]
        if self._partition.engine.translate(LINEAR_MAPPING) == 0:
            segments.append(
                _Segment(_PT_LOAD, _ALL_ACCESS, _STORAGE_OFFSET, LINEAR_MAPPING, 0, size)
            )
        self._file.seek(0)
        self._file.write(self._headers(segments))

    # -- headers ---------------------------------------------------------------------------

    def _headers(self, segments: list[_Segment]) -> bytes:
        data = 1 if self._order is ByteOrder.LITTLE else 2
        flags = _ABI_V2 if self._order is ByteOrder.LITTLE else 1
        ident = b"\x7fELF" + bytes((2, data, 1)).ljust(12, b"\0")
        header = self._pack(
            "HHIQQQIHHHHHH",
            *(_ET_CORE, _EM_PPC64, 1, 0, _HEADER_BYTES, 0, flags),
            *(_HEADER_BYTES, _SEGMENT_BYTES, len(segments), 64, 0, 0),
        )
        return ident + header + b"".join(self._program_header(s) for s in segments)

    def _program_header(self, segment: _Segment) -> bytes:
        alignment = 4 if segment.kind == _PT_NOTE else _BLOCK_BYTES
        memory_size = 0 if segment.kind == _PT_NOTE else segment.size
        return self._pack(
            "IIQQQQQQ",
            *(segment.kind, segment.flags, segment.offset, segment.virtual, segment.real),
            *(segment.size, memory_size, alignment),
        )

    # -- storage ---------------------------------------------------------------------------

    def _write_storage(self, progress: Progress | None) -> bytes | None:
        """Write what is not zero; gives the VMCOREINFO met on the way."""
        memory, found, before = self._partition.memory, None, b""
        for address in range(0, memory.size, _BLOCK_BYTES):
            if progress is not None and address % (_BLOCK_BYTES * 256) == 0:
                progress(address / memory.size)
            block = memory.read(address, min(_BLOCK_BYTES, memory.size - address))
            if block == _ZEROS[: len(block)]:
                before = b""
                continue
            self._file.seek(_STORAGE_OFFSET + address)
            self._file.write(block)
            if found is None:
                found = self._vmcoreinfo(before + block, address - len(before))
            before = block[-len(_VMCOREINFO) :]
        if progress is not None:
            progress(1.0)
        return found

    def _vmcoreinfo(self, data: bytes, address: int) -> bytes | None:
        """The description of a VMCOREINFO note whose name lies in `data`, found at `address`."""
        at = data.find(_VMCOREINFO)
        while at >= 0:
            if (text := self._note_named_at(self._partition.memory, address + at)) is not None:
                return text
            at = data.find(_VMCOREINFO, at + 1)
        return None

    def _note_named_at(self, memory: Memory, address: int) -> bytes | None:
        if address % 4 or not memory.contains(address - 12, 24):
            return None
        header = memory.read(address - 12, 12)
        name_size, size, kind = struct.unpack(self._letter + "III", header)
        if (name_size, kind) != (len(_VMCOREINFO), 0) or size > _MOST_VMCOREINFO_BYTES:
            return None
        start = address + 12
        text = memory.read(start, size) if memory.contains(start, size) else b""
        return text if text.startswith(b"OSRELEASE=") else None

    # -- notes -----------------------------------------------------------------------------

    def _note(self, name: bytes, kind: int, description: bytes) -> bytes:
        padded = [part.ljust(-(-len(part) // 4) * 4, b"\0") for part in (name, description)]
        return self._pack("III", len(name), len(description), kind) + b"".join(padded)

    def _processor_notes(self) -> Iterator[bytes]:
        engine = self._partition.engine
        selected = engine.selected
        for processor in self._partition.processors:
            registers = processor.registers
            yield self._note(b"CORE\0", _NT_PRSTATUS, self._status(processor.number, registers))
            yield self._note(b"CORE\0", _NT_FPREGSET, self._floating_point(registers))
            yield self._note(b"LINUX\0", _NT_VMX, self._vectors(registers))
            yield self._note(b"LINUX\0", _NT_VSX, self._vector_scalars(registers))
        engine.select(selected)

    def _status(self, number: int, registers: Registers) -> bytes:
        """`struct elf_prstatus`: mostly zeros around a process number and `struct pt_regs`."""
        spr = registers.spr
        words = [registers.gpr(n) for n in range(32)]
        words += [registers.nip, int(registers.msr), registers.gpr(3), spr("ctr"), spr("lr")]
        words += [spr("xer"), registers.cr, 0, 0, spr("dar"), spr("dsisr"), 0]
        words += [0] * (48 - len(words))
        return self._pack("32xI76x48Qi4x", number + 1, *words, 1)

    def _floating_point(self, registers: Registers) -> bytes:
        values = [registers.vsr(n) >> 64 for n in range(32)]
        return self._pack("33Q", *values, registers.fpscr)

    def _vectors(self, registers: Registers) -> bytes:
        """VR 0 to 31, VSCR, VRSAVE."""
        order = self._order.name_for_int
        vectors = (registers.vsr(32 + n).to_bytes(16, order) for n in range(32))
        vrsave = low_bits(registers.spr("vrsave"), 32)
        status = registers.vscr.to_bytes(16, order)
        return b"".join(vectors) + status + self._pack("I12x", vrsave)

    def _vector_scalars(self, registers: Registers) -> bytes:
        """The halves of VSR 0 to 31 behind the floating-point registers."""
        return self._pack("32Q", *(low_bits(registers.vsr(n), 64) for n in range(32)))
