"""Random calls of two server terminals at the consoles of a client that says and reads at random.

What a server hears, its client has said; what is typed at a client, its server has written; a
console has one server; and what waits is bounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypervisor.configuration import PartitionConfiguration
from hypervisor.vio import adapter, vterm, vty
from hypervisor.vio.adapter import Slot
from hypervisor.vio.pairs import Place
from hypervisor.vio.vterm import BUFFER_BYTES, OUTPUT_LIMIT, Vterms
from hypervisor.vio.vty import INPUT_LIMIT
from pyphyp.compose import compose

from .rounds import STORAGE, Driver, PromiseBrokenError, Tally, hostile_partition

if TYPE_CHECKING:
    import random

    from hypervisor.partition import Partition
    from hypervisor.vio.vterm import ClientSide, ServerTerminal

ROUND = 2000
SLOTS = (Slot(10), Slot(11))
CONSOLES = (Slot(0), Slot(1))
SAID, TYPED = b"client", b"SERVER"
GROUPS = (adapter.hcalls, vterm.hcalls, vty.hcalls)
CALLS = {call.name: call.number for group in GROUPS for call in group}
OFTEN = ("H_PUT_TERM_CHAR",) * 20 + ("H_GET_TERM_CHAR", "H_REGISTER_VTERM", "H_FREE_VTERM") * 5
_ALL_ONES = (1 << 64) - 1


def random_call(rng: random.Random) -> tuple[int, ...]:
    name = rng.choice(OFTEN + tuple(CALLS))
    wild = rng.getrandbits(rng.choice((8, 32, 64)))
    unit = rng.choice(SLOTS).unit if rng.random() < 0.95 else rng.choice((wild, CONSOLES[0].unit))
    partner = rng.choice(CONSOLES).unit if rng.random() < 0.9 else wild
    partition = rng.choice((2, 2, 2, 2, _ALL_ONES, wild))
    match name:
        case "H_PUT_TERM_CHAR":
            text = int.from_bytes((TYPED * 3)[:16], "big")
            length = rng.choice((6, 12, 12, 0, 17, wild))
            return CALLS[name], unit, length, text >> 64, text & _ALL_ONES
        case "H_VTERM_PARTNER_INFO":
            page = BUFFER_BYTES * rng.randrange(STORAGE // BUFFER_BYTES + 1)
            last = rng.choice((partner, _ALL_ONES))
            return CALLS[name], unit, partition, last, page if rng.random() < 0.9 else wild
    return CALLS[name], unit, partition, partner, wild


def call(partition: Partition, *arguments: int) -> None:
    processor = partition.processors[0]
    io = partition.virtual_io
    processor.set_gprs(3, arguments)
    partition.hcalls.dispatch(processor)
    io.others_stand_still = True
    processor.answer(1)
    io.others_stand_still = False


def play(rng: random.Random, tally: Tally) -> int:
    vterms = Vterms()
    sides = tuple(vterms.add(Place(2, slot, "client")) for slot in CONSOLES)
    configuration = PartitionConfiguration(name="client", number=2, memory_bytes=1 << 20)
    client = compose(configuration, epoch=0, seed=1)
    try:
        io = client.partition.virtual_io
        consoles = (client.console, io.add_terminal(CONSOLES[1]))
        with hostile_partition(rng, tally) as composition:
            partition = composition.partition
            registers = partition.processors[0].registers
            registers.msr = registers.msr.replace(PR=0, HV=0)
            servers = [partition.virtual_io.add_server_terminal(slot, sides) for slot in SLOTS]
            connected = 0
            for _ in range(ROUND):
                call(partition, *random_call(rng))
                side, console = rng.choice(tuple(zip(sides, consoles, strict=True)))
                match rng.randrange(12):
                    case 0:
                        console.write(SAID * rng.choice((1, 1, 1, INPUT_LIMIT)))
                    case 1:
                        if (typed := console.read(rng.choice((6, 10_000)))).strip(TYPED):
                            raise PromiseBrokenError(f"nobody typed {typed[:40]!r}")
                    case 2 if side.terminal is None:
                        console.listeners.clear()
                        side.plug(console)
                    case 3 if rng.random() < 0.2:
                        side.unplug(console)
                    case 4:
                        connected += vterms.exchange()
                _check(servers, sides)
            if not connected:
                raise PromiseBrokenError("nothing was said or typed: the driver is no good")
    finally:
        client.close()
    return ROUND


def _check(servers: list[ServerTerminal], sides: tuple[ClientSide, ...]) -> None:
    for server in servers:
        if server.connection is not None and server.connection.server is not server:
            raise PromiseBrokenError("a console has two servers")
        if len(server.state().waiting) > INPUT_LIMIT or server.pending > OUTPUT_LIMIT:
            raise PromiseBrokenError("a server terminal holds more than it may")
    heard = b"".join(server.state().waiting[:64] for server in servers)
    if heard.strip(SAID):
        raise PromiseBrokenError(f"nobody said {heard[:40]!r}")
    if sum(side.server is not None for side in sides) > len(servers):
        raise PromiseBrokenError("more connections than servers")


driver = Driver("virtual-terminals", "hypercalls", play)
drive = driver.drive
