"""Two partitions with a pair of virtual SCSI adapters, for tests."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hypervisor.vio.adapter import AdapterKind, Slot
from hypervisor.vio.pairs import Pair, Place
from tests.hypervisor.lpar import Lpar, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypervisor.vio.pairs import PairedCrqAdapter, PairEnd

SERVER_SLOT, CLIENT_SLOT = Slot(10), Slot(20)
QUEUE, DATA, LAST = 0x40000, 0x50000, 0xB0000
"""I/O bus address and logical real address are the same."""
BOTH = 3


@dataclass
class Half:
    """One partition with its adapter, and what its driver does."""

    lpar: Lpar
    end: PairEnd
    kind: AdapterKind
    adapter: PairedCrqAdapter = field(init=False)
    next: int = 0

    def __post_init__(self) -> None:
        self.plug()

    def plug(self) -> None:
        io = self.lpar.partition.virtual_io
        self.adapter = io.add_paired(self.kind, self.slot, self.end)
        self.next = 0
        self.allow(QUEUE, LAST)

    @property
    def slot(self) -> Slot:
        return self.end.place.slot

    def allow(self, first: int, last: int, access: int = BOTH) -> None:
        """Put TCEs that map addresses to themselves."""
        for page in range(first, last + 0x1000, 0x1000):
            assert not self.lpar.code("H_PUT_TCE", self.slot.liobn, page, page | access)

    def register(self) -> int:
        self.lpar.memory.write(QUEUE, bytes(0x1000))
        self.next = 0
        return self.lpar.code("H_REG_CRQ", self.slot.unit, QUEUE, 0x1000)

    def free(self) -> int:
        return self.lpar.code("H_FREE_CRQ", self.slot.unit)

    def send(self, high: int, low: int = 0) -> int:
        return self.lpar.code("H_SEND_CRQ", self.slot.unit, high, low)

    def ioctl(self, subfunction: int, *arguments: int) -> int:
        return self.lpar.call("H_VIOCTL", self.slot.unit, subfunction, *arguments).code

    def take(self) -> tuple[int, int] | None:
        """The next message in its queue, which is freed."""
        at = QUEUE + self.next * 16 % 0x1000
        high, low = self.lpar.memory.u64(at), self.lpar.memory.u64(at + 8)
        if not high >> 56:
            return None
        self.lpar.memory.write_u8(at, 0)
        self.next += 1
        return high, low

    @property
    def interrupted(self) -> bool:
        source = self.lpar.interrupts.source(self.slot.interrupt)
        assert source is not None
        pending, source.pending = source.pending, False
        return pending


@dataclass
class Both:
    pair: Pair
    server: Half
    client: Half

    def connect(self) -> None:
        """Both have registered, and know of each other."""
        self.server.register()
        self.client.register()
        self.pair.exchange()

    def copy(self, length: int, source: tuple[int, int], destination: tuple[int, int]) -> int:
        """H_COPY_RDMA of the server, each side liobn and address, while nobody runs."""
        return self.rdma("H_COPY_RDMA", length, *source, *destination)

    def rdma(self, name: str, *arguments: int) -> int:
        io = self.server.lpar.partition.virtual_io
        io.others_stand_still = True
        try:
            return self.server.lpar.call(name, *arguments).code
        finally:
            io.others_stand_still = False


@contextmanager
def two_partitions() -> Iterator[Both]:
    server, client = Place(1, SERVER_SLOT, "V1-C10"), Place(2, CLIENT_SLOT, "V2-C20")
    pair = Pair(server, client)
    with opened() as one, opened() as two:
        yield Both(
            pair,
            Half(one, pair.server, AdapterKind.SCSI_SERVER),
            Half(two, pair.client, AdapterKind.CLIENT_SCSI),
        )
