"""A drive of virtual optical media: CDs and DVDs that are image files (MMC-6).

As on a Virtual I/O Server: a medium is loaded and unloaded by whoever runs the machine; the guest
can lock it in, and eject it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .command import CommandSet, Task
from .disk import BlockUnit, block_commands
from .status import CheckConditionError, Condition
from .unit import Identity, locking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .backing import Backing

commands = CommandSet(block_commands, locking)

SECTOR = 2048
_LEAD_OUT = 0xAA
_CD_SECTORS = 360_000
"""A larger medium is a DVD."""
_SPEED = 4234
"""Kilobytes a second: 24 times an audio disc's."""
_CD_ROM, _DVD_ROM = 0x0008, 0x0010
"""Profiles (MMC-6 5.3.1)."""


class MediumLockedError(Exception):
    """The guest has locked the medium in."""


class OpticalDrive(BlockUnit):
    """A drive, with a medium or without; `ejected` is told when the guest ejects one."""

    device_type = 0x05
    removable = True
    commands = commands
    block = SECTOR

    def __init__(self, serial: str, ejected: Callable[[], None] = lambda: None) -> None:
        super().__init__(Identity("VOPTA", serial))
        self._medium: Backing | None = None
        self._ejected = ejected

    # -- the operator ----------------------------------------------------------------------

    @property
    def loaded(self) -> bool:
        return self._medium is not None

    def load(self, medium: Backing) -> None:
        """Put a medium in; the drive must be empty."""
        assert self._medium is None, "there is a medium already"
        self._medium = medium
        self.attention_to_all(Condition.MEDIUM_CHANGED)

    def unload(self, *, force: bool = False) -> None:
        """Take the medium out; `MediumLockedError` where the guest has locked it."""
        if self.locked and not force:
            raise MediumLockedError("the partition has locked the medium")
        self._remove()

    def _remove(self) -> None:
        medium, self._medium = self._medium, None
        self._lockers.clear()
        if medium is not None:
            medium.close()

    # -- commands --------------------------------------------------------------------------

    def medium(self) -> Backing:
        if self._medium is None:
            raise CheckConditionError(Condition.NO_MEDIUM)
        return self._medium

    @commands.define(0x1B, "START STOP UNIT", 6)
    def start_stop(self, task: Task) -> bytes:
        if task.cdb[4] & 0x03 == 0x02:  # load/eject without start: eject
            if self.locked:
                raise CheckConditionError(Condition.MEDIUM_REMOVAL_PREVENTED)
            if self._medium is not None:
                self._remove()
                self._ejected()
        return b""

    @commands.define(0x35, "SYNCHRONIZE CACHE(10)", 10)
    def synchronize(self, task: Task) -> bytes:
        return b""

    @commands.define(0x43, "READ TOC/PMA/ATIP", 10)
    def read_toc(self, task: Task) -> bytes:
        """One data track; formats 0 (tracks) and 1 (sessions)."""
        as_time = bool(task.cdb[1] & 2)
        number, room, form = task.cdb[6], task.number(7, 2), task.cdb[2] & 0xF
        blocks = self.blocks
        if form == 0:
            if number > 1 and number != _LEAD_OUT:
                raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
            tracks = [] if number == _LEAD_OUT else [(1, 0)]
            tracks.append((_LEAD_OUT, blocks))
        elif form == 1:
            tracks = [(1, 0)]
        else:
            raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
        data = b"".join(
            bytes([0, 0x14, track, 0]) + _address(start, as_time) for track, start in tracks
        )
        return ((len(data) + 2).to_bytes(2, "big") + bytes([1, 1]) + data)[:room]

    @commands.define(0x46, "GET CONFIGURATION", 10)
    def get_configuration(self, task: Task) -> bytes:
        """The profiles there are, and the one in use."""
        start, room, only = task.number(2, 2), task.number(7, 2), task.cdb[1] & 3
        current = self._profile()
        profiles = b"".join(
            profile.to_bytes(2, "big") + bytes([int(profile == current), 0])
            for profile in (_DVD_ROM, _CD_ROM)
        )
        features = {
            0x0000: bytes([0x03, len(profiles)]) + profiles,
            0x0001: bytes([0x0B, 8]) + (1).to_bytes(4, "big") + bytes([1, 0, 0, 0]),  # by SCSI
            0x0003: bytes([0x07, 4, 0x29, 0, 0, 0]),  # a tray that can be locked
            0x0010: bytes([0x01 if current else 0, 8])
            + SECTOR.to_bytes(4, "big")
            + bytes([0, 1, 0, 0]),
        }
        wanted = {c: f for c, f in features.items() if (c == start if only == 2 else c >= start)}
        data = b"".join(code.to_bytes(2, "big") + feature for code, feature in wanted.items())
        header = (len(data) + 4).to_bytes(4, "big") + bytes(2) + current.to_bytes(2, "big")
        return (header + data)[:room]

    def _profile(self) -> int:
        if self._medium is None:
            return 0
        return _CD_ROM if self.blocks <= _CD_SECTORS else _DVD_ROM

    @commands.define(0x4A, "GET EVENT STATUS NOTIFICATION", 10)
    def get_event_status(self, task: Task) -> bytes:
        """The class of media events only, as polled."""
        room = task.number(7, 2)
        if not task.cdb[1] & 1:
            raise CheckConditionError(Condition.INVALID_FIELD_IN_CDB)
        if not task.cdb[4] & 0x10:
            return bytes([0, 2, 0x80, 0x10])[:room]
        return bytes([0, 6, 0x04, 0x10, 0, 2 if self.loaded else 0, 0, 0])[:room]

    @commands.define(0x51, "READ DISC INFORMATION", 10)
    def read_disc_information(self, task: Task) -> bytes:
        self.ready()
        data = bytearray(34)
        data[0:2] = (32).to_bytes(2, "big")
        data[2:7] = bytes([0x0E, 1, 1, 1, 1])  # complete; one session, one track
        return bytes(data)[: task.number(7, 2)]

    @commands.define(0xBD, "MECHANISM STATUS", 12)
    def mechanism_status(self, task: Task) -> bytes:
        return bytes(8)[: task.number(8, 2)]

    # -- what it says of itself ------------------------------------------------------------

    def device_specific(self) -> int:
        return 0

    def mode_pages(self) -> Mapping[int, tuple[bytes, bytes]]:
        # Reads DVDs; modes 2 and multiple sessions; a tray that locks and ejects.
        capabilities = bytearray([0x08, 0x00, 0x70, 0x00, 0x2B if self.locked else 0x29])
        capabilities += bytes(1) + _SPEED.to_bytes(2, "big") + bytes(4) + _SPEED.to_bytes(2, "big")
        return {
            0x01: (bytes(10), bytes(10)),
            0x0E: (bytes(14), bytes(14)),
            0x2A: (bytes(capabilities).ljust(20, b"\0"), bytes(20)),
        }


def _address(block: int, as_time: bool) -> bytes:
    """A block address, or the time it is played at (MMC-6 6.25)."""
    if not as_time:
        return block.to_bytes(4, "big")
    seconds, frame = divmod(block + 150, 75)
    return bytes([0, min(seconds // 60, 255), seconds % 60, frame])
