"""RTAS error logs, as event-scan, check-exception and rtas-last-error hand them out.

Eight fixed bytes say how bad it is; behind them stands the extended log of version 6 (LoPAR
chapter 10, "RTAS Error/Event Return Format"): a main header, then sections of the platform's own
event log.  All of it is big-endian.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Annotated

from emu.bits import Field, Word
from emu.state import U32, Length, record

MOST_TEXT_BYTES = 1024
REFERENCE_CODE_BYTES = 32
HYPERVISOR_CODE = "B7000000"
"""A reference code of the hypervisor's, without a reason in its last digits."""

_VERSION = 6
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMES = range(int((datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH).total_seconds()) * 100)
"""Hundredths of a second since 1970 that a date of four digits can tell."""
_COMPANY = b"IBM\0"
_CREATOR = b"H"  # hypervisor
_COMPONENT = 0


class Severity(IntEnum):
    """How bad an event is (LoPAR table "RTAS Event Return Format (Fixed Part)")."""

    NO_ERROR = 0
    EVENT = 1
    WARNING = 2
    ERROR_SYNC = 3
    ERROR = 4
    FATAL = 5


class Disposition(IntEnum):
    FULLY_RECOVERED = 0
    LIMITED_RECOVERY = 1
    NOT_RECOVERED = 2


class Initiator(IntEnum):
    """Who noticed (LoPAR table "RTAS Event Return Format (Fixed Part)")."""

    UNKNOWN = 0
    CPU = 1


class EventType(IntEnum):
    INTERNAL_DEVICE_FAILURE = 0x03
    EPOW = 0x40
    PLATFORM_ERROR = 0xE0
    PLATFORM_INFORMATION = 0xE2
    HOT_PLUG = 0xE5


class EventClass(IntEnum):
    """The bit of an event-scan or check-exception mask that asks for an event."""

    INTERNAL_ERRORS = 0x8000_0000
    EPOW = 0x4000_0000
    HOT_PLUG = 0x1000_0000


class HotPlugAction(IntEnum):
    """What an operating system is to do with a resource."""

    ADD = 1
    REMOVE = 2


class EpowAction(IntEnum):
    """The EPOW sensor's values (LoPAR table "EPOW Action Codes")."""

    RESET = 0
    WARN_COOLING = 1
    WARN_POWER = 2
    SYSTEM_SHUTDOWN = 3
    SYSTEM_HALT = 4
    MAIN_ENCLOSURE = 5
    POWER_OFF = 7


class Shutdown(IntEnum):
    """Why a partition is asked to shut down: the event modifier of an EPOW section."""

    NORMAL = 1
    ON_UPS = 2
    LOSS_OF_CRITICAL_FUNCTIONS = 3
    AMBIENT_TEMPERATURE = 4


class Subsystem(IntEnum):
    """Where an event comes from: subsystem identifiers of a UH section."""

    PROCESSOR = 0x10
    OTHER = 0x70
    PLATFORM_FIRMWARE = 0x80
    EXTERNAL_ENVIRONMENT = 0xA0


class Subtype(IntEnum):
    """Event subtypes of a UH section."""

    NONE = 0x00
    NORMAL_SHUTDOWN = 0xD0
    ABNORMAL_SHUTDOWN = 0xE0


class Summary(Word):
    """The first four bytes of a log."""

    WIDTH = 32
    VERSION = Field(0, 7)
    SEVERITY = Field(8, 10)
    DISPOSITION = Field(11, 12)
    EXTENDED = Field(13)
    INITIATOR = Field(16, 19)
    TARGET = Field(20, 23)
    TYPE = Field(24, 31)


class MainHeaderFlags(Word):
    """Byte 0 of the extended log's main header."""

    WIDTH = 8
    VALID = Field(0)
    UNRECOVERABLE = Field(1)
    RECOVERABLE = Field(2)
    NEW = Field(5)
    BIG_ENDIAN = Field(6)


_POWERPC_PLATFORM_EVENT_LOG = 0x8E
"""Byte 2 of the main header: PowerPC format, and "platform event log" (14)."""

# What a UH section says of a severity, and whether somebody should do something about it.
_UH_SEVERITY = {
    Severity.NO_ERROR: 0x00,
    Severity.EVENT: 0x00,
    Severity.WARNING: 0x20,  # predictive
    Severity.ERROR_SYNC: 0x40,  # unrecoverable
    Severity.ERROR: 0x40,
    Severity.FATAL: 0x50,  # critical
}
_SERVICE_ACTION_REPORTED, _REPORTED = 0xA000, 0x2000


_Section = Annotated[bytes, Length(8, 8 + MOST_TEXT_BYTES)]


@record
class ErrorLog:
    """One log: the facts of its headers, and the sections behind PH and UH."""

    log_id: U32
    event_class: EventClass
    event_type: EventType
    severity: Severity
    disposition: Disposition
    subsystem: Subsystem
    subtype: Subtype
    created: Annotated[int, TIMES]
    """Hundredths of a second since 1970 (UTC)."""
    sections: Annotated[tuple[_Section, ...], Length(0, 4)] = ()
    epow_action: EpowAction = EpowAction.RESET
    initiator: Initiator = Initiator.UNKNOWN

    def encode(self) -> bytes:
        """The log as a guest reads it."""
        sections = (self._private_header(), self._user_header(), *self.sections)
        extended = self._main_header() + b"".join(sections)
        summary = Summary(0).replace(
            VERSION=_VERSION,
            SEVERITY=self.severity,
            DISPOSITION=self.disposition,
            EXTENDED=1,
            INITIATOR=self.initiator,
            TYPE=self.event_type,
        )
        return struct.pack(">II", summary, len(extended)) + extended

    def _main_header(self) -> bytes:
        lost = self.disposition is Disposition.NOT_RECOVERED
        error = self.severity > Severity.EVENT
        flags = MainHeaderFlags(0).replace(
            VALID=1,
            UNRECOVERABLE=int(error and lost),
            RECOVERABLE=int(error and not lost),
            NEW=1,
            BIG_ENDIAN=1,
        )
        return struct.pack(">BxBx8x4s", flags, _POWERPC_PLATFORM_EVENT_LOG, _COMPANY)

    def _private_header(self) -> bytes:
        seconds, hundredths = divmod(self.created, 100)
        moment = _EPOCH + timedelta(seconds=seconds)
        date = int(f"{moment:%Y%m%d}", 16)
        time = int(f"{moment:%H%M%S}{hundredths:02d}", 16)
        count = 2 + len(self.sections)
        body = struct.pack(">II8xc2xB4x8xII", date, time, _CREATOR, count, self.log_id, self.log_id)
        return section(b"PH", body)

    def _user_header(self) -> bytes:
        severity = _UH_SEVERITY[self.severity]
        action = _SERVICE_ACTION_REPORTED if severity else _REPORTED
        body = struct.pack(">BxBB4x2xH4x", self.subsystem, severity, self.subtype, action)
        return section(b"UH", body)


def section(name: bytes, body: bytes, *, version: int = 1) -> bytes:
    """A section: its name, length, version, subtype 0, creating component, then `body`."""
    padded = body.ljust(-(-len(body) // 4) * 4, b"\0")
    return struct.pack(">2sHBBH", name, 8 + len(padded), version, 0, _COMPONENT) + padded


def epow_section(action: EpowAction, modifier: int) -> bytes:
    """What an environmental and power warning wants; for this partition only (version 2)."""
    partition_only = 1
    return section(b"EP", struct.pack(">BBBx8x", action, modifier, partition_only), version=2)


def hot_plug_section(action: HotPlugAction, drc_index: int) -> bytes:
    """A virtual slot, by its connector's index, comes or is to go (table "Hotplug Section")."""
    slot, by_drc_index = 3, 2
    return section(b"HP", struct.pack(">BBBBI", slot, action, by_drc_index, 0, drc_index))


def reference_code_section(code: str) -> bytes:
    """The primary system reference code, by which service looks an error up."""
    text = code.encode("ascii")
    if not code.isalnum() or len(text) > REFERENCE_CODE_BYTES:
        raise ValueError(
            f"reference code {code!r}: letters and digits are needed, at most "
            f"{REFERENCE_CODE_BYTES}"
        )
    version, words, length = 2, 9, 72
    body = struct.pack(">BxxB2xH32x", version, words, length)
    return section(b"PS", body + text.ljust(REFERENCE_CODE_BYTES))


def text_section(text: str) -> bytes:
    """Words for people, as user-defined data."""
    encoded = text.encode()
    if len(encoded) > MOST_TEXT_BYTES:
        raise ValueError(f"a text of {len(encoded)} bytes: at most {MOST_TEXT_BYTES} fit")
    return section(b"UD", encoded)
