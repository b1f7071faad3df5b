"""A virtual SCSI client for tests: what a driver does, by hypercalls and in storage."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypervisor.abi import H
from hypervisor.scsi.command import Nexus
from hypervisor.scsi.target import Targets
from hypervisor.vio.adapter import AdapterKind, Slot
from hypervisor.vio.vscsi import VscsiServer
from tests.hypervisor.queue_client import QueueClient

if TYPE_CHECKING:
    from tests.hypervisor.lpar import Lpar

SLOT = Slot(2)
UNIT, DATA = 0x41000, 0x42000
DATA_BYTES = 0x3E000
MESSAGE = 0x80
SRP, MAD = 1, 2


@dataclass(frozen=True, slots=True)
class Response:
    """What SRP_RSP says."""

    status: int
    sense: bytes
    data: bytes
    left: int
    task_result: int | None

    @property
    def condition(self) -> tuple[int, int, int]:
        """Sense key, additional code and qualifier."""
        return self.sense[2] & 0xF, self.sense[12], self.sense[13]


class Client(QueueClient):
    """An adapter in slot 2 of `lpar` and its driver; `targets` are what the server offers."""

    def __init__(self, lpar: Lpar, targets: Targets | None = None) -> None:
        super().__init__(lpar, SLOT)
        self.adapter = lpar.partition.virtual_io.add_crq_adapter(AdapterKind.CLIENT_SCSI, SLOT)
        self.targets = Targets() if targets is None else targets
        self.server = VscsiServer(self.adapter, self.targets, Nexus("1:2"))
        self.tag = 0

    def login(self) -> bytes:
        self.open()
        return self.exchange(SRP, bytes([0]), 52)

    def exchange(self, form: int, unit: bytes, length: int) -> bytes:
        """Send an information unit, which gets a tag of its own; the response."""
        self.tag += 1
        tag = (0xA5A5 << 48 | self.tag).to_bytes(8, "big")
        unit = (unit[:8].ljust(8, b"\0") + tag + unit[16:]).ljust(256, b"\0")
        self.memory.write(UNIT, unit)
        assert self.send(MESSAGE << 56 | form << 48 | 256, UNIT) == H.SUCCESS
        message = self.take()
        assert message is not None
        high, low = message
        assert low.to_bytes(8, "big") == tag
        assert high >> 48 == MESSAGE << 8 | form
        if high >> 32 & 0xFF:
            return b""
        response = self.memory.read(UNIT, length)
        assert response[8:16] == tag
        return response

    def command(
        self,
        cdb: bytes,
        *,
        out: bytes = b"",
        into: int = 0,
        target: int = 0,
        lun: int = 0,
        address: bytes | None = None,
    ) -> Response:
        """One SCSI command with direct descriptors."""
        where = address or (0x8000 | target << 8 | lun).to_bytes(2, "big") + bytes(6)
        descriptors = b""
        if out:
            self.memory.write(DATA, out)
            descriptors += struct.pack(">QII", DATA, 0, len(out))
        if into:
            self.memory.write(DATA, bytes([0xEE]) * into)
            descriptors += struct.pack(">QII", DATA, 0, into)
        formats = (0x10 if out else 0) | (1 if into else 0)
        unit = struct.pack(">B4xB2x8x4x8s4x16s", 2, formats, where, cdb.ljust(16, b"\0"))
        return self.respond(unit + descriptors, into)

    def respond(self, unit: bytes, into: int = 0) -> Response:
        response = self.exchange(SRP, unit, 128)
        assert response[0] == 0xC1
        flags, status = response[18], response[19]
        left, sense_length, data_length = (
            int.from_bytes(response[at : at + 4], "big") for at in (24, 28, 32)
        )
        left = left if flags & 0x10 else 0
        task = int.from_bytes(response[36:40], "big") if flags & 1 else None
        sense = response[36 + data_length : 36 + data_length + sense_length] if flags & 2 else b""
        data = self.memory.read(DATA, into - left) if into and not status else b""
        return Response(status, sense, data, left, task)
