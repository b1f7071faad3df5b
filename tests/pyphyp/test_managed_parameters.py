"""What a partition of a managed machine is told of itself and of the machine, call by call."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from emu.assembler import assemble
from emu.bits import signed
from hypervisor.abi import H
from hypervisor.cede_latency import SETTINGS
from hypervisor.dispatching.records import WINDOW
from hypervisor.system.share import SharingMode
from pyphyp.flat import from_program
from pyphyp.machine_file import parse
from pyphyp.managed import ManagedMachine
from tests.firmware.guest import Guest

from .managed import CEDER, SPINNER, consumed, dedicated, machine, shared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyphyp.starts import Start

CODE, BUFFER, SIZE = 0x800, 0x8000, 0x1000
HEADER = struct.Struct(">IiHHIHBB12x")


# -- system parameters ---------------------------------------------------------------------

MACHINE = """
[machine]
cores = { installed = 8, activated = 4 }
memory = "8G"
serial = "1234567"

[[partition]]
name = "shared"
number = 7
guest = "hello"
memory = { minimum = "64M", desired = "128M", maximum = "1G" }
units = { minimum = 0.2, desired = 0.5, maximum = 1.5 }
virtual_processors = { minimum = 1, desired = 2, maximum = 4 }
weight = 99

[[partition]]
name = "own"
guest = "hello"
memory = "64M"
dedicated = { minimum = 1, desired = 2, maximum = 3 }
sharing = "share_idle_procs_active"
"""


@pytest.fixture(scope="module")
def managed() -> Iterator[ManagedMachine]:
    with ManagedMachine(parse(MACHINE).system, epoch=0, host_threads=1) as made:
        made.power_on()
        yield made


def parameter(managed: ManagedMachine, name: str, token: int) -> bytes:
    """What `ibm,get-system-parameter` gives a partition."""
    composition = managed.partitions[name].composition
    guest = Guest(composition.partition, composition.firmware)
    buffer = guest.buffer(1024)
    assert guest.rtas("ibm,get-system-parameter", token, buffer, 1024) == (0,)
    return guest.memory.read(buffer + 2, guest.memory.u16(buffer))


def test_parameter_20_is_the_partition_s_profile_and_what_the_machine_has(
    managed: ManagedMachine,
) -> None:
    assert parameter(managed, "shared", 20) == (
        b"BoundThrds=1,CapInc=1,DisWheRotPer=5120000,MinEntCap=20,MinEntCapPerVP=5,MinMem=64,"
        b"MinProcs=1,MaxEntCap=150,MaxPlatProcs=8,DesEntCap=50,DesMem=128,DesProcs=2,"
        b"DesVarCapWt=99,DedDonMode=0\0"
    )
    assert parameter(managed, "own", 20) == (
        b"BoundThrds=1,CapInc=100,DisWheRotPer=0,MinEntCap=100,MinEntCapPerVP=5,MinMem=64,"
        b"MinProcs=1,MaxEntCap=300,MaxPlatProcs=8,DesEntCap=200,DesMem=64,DesProcs=2,"
        b"DesVarCapWt=0,DedDonMode=1\0"
    )


def test_parameter_44_says_that_the_memory_is_the_partition_s_own(managed: ManagedMachine) -> None:
    assert parameter(managed, "shared", 44) == b"CMOPageSize=12,PrPSP=-1,SecPSP=-1\0"


def test_parameter_45_has_the_cede_latencies_of_a_microsecond_and_of_8_ms(
    managed: ManagedMachine,
) -> None:
    """The longer one without interrupts: these are what cedes obey, and no others."""
    records = struct.pack(">BQ?", 1, 512, True), struct.pack(">BQ?", 2, 4_096_000, False)
    assert parameter(managed, "shared", 45) == bytes([9]) + b"".join(records) + b"\0"
    told = [(1, 512, True), (2, 4_096_000, False)]
    assert [(s.specifier, s.latency, s.external) for s in SETTINGS[1:]] == told


def test_parameter_48_is_the_uuid_of_the_partition_in_this_machine(
    managed: ManagedMachine,
) -> None:
    ids = {name: UUID(bytes=parameter(managed, name, 48)) for name in ("shared", "own")}
    assert ids["shared"] != ids["own"]
    for name, uuid in ids.items():
        assert str(uuid) == managed.partitions[name].configuration.uuid


def test_parameter_55_is_the_partition_s_name(managed: ManagedMachine) -> None:
    assert parameter(managed, "shared", 55) == b"shared\0"
    assert parameter(managed, "own", 55) == b"own\0"


# -- hypercalls ----------------------------------------------------------------------------


def caller(number: int, *arguments: int) -> Start:
    """A guest that makes one hypercall some 15 ms after its start, and spins before and after."""
    registers = "".join(f"        load64 r{4 + n},{a:#x}\n" for n, a in enumerate(arguments))
    return from_program(
        assemble(f"""
        .org    0x1000
_start: load64  r20,{3 * WINDOW // 2}
1:      mftb    r21
        cmpd    r21,r20
        blt     1b
        load64  r3,{number:#x}
{registers}
        sc      1
        std     r3,{CODE}(0)
2:      b       2b
""")
    )


GET_PERF_COUNTER_INFO = 0xF080
UNTOUCHED = 0x5A5A


def perf_counters(its: ManagedMachine, request: int, index: int) -> tuple[int, int, bytes]:
    """What lpar1 is told when it asks: code, number of elements, and these."""
    memory = its.partitions["lpar1"].memory
    memory.write(BUFFER, HEADER.pack(request, index, 0, 0, 0, 0, 8, 0))
    memory.write_u64(CODE, UNTOUCHED)
    its.run(windows=12)
    assert memory.u64(CODE) != UNTOUCHED
    _, _, _, count, _, size, _, _ = HEADER.unpack(memory.read(BUFFER, HEADER.size))
    return (
        signed(memory.u64(CODE), 64),
        count,
        memory.read(BUFFER + HEADER.size, count * size),
    )


ASKS = caller(GET_PERF_COUNTER_INFO, BUFFER, SIZE)
CYCLES, DISPATCHED, UTILIZATION = 0x20, 0x10, 0x94


def test_h_get_perf_counter_info_tells_a_partition_what_it_was_entitled_to_and_consumed() -> None:
    with machine(1, [shared(30, weight=5), shared(20)], {"lpar1": ASKS, "lpar2": CEDER}) as its:
        code, count, element = perf_counters(its, CYCLES, 1)
        number, entitled, capped, uncapped, donated, idle = struct.unpack(">6Q", element)
        assert (code, count, number) == (H.SUCCESS, 1, 1)
        windows = entitled // (30 * WINDOW // 100)
        assert entitled == windows * 30 * WINDOW // 100
        assert 1 <= windows <= 3
        assert 0 < capped <= entitled
        assert uncapped > 0, "the other one is idle"
        assert capped + uncapped <= consumed(its)[0]
        assert (donated, idle) == (0, 0)


def test_h_get_perf_counter_info_tells_a_dedicated_partition_s_idle_time() -> None:
    shares = [dedicated(1, SharingMode.SHARE_IDLE_ACTIVE), shared(50, weight=9)]
    with machine(2, shares, {"lpar1": ASKS, "lpar2": SPINNER}) as its:
        _, _, element = perf_counters(its, CYCLES, 1)
        _, entitled, capped, uncapped, donated, idle = struct.unpack(">6Q", element)
        assert entitled == 2 * WINDOW
        assert capped == pytest.approx(1.5 * WINDOW, rel=0.01)
        assert (uncapped, donated) == (0, 0)
        assert idle == entitled - capped


def test_h_get_perf_counter_info_tells_how_long_each_processor_was_used() -> None:
    """Of all from the one that is asked for on; those of the slice before."""
    shares = [dedicated(1), dedicated(1), shared(50)]
    with machine(4, shares, {"lpar1": ASKS, "lpar2": CEDER, "lpar3": SPINNER}) as its:
        owners = [core.owner and core.owner.member.number for core in its.dispatcher.cores]
        code, count, elements = perf_counters(its, DISPATCHED, 1)
        assert (code, count) == (H.SUCCESS, 3)
        told = [struct.unpack_from(">QIHBB", elements, n * len(elements) // 3) for n in range(3)]
        assert [core for _, core, *_ in told] == [1, 2, 3]
        used = {owners[core]: ticks for ticks, core, *_ in told}
        assert used[1] == pytest.approx(WINDOW, rel=0.01)
        assert used[2] < WINDOW // 100
        assert len(elements) // 3 % 8 == 0


def test_h_get_perf_counter_info_gives_the_elements_that_fit_and_says_that_there_are_more() -> None:
    asks = caller(GET_PERF_COUNTER_INFO, BUFFER, HEADER.size + 2 * 48 + 8)
    with machine(4, [shared(50), shared(50)], {"lpar1": asks, "lpar2": SPINNER}) as its:
        code, count, elements = perf_counters(its, UTILIZATION, 0)
        assert (code, count, len(elements)) == (H.PARAMETER, 2, 96)
        detail = HEADER.unpack(its.partitions["lpar1"].memory.read(BUFFER, HEADER.size))[4]
        assert detail == 0x1B
        core, again, used, now, *_ = struct.unpack_from(">II5Q", elements, 48)
        assert (core, again, now % WINDOW) == (1, 1, 0)
        assert used <= now


@pytest.mark.parametrize(
    ("request_number", "index", "code"),
    [
        (CYCLES, 2, H.AUTHORITY),  # another partition
        (DISPATCHED, 1, H.PARAMETER),  # there is one processor
        (0xE0, -1, H.NOT_AVAILABLE),
    ],
)
def test_h_get_perf_counter_info_does_not_tell_of_others(
    request_number: int, index: int, code: H
) -> None:
    with machine(1, [shared(50), shared(50)], {"lpar1": ASKS, "lpar2": SPINNER}) as its:
        assert perf_counters(its, request_number, index)[:2] == (code, 0)


def test_a_partition_without_performance_collection_learns_nothing_of_processors() -> None:
    text = MACHINE.replace("weight = 99", "weight = 99\nperformance_collection = false")
    start = caller(GET_PERF_COUNTER_INFO, BUFFER, SIZE)
    system = parse(text.replace('"shared"', '"lpar1"')).system
    with ManagedMachine(system, epoch=0, host_threads=1, starts={"lpar1": start}) as its:
        its.power_on()
        assert perf_counters(its, DISPATCHED, 0)[:2] == (H.AUTHORITY, 0)
