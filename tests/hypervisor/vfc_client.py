"""A virtual Fibre Channel client for tests: what a driver does, by hypercalls and in storage."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypervisor.abi import H
from hypervisor.vfc.server import VfcServer
from hypervisor.vio.adapter import AdapterKind, Slot
from tests.hypervisor.queue_client import TABLE, QueueClient

if TYPE_CHECKING:
    from hypervisor.san.san import San
    from pyphyp.storage_network import Carrier
    from tests.hypervisor.lpar import Lpar

SLOT = Slot(56)
EVENTS, LOGIN, UNIT, DATA = 0x41000, 0x42000, 0x43000, 0x45000
SUB_QUEUE = 0x44000
COMMAND, MAD = 1, 4
READ, WRITE, TASK = 4, 8, 0x82
SIZES = {1: 40, 2: 80, 4: 592, 8: 128, 0x10: 64, 0x20: 592, 0x40: 48, 0x100: 88, 0x200: 40}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command's header and FCP_RSP say."""

    fault: tuple[int, int]
    status: int
    left: int
    over: bool
    sense: bytes
    code: int | None
    data: bytes

    @property
    def condition(self) -> tuple[int, int, int]:
        return self.sense[2] & 0xF, self.sense[12], self.sense[13]


class Client(QueueClient):
    """An adapter in slot 56 of `lpar`, in `fabric` or behind a `carrier`, and its driver."""

    def __init__(
        self, lpar: Lpar, san: San, fabric: str = "a", carrier: Carrier | None = None
    ) -> None:
        super().__init__(lpar, SLOT)
        self.san = san
        io = lpar.partition.virtual_io
        self.adapter = io.add_channel_adapter(AdapterKind.CLIENT_FC, SLOT)
        self.port = san.client("web", 1, SLOT.number)
        if carrier is None:
            san.plug(self.port, fabric)
            self.server = VfcServer(self.adapter, self.port)
        else:
            carrier.attach(self.port)
            self.server = carrier.serve(self.adapter, self.port)
        self.next_event = self.tag = 0
        self.named = False

    def login(self, capabilities: int = 0) -> bytes:
        """NPIV login; what the server answers."""
        request = bytearray(856)
        request[:4] = (2).to_bytes(4, "big")
        request[36:40] = (113).to_bytes(4, "big")
        for at, name in ((72, b"web"), (328, b"host0\xff"), (584, b"U9009.PYP0001-V1-C56")):
            request[at : at + len(name)] = name
        request[40:48] = capabilities.to_bytes(8, "big")
        request[56:72] = struct.pack(">QII", EVENTS, 0, 0x1000)
        self.memory.write(LOGIN, bytes(request))
        self.memory.write(EVENTS, bytes(0x1000))
        self.next_event = 0
        status, _ = self.mad(1, struct.pack(">QII", LOGIN, 0, 1360))
        self.named = bool(capabilities & 0x10)
        return self.memory.read(LOGIN, 1360) if not status else b""

    def ready(self) -> int:
        """Logged in to the first target it sees; gives its port identifier."""
        self.open()
        assert self.login()
        ((port_id, _), *_) = self.discover()
        self.log_in_to(port_id)
        return port_id

    def log_in_to(self, port_id: int) -> None:
        where = port_id.to_bytes(8, "big")
        assert self.mad(4, where)[0] == 0
        assert self.mad(8, where + bytes([8, 0, 0x20, 0]))[0] == 0

    def discover(self) -> list[tuple[int, int]]:
        """Port identifiers and names of the targets."""
        body = struct.pack(">QIIIHHI", DATA, 0, 160, 2, 0, 0, 160)
        status, mad = self.mad(2, body)
        assert status == 0
        count = int.from_bytes(mad[56:60], "big")
        listed = self.memory.read(DATA, 16 * count)
        return list(struct.iter_unpack(">I4xQ", listed))

    # -- the queue -------------------------------------------------------------------------

    def event(self) -> tuple[int, ...] | None:
        """The next event: what, of which port, link state."""
        at = EVENTS + self.next_event * 48
        event = self.memory.read(at, 48)
        if not event[0]:
            return None
        self.memory.write_u8(at, 0)
        self.next_event += 1
        what, port_id = struct.unpack_from(">QQ", event, 8)
        return what, port_id, event[1]

    def tagged(self) -> bytes:
        self.tag += 1
        return (0xA5A5 << 48 | self.tag).to_bytes(8, "big")

    def mad(self, opcode: int, body: bytes = b"", size: int | None = None) -> tuple[int, bytes]:
        """Send a management datagram; its status, and all of it."""
        tag, length = self.tagged(), SIZES.get(opcode, 48) if size is None else size
        head = struct.pack(">I4xIHH", 1, opcode, 0xFFFF, length) + tag
        self.memory.write(UNIT, (head + body).ljust(length, b"\0"))
        assert self.send(0x80 << 56 | MAD << 48, UNIT) == H.SUCCESS
        assert self.take() == (0x80 << 56 | MAD << 48, int.from_bytes(tag, "big"))
        mad = self.memory.read(UNIT, length)
        return int.from_bytes(mad[12:14], "big"), mad

    # -- commands --------------------------------------------------------------------------

    def unit(
        self,
        port_id: int,
        cdb: bytes,
        *,
        out: bytes = b"",
        into: int = 0,
        lun: int = 0,
        management: int = 0,
        pieces: tuple[tuple[int, int], ...] = (),
        key: int = 7,
        at: int = UNIT,
    ) -> bytes:
        """A command's information unit; its tag."""
        flags = TASK if management else WRITE if out else READ if into else 2
        data, size = DATA, len(out) or into
        if out:
            self.memory.write(DATA, out)
        if pieces:
            flags |= 1
            table = b"".join(struct.pack(">QII", place, 0, length) for place, length in pieces)
            self.memory.write(TABLE, table)
            data, size = TABLE, len(table)
        tag, place = self.tagged(), 136 if self.named else 128
        header = bytearray(place + 32 + 128)
        struct.pack_into(">HHHHI", header, 24, 0xFFFF, 0xFFFF, flags, 0, key)
        struct.pack_into(">QIIQII", header, 56, data, 0, size, at + place + 32, 0, 128)
        struct.pack_into(">Q8s", header, 96, port_id, tag)
        where = lun.to_bytes(2, "big") + bytes(6)
        length = len(out) or into
        fcp = struct.pack(">8s2xBB16sI", where, management, 0, cdb.ljust(16, b"\0"), length)
        header[place : place + 32] = fcp
        self.memory.write(at, bytes(header))
        return tag

    def command(self, port_id: int, cdb: bytes, **how: object) -> Answer:
        """One SCSI command, or task management function."""
        tag = self.unit(port_id, cdb, **how)  # type: ignore[arg-type]
        assert self.send(0x80 << 56 | COMMAND << 48, UNIT) == H.SUCCESS
        assert self.take() == (0x80 << 56 | COMMAND << 48, int.from_bytes(tag, "big"))
        into = how.get("into", 0)
        assert isinstance(into, int)
        return self.answer(into)

    def answer(self, into: int = 0, at: int = UNIT) -> Answer:
        place = at + (168 if self.named else 160)
        fault = struct.unpack(">HH", self.memory.read(at + 24, 4))
        flags, status, left, sense, extra = struct.unpack(
            ">BBIII", self.memory.read(place + 10, 14)
        )
        data = self.memory.read(place + 24, 104)
        code = data[3] if flags & 1 else None
        left = left if flags & 0xC else 0
        moved = self.memory.read(DATA, into if flags & 4 else into - left) if into else b""
        return Answer(
            (fault[0], fault[1]),
            status,
            left,
            bool(flags & 4),
            data[extra : extra + sense] if flags & 2 else b"",
            code,
            moved,
        )
