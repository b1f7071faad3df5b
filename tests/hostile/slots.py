"""Random reconfiguration of virtual slots, by guest and operator, and traffic on what is there."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from emu.memory import MIB
from firmware.error_logs import HOT_PLUG_INTERRUPT, MOST_WAITING
from firmware.services.connectors import WORK_AREA_BYTES
from firmware.services.indicators import ALLOCATION_STATE, DR_ENTITY_SENSE, ISOLATION_STATE
from hypervisor.vio import adapter, crq, lan_calls, tce, vty
from hypervisor.vio.adapter import FIRST_UNIT, SLOTS, Slot
from hypervisor.vio.configuration import ConsoleAdapter, EthernetAdapter, TerminalProtocol
from hypervisor.vio.connectors import HOST_BRIDGE, LEAST_SLOTS
from hypervisor.vio.hvsi import LONGEST, MOST_ANSWERS
from pyphyp.api import Machine
from pyphyp.media import MediaLibrary
from pyphyp.saving import snapshot
from pyphyp.slots import SlotError
from tests.firmware.guest import Guest
from tests.pyphyp.guests import FOREVER, program

from .rounds import STORAGE, Driver, PromiseBrokenError, Tally

if TYPE_CHECKING:
    import random

    from pyphyp.partition import Partition

ROUND = 2000
LIVELY = 8
"""Slots in which something happens; the others are named now and then."""
AREAS = 8 * MIB
GROUPS = (adapter.hcalls, crq.hcalls, tce.hcalls, lan_calls.hcalls, vty.hcalls)
CALLS = [call.number for group in GROUPS for call in group]
PUT_TERM_CHAR, GET_TERM_CHAR = 0x58, 0x54
OPERATE_EVERY, SETTLE_EVERY, LOOK_EVERY = 8, 5, 100


def random_slot(rng: random.Random) -> int:
    return rng.randrange(LIVELY if rng.random() < 0.95 else SLOTS)


def random_drc(rng: random.Random) -> int:
    if rng.random() < 0.03:
        return rng.choice((HOST_BRIDGE, 0, FIRST_UNIT - 1, FIRST_UNIT + SLOTS, rng.getrandbits(32)))
    return FIRST_UNIT + random_slot(rng)


def reconfigure(rng: random.Random, guest: Guest) -> None:
    """An RTAS call about a connector."""
    match rng.randrange(5):
        case 0:
            guest.rtas("get-sensor-state", DR_ENTITY_SENSE, random_drc(rng), returns=2)
        case 1:
            area = AREAS + WORK_AREA_BYTES * rng.randrange(4)
            if rng.random() < 0.3:
                given = rng.choice((0, 1, 30, 1000, rng.getrandbits(32)))
                head = struct.pack(">II", random_drc(rng), given)
                guest.memory.write(area, head + rng.randbytes(WORK_AREA_BYTES - len(head)))
            at = area if rng.random() < 0.95 else rng.getrandbits(32)
            guest.rtas(
                "ibm,configure-connector", at, rng.choice((0, 0, AREAS, rng.getrandbits(32)))
            )
        case _:
            indicator = rng.choice((ISOLATION_STATE, ALLOCATION_STATE, 9002, rng.getrandbits(14)))
            state = rng.choice((0, 0, 1, 1, 2, 3, rng.getrandbits(32)))
            guest.rtas("set-indicator", indicator, random_drc(rng), state)


def packet(rng: random.Random) -> bytes:
    """Of the terminals' protocol, more or less."""
    kind = rng.choice((0xFC, 0xFD, 0xFE, 0xFF, rng.getrandbits(8)))
    head = bytes((kind, rng.choice((4, 6, 12, 14, 16, rng.getrandbits(8)))))
    return (head + rng.randbytes(14))[: rng.randrange(17)]


def call(rng: random.Random, guest: Guest) -> None:
    """A hypercall on what is in a slot, or not."""
    slot = Slot(random_slot(rng))
    number, arguments = rng.choice(CALLS), [slot.unit]
    match rng.randrange(4):
        case 0:
            number, piece = PUT_TERM_CHAR, packet(rng)
            words = struct.unpack(">QQ", piece.ljust(16, b"\0"))
            arguments += [len(piece), *words]
        case 1:
            number = rng.choice((GET_TERM_CHAR, PUT_TERM_CHAR))
            arguments += [rng.randrange(20), rng.getrandbits(64), rng.getrandbits(64)]
        case 2:
            arguments = [slot.liobn, 4096 * rng.randrange(4), rng.choice((0, AREAS | 3)), 1]
        case _:
            arguments += [rng.choice((0, 4096, rng.getrandbits(28))) for _ in range(4)]
    guest.processor.set_gpr(3, number)
    guest.processor.set_gprs(4, arguments)
    guest.partition.hcalls.dispatch(guest.processor)


def operate(rng: random.Random, partition: Partition) -> None:
    """What an operator asks."""
    slot = rng.randrange(2, LIVELY)
    try:
        match rng.randrange(5):
            case 0:
                partition.add_cdrom(slot=slot)
            case 1:
                partition.add_adapter(EthernetAdapter(slot))
            case 2:
                protocol = rng.choice(list(TerminalProtocol))
                partition.add_adapter(ConsoleAdapter(slot, protocol))
            case 3:
                partition.remove_adapter(slot)
            case _:
                partition.remove_adapter(slot, force=rng.random() < 0.5)
    except SlotError:
        return


def look(partition: Partition) -> None:
    """What a guest can make the host hold is bounded."""
    built = partition.composition.partition
    if len(partition.composition.firmware.error_logs) > MOST_WAITING:
        raise PromiseBrokenError("too many error logs wait")
    if len(partition.slots()) > LIVELY or len(built.virtual_io.connectors.slots()) != LEAST_SLOTS:
        raise PromiseBrokenError("slots that nobody added")
    for terminal in built.virtual_io.terminals:
        session = terminal.state().session
        if session is not None and (
            len(session.answers) > MOST_ANSWERS or len(session.unfinished) >= LONGEST
        ):
            raise PromiseBrokenError("a terminal holds too much")


def restore(partition: Partition, machine: Machine) -> None:
    """It can be saved as it is, and taken over."""
    saved = snapshot(partition.composition, *partition.run_state())
    media = saved.media(MediaLibrary())
    copy = saved.composed(media, machine.network)
    if copy.partition.virtual_io.state() != partition.composition.partition.virtual_io.state():
        raise PromiseBrokenError("a copy of it is another one")
    copy.close()
    media.close()


def play(rng: random.Random, tally: Tally) -> int:
    with Machine(epoch=1_700_000_000, seed=rng.getrandbits(32)) as machine:
        second = ConsoleAdapter(1, TerminalProtocol.HVSI)
        consoles = (ConsoleAdapter(0), second)
        interrupts = rng.choice(("xics", "auto"))
        partition = machine.add_partition(
            memory=STORAGE, consoles=consoles, interrupts=interrupts, reboot=False
        )
        partition.load(program(FOREVER))
        built = partition.composition.partition
        guest = Guest(built, partition.composition.firmware)
        start = guest.buffer(0)
        if rng.random() < 0.5:
            built.interrupts.xics.set_source(HOT_PLUG_INTERRUPT, 0, 5)
        for n in range(ROUND):
            guest.rewind(start)
            (reconfigure if rng.random() < 0.6 else call)(rng, guest)
            if n % OPERATE_EVERY == 0:
                operate(rng, partition)
            if n % SETTLE_EVERY == 0:
                partition.settle_adapters()
            if n % LOOK_EVERY == 0:
                look(partition)
        partition.settle_adapters()
        restore(partition, machine)
        tally.instructions += built.engine.counts().instructions
        tally.ended(built)
    return ROUND


driver = Driver("slots", "calls", play)
