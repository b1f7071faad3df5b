"""Loads and stores of device pages leave the core, and go on when they are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emu.bits import ByteOrder
from emu.debugging import Watched
from emu.exits import DebugStop, DeviceAccess, Exit, Hypercall, StopKind
from emu.memory import MIB
from emu.translation import Access, Cause

from .machine import REAL, Bare, bare

if TYPE_CHECKING:
    from collections.abc import Iterator

DEVICE, LENGTH = 16 * MIB, 0x2000
CODE = 0x4000
BYTES = 0x8182_8384_8586_8788
SKIP = """
        mfsrr0  r31
        addi    r31,r31,4
        mtsrr0  r31
        rfid
"""
"""A handler that goes on behind what interrupted."""


@pytest.fixture
def processor() -> Iterator[Bare]:
    with bare() as processor:
        processor.engine.add_device_pages(DEVICE, LENGTH)
        yield processor


def go(processor: Bare) -> Exit:
    return processor.engine.run(processor.engine.time_base + 10_000)


def start(processor: Bare, source: str, order: ByteOrder = ByteOrder.BIG, msr: int = REAL) -> Exit:
    """Run `source` with r4 at the device, up to its first exit."""
    entry = processor.load(f"_start: {source}\n sc 1\n", CODE, order)
    little = int(order is ByteOrder.LITTLE)
    return processor.enter(entry, REAL.replace(LE=little) | msr, r3=BYTES, r4=DEVICE, r5=8)


LOADS = [
    ("lbz r3,1(r4)", 1, 1, 0x81, 0x81),
    ("lhz r3,2(r4)", 2, 2, 0x8182, 0x8182),
    ("lha r3,2(r4)", 2, 2, 0x8182, 0xFFFF_FFFF_FFFF_8182),
    ("lwz r3,4(r4)", 4, 4, 0x8182_8384, 0x8182_8384),
    ("lwa r3,4(r4)", 4, 4, 0x8182_8384, 0xFFFF_FFFF_8182_8384),
    ("ld r3,8(r4)", 8, 8, BYTES, BYTES),
    ("lbzx r3,r4,r5", 8, 1, 0x81, 0x81),
    ("lhzx r3,r4,r5", 8, 2, 0x8182, 0x8182),
    ("lhax r3,r4,r5", 8, 2, 0x8182, 0xFFFF_FFFF_FFFF_8182),
    ("lwzx r3,r4,r5", 8, 4, 0x8182_8384, 0x8182_8384),
    ("lwax r3,r4,r5", 8, 4, 0x8182_8384, 0xFFFF_FFFF_8182_8384),
    ("ldx r3,r4,r5", 8, 8, BYTES, BYTES),
    ("lhbrx r3,r4,r5", 8, 2, 0x8182, 0x8281),
    ("lwbrx r3,r4,r5", 8, 4, 0x8182_8384, 0x8483_8281),
    ("ldbrx r3,r4,r5", 8, 8, BYTES, 0x8887_8685_8483_8281),
]


@pytest.mark.parametrize(("instruction", "offset", "length", "given", "loaded"), LOADS)
def test_a_load_leaves_the_core_and_completes_with_what_it_is_given(
    processor: Bare, instruction: str, offset: int, length: int, given: int, loaded: int
) -> None:
    assert start(processor, instruction) == DeviceAccess(DEVICE + offset, length, store=False)
    assert processor.registers.gpr(3) == BYTES
    processor.engine.finish_device_access(given)
    assert isinstance(go(processor), Hypercall)
    assert processor.registers.gpr(3) == loaded
    assert processor.registers.gpr(4) == DEVICE


STORES = [
    ("stb r3,1(r4)", 1, 1, 0x88),
    ("sth r3,2(r4)", 2, 2, 0x8788),
    ("stw r3,4(r4)", 4, 4, 0x8586_8788),
    ("std r3,8(r4)", 8, 8, BYTES),
    ("stbx r3,r4,r5", 8, 1, 0x88),
    ("sthx r3,r4,r5", 8, 2, 0x8788),
    ("stwx r3,r4,r5", 8, 4, 0x8586_8788),
    ("stdx r3,r4,r5", 8, 8, BYTES),
    ("sthbrx r3,r4,r5", 8, 2, 0x8887),
    ("stwbrx r3,r4,r5", 8, 4, 0x8887_8685),
    ("stdbrx r3,r4,r5", 8, 8, 0x8887_8685_8483_8281),
]


@pytest.mark.parametrize(("instruction", "offset", "length", "value"), STORES)
def test_a_store_leaves_the_core_with_its_value(
    processor: Bare, instruction: str, offset: int, length: int, value: int
) -> None:
    stored = DeviceAccess(DEVICE + offset, length, store=True, value=value)
    assert start(processor, instruction) == stored
    processor.engine.finish_device_access(0)
    assert isinstance(go(processor), Hypercall)
    assert processor.registers.gpr(3) == BYTES
    assert processor.registers.gpr(4) == DEVICE


UPDATES = [
    *(f"{name} r3,8(r4)" for name in ("lbzu", "lhzu", "lhau", "lwzu", "ldu")),
    *(f"{name} r3,8(r4)" for name in ("stbu", "sthu", "stwu", "stdu")),
    *(f"{name} r3,r4,r5" for name in ("lbzux", "lhzux", "lhaux", "lwzux", "lwaux", "ldux")),
    *(f"{name} r3,r4,r5" for name in ("stbux", "sthux", "stwux", "stdux")),
]


@pytest.mark.parametrize("instruction", UPDATES)
def test_an_update_form_leaves_the_address_in_its_base_register(
    processor: Bare, instruction: str
) -> None:
    access = start(processor, instruction)
    assert isinstance(access, DeviceAccess)
    assert access.address == DEVICE + 8
    assert access.store == instruction.startswith("st")
    processor.engine.finish_device_access(0)
    assert isinstance(go(processor), Hypercall)
    assert processor.registers.gpr(4) == DEVICE + 8
    assert processor.registers.gpr(3) == (BYTES if access.store else 0)


def test_the_byte_order_is_that_of_the_processor(processor: Bare) -> None:
    little = ByteOrder.LITTLE
    assert start(processor, "stw r3,0(r4)", little) == DeviceAccess(
        DEVICE, 4, store=True, value=0x8887_8685
    )
    assert start(processor, "stwbrx r3,0,r4", little) == DeviceAccess(
        DEVICE, 4, store=True, value=0x8586_8788
    )
    assert start(processor, "lha r3,0(r4)", little) == DeviceAccess(DEVICE, 2, store=False)
    processor.engine.finish_device_access(0x0180)
    go(processor)
    assert processor.registers.gpr(3) == 0xFFFF_FFFF_FFFF_8001


def test_the_address_wraps_and_goes_on_in_32_bit_mode(processor: Bare) -> None:
    processor.load("_start: lwzu r3,8(r4)\n sc 1\n", CODE)
    access = processor.enter(CODE, REAL.replace(SF=0), r4=(7 << 32) + DEVICE)
    assert access == DeviceAccess(DEVICE + 8, 4, store=False)
    processor.engine.finish_device_access(5)
    assert isinstance(go(processor), Hypercall)
    assert processor.registers.gpr(3) == 5
    assert processor.registers.gpr(4) == DEVICE + 8


MANY = """
        li      r9,3
        mtctr   r9
1:      mftb    r10
        lwz     r3,0(r4)
        addi    r6,r6,1
        stb     r6,1(r4)
        ldu     r7,8(r4)
        mftb    r11
        bdnz    1b
"""


def fingerprint(processor: Bare) -> tuple[int, ...]:
    registers, engine = processor.registers, processor.engine
    counts = engine.counts()
    general = (registers.gpr(n) for n in range(32))
    return (*general, registers.nip, engine.time_base, counts.instructions)


def run_through(processor: Bare, exit_: Exit) -> list[DeviceAccess]:
    """Answer all accesses with zero, up to the hypercall."""
    accesses = []
    while not isinstance(exit_, Hypercall):
        if isinstance(exit_, DeviceAccess):
            accesses.append(exit_)
            processor.engine.finish_device_access(0)
        exit_ = go(processor)
    return accesses


def test_an_access_is_one_instruction_and_one_tick(processor: Bare) -> None:
    accesses = run_through(processor, start(processor, MANY))
    assert len(accesses) == processor.engine.counts().device_accesses == 9
    assert processor.engine.counts().instructions == processor.engine.time_base == 2 + 3 * 7 + 1


def test_a_run_in_single_steps_is_the_run_without(processor: Bare) -> None:
    run_through(processor, start(processor, MANY))
    whole = fingerprint(processor)
    with bare() as stepped:
        stepped.engine.add_device_pages(DEVICE, LENGTH)
        stepped.load(f"_start: {MANY}\n sc 1\n", CODE)
        stepped.registers.msr, stepped.registers.nip = REAL, CODE
        for number, value in ((3, BYTES), (4, DEVICE), (5, 8)):
            stepped.registers.set_gpr(number, value)
        steps = 0
        exit_: Exit = DebugStop(StopKind.STEP, CODE)
        while not isinstance(exit_, Hypercall):
            stepped.engine.debugging.step()
            exit_ = go(stepped)
            if isinstance(exit_, DeviceAccess):
                stepped.engine.finish_device_access(0)
                exit_ = go(stepped)
                assert isinstance(exit_, DebugStop)
            steps += 1
        assert steps == 2 + 3 * 7 + 1
        assert fingerprint(stepped) == whole


def test_a_watchpoint_stops_before_an_access_to_a_device(processor: Bare) -> None:
    run_through(processor, start(processor, MANY))
    whole = fingerprint(processor)
    with bare() as watched:
        watched.engine.add_device_pages(DEVICE, LENGTH)
        watched.engine.debugging.add_watchpoint(DEVICE + 9, 1, Watched.STORES)
        exit_, stops = start(watched, MANY), 0
        while not isinstance(exit_, Hypercall):
            if isinstance(exit_, DebugStop):
                stops += 1
                assert exit_ == DebugStop(StopKind.WATCH_STORE, DEVICE + 9)
            if isinstance(exit_, DeviceAccess):
                watched.engine.finish_device_access(0)
            exit_ = go(watched)
        assert stops == 1
        assert fingerprint(watched) == whole


def test_an_access_that_is_not_answered_comes_again(processor: Bare) -> None:
    first = start(processor, "lwz r3,0(r4)")
    again = go(processor)
    assert first == again
    processor.engine.finish_device_access(7)
    assert isinstance(go(processor), Hypercall)
    assert processor.engine.counts().instructions == 2


REFUSED = [
    *("lwz r3,2(r4)", "ldx r3,r4,r6", "sth r3,1(r4)", "lmw r28,0(r4)", "stmw r28,0(r4)"),
    *("lfd f1,0(r4)", "stfs f1,0(r4)", "lswi r9,r4,8", "stswi r3,r4,8", "dcbz 0,r4"),
    *("lxvd2x vs1,0,r4", "stvx v1,0,r4", "lxsd v1,0(r4)"),
]


@pytest.mark.parametrize("instruction", REFUSED)
def test_what_no_device_takes_is_an_alignment_interrupt(processor: Bare, instruction: str) -> None:
    processor.load("_start: sc 1\n", 0x600)
    processor.registers.set_gpr(6, 4)
    facilities = REAL.replace(FP=1, VEC=1, VSX=1)
    assert isinstance(start(processor, instruction, msr=facilities), Hypercall)
    assert processor.engine.counts().interrupts == {0x600: 1}
    assert processor.registers.spr("srr0") == CODE
    assert processor.registers.spr("dar") - DEVICE in range(8)


RESERVING = [
    *("lbarx r3,0,r4", "lharx r3,0,r4", "lwarx r3,0,r4", "ldarx r3,0,r4", "lqarx r6,0,r4"),
    *("lq r6,0(r4)", "stq r6,0(r4)"),
]


@pytest.mark.parametrize("instruction", RESERVING)
def test_what_needs_cached_storage_is_a_data_storage_interrupt(
    processor: Bare, instruction: str
) -> None:
    processor.load("_start: sc 1\n", 0x300)
    assert isinstance(start(processor, instruction), Hypercall)
    stored = 0x0200_0000 if instruction.startswith("st") else 0
    assert processor.registers.spr("dsisr") == 0x0400_0000 | stored
    assert processor.registers.spr("dar") == DEVICE


@pytest.mark.parametrize("instruction", ["dcbst 0,r4", "dcbf 0,r4", "icbi 0,r4", "dcbt 0,r4"])
def test_hints_about_caches_do_nothing(processor: Bare, instruction: str) -> None:
    assert isinstance(start(processor, instruction), Hypercall)
    assert processor.engine.counts().device_accesses == 0
    assert processor.engine.counts().instructions == 2


def test_a_device_page_is_no_place_to_fetch_from(processor: Bare) -> None:
    processor.load("_start: sc 1\n", 0x400)
    assert isinstance(processor.enter(DEVICE), Hypercall)
    assert processor.engine.refusal(DEVICE) is Cause.DEVICE
    assert processor.engine.refusal(DEVICE, Access.FETCH) is Cause.PROTECTION


def test_beside_the_pages_there_is_nothing(processor: Bare) -> None:
    processor.load(f"_start: {SKIP}", 0x300)
    assert isinstance(start(processor, f"lbz r3,{-1}(r4)"), Hypercall)
    processor.engine.remove_device_pages()
    assert isinstance(start(processor, "lbz r3,0(r4)"), Hypercall)
    assert processor.engine.counts().interrupts == {0x300: 2}


def test_the_guest_can_trace_an_access(processor: Bare) -> None:
    processor.load("_start: sc 1\n", 0xD00)
    processor.load(f"_start: {SKIP}", 0x300)
    access = start(processor, "lwz r3,0(r4)", msr=REAL.replace(SE=1))
    assert isinstance(access, DeviceAccess)
    processor.engine.finish_device_access(0)
    assert isinstance(go(processor), Hypercall)
    assert processor.registers.spr("srr0") == CODE + 4


def test_devices_lie_outside_storage_and_are_few(processor: Bare) -> None:
    engine = processor.engine
    for address, length in ((MIB - 1, 1), (0, MIB), (DEVICE, 0), ((1 << 64) - 1, 2)):
        with pytest.raises(ValueError, match="no device"):
            engine.add_device_pages(address, length)
    for n in range(7):
        engine.add_device_pages(DEVICE + (n + 1) * LENGTH, LENGTH)
    with pytest.raises(ValueError, match="no device"):
        engine.add_device_pages(DEVICE - LENGTH, LENGTH)
