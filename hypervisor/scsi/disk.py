"""A disk: a direct access block device over some backing (SBC-3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .backing import BackingError
from .command import CommandSet, Task
from .status import CheckConditionError, Condition
from .unit import Identity, LogicalUnit
from .unit import commands as common_commands

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .backing import Backing

block_commands = CommandSet(common_commands)
"""Those that disks and optical drives have in common."""

BLOCK = 512
LONGEST_TRANSFER = 8 << 20
"""Bytes of one command: what an initiator can make the host hold."""
BEST_TRANSFER = 1 << 20
LONGEST_ZEROING = 1 << 22
"""Blocks of one WRITE SAME or UNMAP descriptor."""
UNMAP_DESCRIPTORS = 256
_LONG_OPCODES = 0x80
_WRITE_CACHE = 0x04


def _extent(task: Task) -> tuple[int, int]:
    """Block address and count of a command, by the form of its CDB."""
    match task.opcode >> 5:
        case 0:
            return task.number(1, 3) & 0x1FFFFF, task.cdb[4] or 256
        case 1 | 2:
            return task.number(2, 4), task.number(7, 2)
        case 4:
            return task.number(2, 8), task.number(10, 4)
    return task.number(2, 4), task.number(6, 4)


class BlockUnit(LogicalUnit):
    """What disks and optical drives share: blocks that are read."""

    block = BLOCK

    def medium(self) -> Backing:
        """The medium; raises NO MEDIUM where there is none."""
        raise NotImplementedError

    def ready(self) -> None:
        self.medium()

    @property
    def blocks(self) -> int:
        return self.medium().size // self.block

    def place(self, task: Task) -> tuple[int, int]:
        """Offset and length in bytes of a command's blocks, which must exist."""
        address, count = _extent(task)
        if address + count > self.blocks:
            raise CheckConditionError(Condition.LBA_OUT_OF_RANGE, address)
        return address * self.block, count * self.block

    def transfer(self, task: Task) -> tuple[int, int]:
        """As `place`, for blocks that are moved."""
        offset, length = self.place(task)
        if length > LONGEST_TRANSFER:
            raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
        return offset, length

    def read_blocks(self, task: Task) -> bytes:
        offset, length = self.transfer(task)
        try:
            return self.medium().read(offset, length)
        except BackingError:
            raise CheckConditionError(Condition.READ_ERROR, offset // self.block) from None

    @block_commands.define(0x28, "READ(10)", 10)
    def read_10(self, task: Task) -> bytes:
        return self.read_blocks(task)

    @block_commands.define(0xA8, "READ(12)", 12)
    def read_12(self, task: Task) -> bytes:
        return self.read_blocks(task)

    @block_commands.define(0x25, "READ CAPACITY(10)", 10)
    def read_capacity_10(self, task: Task) -> bytes:
        last = min(self.blocks - 1, 0xFFFFFFFF)
        return last.to_bytes(4, "big") + self.block.to_bytes(4, "big")


commands = CommandSet(block_commands)


class Disk(BlockUnit):
    """A disk on `backing`; several initiators may use it at a time."""

    device_type = 0x00
    commands = commands

    def __init__(self, backing: Backing, serial: str) -> None:
        super().__init__(Identity("VDASD", serial))
        self._backing = backing
        self._write_cache = True

    def medium(self) -> Backing:
        return self._backing

    def resized(self) -> None:
        """The backing has another size now."""
        self.attention_to_all(Condition.CAPACITY_CHANGED)

    # -- reading ---------------------------------------------------------------------------

    @commands.define(0x08, "READ(6)", 6)
    def read_6(self, task: Task) -> bytes:
        return self.read_blocks(task)

    @commands.define(0x88, "READ(16)", 16)
    def read_16(self, task: Task) -> bytes:
        return self.read_blocks(task)

    @commands.define(0x9E, "READ CAPACITY(16)", 16, action=0x10)
    def read_capacity_16(self, task: Task) -> bytes:
        provisioned = 0xC000  # blocks can be unmapped, and read as zeros then
        data = (self.blocks - 1).to_bytes(8, "big") + self.block.to_bytes(4, "big")
        data += bytes([0, 3]) + provisioned.to_bytes(2, "big")  # eight blocks a physical one
        return data.ljust(32, b"\0")[: task.number(10, 4)]

    @commands.define(0x34, "PRE-FETCH(10)", 10)
    def pre_fetch(self, task: Task) -> bytes:
        self.place(task)
        return b""

    @commands.define(0x90, "PRE-FETCH(16)", 16)
    def pre_fetch_16(self, task: Task) -> bytes:
        return self.pre_fetch(task)

    # -- writing ---------------------------------------------------------------------------

    @commands.define(0x0A, "WRITE(6)", 6)
    def write_6(self, task: Task) -> bytes:
        return self._write(task, forced=False)

    @commands.define(0x2A, "WRITE(10)", 10)
    def write_10(self, task: Task) -> bytes:
        return self._write(task)

    @commands.define(0xAA, "WRITE(12)", 12)
    def write_12(self, task: Task) -> bytes:
        return self._write(task)

    @commands.define(0x8A, "WRITE(16)", 16)
    def write_16(self, task: Task) -> bytes:
        return self._write(task)

    @commands.define(0x2E, "WRITE AND VERIFY(10)", 10)
    def write_and_verify(self, task: Task) -> bytes:
        return self._write(task, forced=True)

    @commands.define(0xAE, "WRITE AND VERIFY(12)", 12)
    def write_and_verify_12(self, task: Task) -> bytes:
        return self._write(task, forced=True)

    @commands.define(0x8E, "WRITE AND VERIFY(16)", 16)
    def write_and_verify_16(self, task: Task) -> bytes:
        return self._write(task, forced=True)

    def _write(self, task: Task, *, forced: bool | None = None) -> bytes:
        offset, length = self.transfer(task)
        if forced is None:
            forced = bool(task.cdb[1] & 0x08)
        self._change(offset, task.parameters(length), forced=forced)
        return b""

    def _change(self, offset: int, data: bytes, *, forced: bool) -> None:
        self._writable()
        try:
            self._backing.write(offset, data)
            if forced or not self._write_cache:
                self._backing.flush()
        except BackingError as wrong:
            condition = Condition.SPACE_EXHAUSTED if wrong.full else Condition.WRITE_ERROR
            raise CheckConditionError(condition, offset // BLOCK) from None

    def _writable(self) -> None:
        if self._backing.read_only:
            raise CheckConditionError(Condition.WRITE_PROTECTED)

    @commands.define(0x35, "SYNCHRONIZE CACHE(10)", 10)
    def synchronize_10(self, task: Task) -> bytes:
        return self._synchronize(task)

    @commands.define(0x91, "SYNCHRONIZE CACHE(16)", 16)
    def synchronize_16(self, task: Task) -> bytes:
        return self._synchronize(task)

    def _synchronize(self, task: Task) -> bytes:
        self.place(task)
        self._flush()
        return b""

    def _flush(self) -> None:
        try:
            self._backing.flush()
        except BackingError:
            raise CheckConditionError(Condition.WRITE_ERROR) from None

    @commands.define(0x41, "WRITE SAME(10)", 10)
    def write_same_10(self, task: Task) -> bytes:
        return self._write_same(task)

    @commands.define(0x93, "WRITE SAME(16)", 16)
    def write_same_16(self, task: Task) -> bytes:
        return self._write_same(task)

    def _write_same(self, task: Task) -> bytes:
        self._writable()
        address, count = _extent(task)
        count = count or self.blocks - address
        if count < 0 or address + count > self.blocks:
            raise CheckConditionError(Condition.LBA_OUT_OF_RANGE, address)
        if count > LONGEST_ZEROING:
            raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
        content = bytes(BLOCK)
        if not (task.opcode == 0x93 and task.cdb[1] & 0x01):  # which comes without a block
            content = task.parameters(BLOCK)
        if not any(content):
            self._discard(address, count)
            return b""
        while count:
            some = min(count, LONGEST_TRANSFER // BLOCK)
            self._change(address * BLOCK, content * some, forced=False)
            address, count = address + some, count - some
        return b""

    @commands.define(0x42, "UNMAP", 10)
    def unmap(self, task: Task) -> bytes:
        self._writable()
        data = task.parameters(task.number(7, 2))
        if not data:
            return b""
        length = int.from_bytes(data[2:4], "big")
        if len(data) < 8 or length % 16 or length > len(data) - 8:
            raise CheckConditionError(Condition.PARAMETER_LIST_LENGTH)
        if length // 16 > UNMAP_DESCRIPTORS:
            raise CheckConditionError(Condition.INVALID_FIELD_IN_PARAMETERS)
        extents = []
        for at in range(8, 8 + length, 16):
            address = int.from_bytes(data[at : at + 8], "big")
            count = int.from_bytes(data[at + 8 : at + 12], "big")
            if address + count > self.blocks:
                raise CheckConditionError(Condition.LBA_OUT_OF_RANGE, address)
            if count > LONGEST_ZEROING:
                raise CheckConditionError(Condition.INVALID_FIELD_IN_PARAMETERS)
            extents.append((address, count))
        for address, count in extents:
            self._discard(address, count)
        return b""

    def _discard(self, address: int, count: int) -> None:
        try:
            self._backing.discard(address * BLOCK, count * BLOCK)
        except BackingError:
            raise CheckConditionError(Condition.WRITE_ERROR, address) from None

    # -- verifying, and the rest -----------------------------------------------------------

    @commands.define(0x2F, "VERIFY(10)", 10)
    def verify_10(self, task: Task) -> bytes:
        return self._verify(task)

    @commands.define(0xAF, "VERIFY(12)", 12)
    def verify_12(self, task: Task) -> bytes:
        return self._verify(task)

    @commands.define(0x8F, "VERIFY(16)", 16)
    def verify_16(self, task: Task) -> bytes:
        return self._verify(task)

    def _verify(self, task: Task) -> bytes:
        compare = task.cdb[1] >> 1 & 3
        if compare == 0:
            self.place(task)
            return b""
        if compare == 2:
            raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
        offset, length = self.transfer(task)
        expected = task.parameters(length if compare == 1 else min(length, BLOCK))
        if compare == 3:  # one block, compared with each
            expected *= length // BLOCK
        if self.read_blocks(task) != expected:
            raise CheckConditionError(Condition.MISCOMPARE, offset // BLOCK)
        return b""

    @commands.define(0x89, "COMPARE AND WRITE", 16)
    def compare_and_write(self, task: Task) -> bytes:
        address, count = task.number(2, 8), task.cdb[13]
        if address + count > self.blocks:
            raise CheckConditionError(Condition.LBA_OUT_OF_RANGE, address)
        offset, length = address * BLOCK, count * BLOCK
        data = task.parameters(2 * length)
        self._writable()
        try:
            there = self._backing.read(offset, length)
        except BackingError:
            raise CheckConditionError(Condition.READ_ERROR, address) from None
        if there != data[:length]:
            at = next(n for n in range(length) if there[n] != data[n])
            raise CheckConditionError(Condition.MISCOMPARE, at)
        self._change(offset, data[length:], forced=bool(task.cdb[1] & 0x08))
        return b""

    @commands.define(0x1B, "START STOP UNIT", 6)
    def start_stop(self, task: Task) -> bytes:
        if not task.cdb[4] & 1:  # stopping: what is cached is written
            self._flush()
        return b""

    # -- what it says of itself ------------------------------------------------------------

    def device_specific(self) -> int:
        # Write protection, and that FUA is understood.
        return (0x80 if self._backing.read_only else 0) | 0x10

    def block_descriptor(self) -> bytes:
        return min(self.blocks, 0xFFFFFF).to_bytes(4, "big") + BLOCK.to_bytes(4, "big")

    def mode_pages(self) -> Mapping[int, tuple[bytes, bytes]]:
        caching = bytearray(18)
        caching[0] = _WRITE_CACHE if self._write_cache else 0
        changeable = bytes([_WRITE_CACHE]) + bytes(17)
        return {
            0x01: (bytes([0x80]) + bytes(9), bytes(10)),  # blocks are reassigned on writing
            0x08: (bytes(caching), changeable),
            0x0A: (bytes([0x02, 0x10]) + bytes(8), bytes(10)),  # fixed sense, any order
        }

    def set_mode_page(self, code: int, values: bytes) -> None:
        if code == 0x08:
            self._write_cache = bool(values[0] & _WRITE_CACHE)

    def vital_pages(self) -> Mapping[int, bytes]:
        limits = bytearray(60)
        limits[1] = 255  # blocks of COMPARE AND WRITE
        limits[2:4] = (8).to_bytes(2, "big")  # blocks: transfers are best of 4 KiB each
        limits[4:8] = (LONGEST_TRANSFER // BLOCK).to_bytes(4, "big")
        limits[8:12] = (BEST_TRANSFER // BLOCK).to_bytes(4, "big")
        limits[16:20] = LONGEST_ZEROING.to_bytes(4, "big")
        limits[20:24] = UNMAP_DESCRIPTORS.to_bytes(4, "big")
        limits[24:28] = (8).to_bytes(4, "big")
        limits[32:40] = LONGEST_ZEROING.to_bytes(8, "big")
        characteristics = (1).to_bytes(2, "big").ljust(60, b"\0")  # it does not rotate
        provisioning = bytes([0, 0xE4, 2, 0])  # UNMAP, both WRITE SAMEs; zeros; thin
        return {0xB0: bytes(limits), 0xB1: characteristics, 0xB2: provisioning}
