"""Error injection by a guest (LoPAR 7.3.13)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from emu.assembler import assemble
from emu.bits import MSR
from firmware.injection import Injection
from firmware.machine_check import Fault
from firmware.stubs import RTAS_CALL
from hypervisor.nonmaskable import Handlers
from hypervisor.partition import Ending

if TYPE_CHECKING:
    from firmware.boot import PlatformFirmware
    from hypervisor.partition import Partition
    from tests.firmware.guest import Guest

NOT_OPEN = ALREADY_OPEN = -4
CODE, HANDLER, AREA, WORK, RTAS_AREA = 0x4000, 0x5000, 0x6000, 0x6400, 0x7000
RECOVERABLE = MSR(0).replace(SF=1, ME=1, RI=1)


def opened(guest: Guest) -> int:
    # The token comes first, the status behind it.
    token, status = guest.rtas("ibm,open-errinjct", returns=2)
    assert status == 0
    return token


def inject(guest: Guest, kind: Injection, token: int, *cells: int) -> int:
    guest.memory.write_words(WORK, *cells, *[0] * (2 - len(cells)))
    return guest.rtas("ibm,errinjct", kind, token, WORK)[0]


def test_one_user_at_a_time_may_inject_errors(guest: Guest) -> None:
    token = opened(guest)
    assert guest.rtas("ibm,open-errinjct", returns=2) == (0, ALREADY_OPEN & 0xFFFF_FFFF)
    assert guest.rtas("ibm,close-errinjct", token + 1) == (NOT_OPEN,)
    assert inject(guest, Injection.CORRUPTED_TLB_END, token + 1) == NOT_OPEN
    assert inject(guest, Injection.CORRUPTED_TLB_END, token) == 0
    assert guest.rtas("ibm,close-errinjct", token) == (0,)
    assert guest.rtas("ibm,close-errinjct", token) == (NOT_OPEN,)
    assert opened(guest) != token


def test_the_tree_names_what_can_be_injected(firmware: PlatformFirmware) -> None:
    tokens = firmware.tree.at("/rtas").properties["ibm,errinjct-tokens"]
    found = {}
    while tokens:
        name, _, rest = tokens.partition(b"\0")
        found[name.decode()], tokens = struct.unpack_from(">I", rest)[0], rest[4:]
    assert found == {kind.name.lower().replace("_", "-"): kind for kind in Injection}


def test_a_fatal_error_ends_the_partition(guest: Guest, partition: Partition) -> None:
    assert inject(guest, Injection.FATAL, opened(guest)) == 0
    assert partition.outcome is not None
    assert partition.outcome.ending is Ending.CHECKSTOP


def test_a_recovered_event_waits_for_the_next_scan(guest: Guest) -> None:
    token, log = opened(guest), guest.buffer(2048)
    assert inject(guest, Injection.RECOVERED_RANDOM_EVENT, token) == 0
    assert guest.rtas("event-scan", 0xFFFFFFFF, 0, log, 2048) == (0,)
    assert b"an injected error" in guest.memory.read(log, 2048)


CHECKS = [
    (Injection.CORRUPTED_SLB, (0x1234_5678, 0), Fault.SLB_PARITY, 0x1234_5678),
    (Injection.CORRUPTED_DCACHE_START, (0, 0), Fault.DATA_CACHE, 0),
    (Injection.CORRUPTED_DCACHE_START, (1, 2), Fault.ERAT_PARITY, 0),
    (Injection.CORRUPTED_DCACHE_START, (2, 0), Fault.DATA_CACHE, 0),
    (Injection.CORRUPTED_ICACHE_START, (0, 0), Fault.INSTRUCTION_CACHE, 0),
    (Injection.CORRUPTED_ICACHE_START, (1, 0), Fault.ERAT_PARITY, 0),
    (Injection.CORRUPTED_TLB_START, (0, 0), Fault.TLB_PARITY, 0),
    (Injection.CORRUPTED_PAGE, (0, 0x12_3450), Fault.MEMORY_LOAD_STORE, 0x12_3450),
]


@pytest.mark.parametrize(("kind", "cells", "fault", "address"), CHECKS)
def test_what_is_injected_is_the_machine_check_that_damage_would_lead_to(
    guest: Guest,
    firmware: PlatformFirmware,
    kind: Injection,
    cells: tuple[int, int],
    fault: Fault,
    address: int,
) -> None:
    assert inject(guest, kind, opened(guest), *cells) == 0
    (deferred,) = guest.partition.nonmaskable.deferred
    assert (deferred.check.dar, deferred.check.dsisr) == (address, fault.value.dsisr)
    assert deferred.check.srr1 == fault.value.srr1


def calling_guest(guest: Guest, kind: Injection, token: int) -> None:
    """Guest code that injects an error, goes on and counts; its handler leaves traces."""
    block = (guest.firmware.rtas.token("ibm,errinjct"), 3, 1, kind, token, WORK, 0x5A)
    guest.memory.write_words(AREA, *block)
    guest.memory.write_words(WORK, 0, 0)
    guest.memory.write(
        HANDLER,
        assemble("mfsrr0 r28\n mfsrr1 r29\n mr r30,r3\n b .", origin=HANDLER).image(),
    )
    source = f"""
        load64  r3, {RTAS_CALL}
        li      r4, {AREA}
        sc      1
        li      r20, 1
        mtmsrd  r21
        li      r22, 2
wait:   addi    r23, r23, 1
        b       wait
    """
    guest.memory.write(CODE, assemble(source, origin=CODE).image())
    registers = guest.processor.registers
    registers.nip = CODE
    guest.partition.nonmaskable.area = RTAS_AREA
    guest.partition.nonmaskable.handlers = Handlers(0x100, HANDLER)


def test_the_machine_check_comes_after_the_call_where_it_can_be_recovered(guest: Guest) -> None:
    calling_guest(guest, Injection.CORRUPTED_SLB, opened(guest))
    registers = guest.processor.registers
    registers.msr = RECOVERABLE.replace(RI=0)
    registers.set_gpr(21, RECOVERABLE.replace(RI=0))
    guest.partition.run(guest.partition.time_base + 100)
    guest.partition.run(guest.partition.time_base + 100)
    assert guest.memory.u32(AREA + 24) == 0
    assert (registers.gpr(22), registers.gpr(30)) == (2, 0), "it cannot be recovered yet"
    assert inject_again(guest) == -2

    registers.msr = RECOVERABLE
    guest.partition.run(guest.partition.time_base + 100)
    assert registers.gpr(28) > CODE + 16
    assert MSR(registers.gpr(29)).RI
    assert registers.gpr(30) == RTAS_AREA, "R3 leads to the log"
    assert not guest.partition.nonmaskable.deferred


def inject_again(guest: Guest) -> int:
    """A second error while the first has not happened."""
    token = guest.firmware.injection.opened
    assert token is not None
    return inject(guest, Injection.CORRUPTED_TLB_START, token)


def test_a_deferred_machine_check_is_part_of_the_state(guest: Guest) -> None:
    inject(guest, Injection.CORRUPTED_SLB, opened(guest), 0x1000)
    nonmaskable = guest.partition.nonmaskable
    state = nonmaskable.state()
    nonmaskable.deferred = ()
    nonmaskable.restore(state)
    assert nonmaskable.deferred == state.deferred != ()
    facility = guest.firmware.injection.state()
    guest.firmware.injection.close()
    guest.firmware.injection.restore(facility)
    assert guest.firmware.injection.opened == facility.opened


@pytest.mark.parametrize(
    ("kind", "work", "cells"),
    [
        (0, WORK, (0, 0)),
        (99, WORK, (0, 0)),
        (Injection.CORRUPTED_SLB, WORK + 512, (0, 0)),
        (Injection.CORRUPTED_SLB, 0xFFFF_FC00, (0, 0)),
        (Injection.CORRUPTED_PAGE, WORK, (0, 0x100_0000)),
        (Injection.CORRUPTED_PAGE, WORK, (0xFFFF_FFFF, 0)),
    ],
)
def test_what_cannot_be_injected_is_a_parameter_error(
    guest: Guest, kind: int, work: int, cells: tuple[int, int]
) -> None:
    token = opened(guest)
    guest.memory.write_words(WORK, *cells)
    assert guest.rtas("ibm,errinjct", kind, token, work) == (-3,)
    assert not guest.partition.nonmaskable.deferred


def test_a_guest_that_reads_no_logs_is_told_to_wait(guest: Guest) -> None:
    token = opened(guest)
    answers = {inject(guest, Injection.RECOVERED_RANDOM_EVENT, token) for _ in range(100)}
    assert answers == {0, -2}
