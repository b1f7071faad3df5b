"""The state of an engine and its processors, in the architecture's own terms.

Nothing of it belongs to the core that ran: registers stand by name, special purpose registers by
number (those that are zero are left out).  Cached translations are not state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from .isa_level import IsaLevel
from .native import ffi, lib
from .registers import Registers
from .state import U32, U64, U128, Length, StateError, Ticks, check, record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .memory import Memory

_SPRS, _SLB_ENTRIES = range(1024), range(64)
_INTERRUPT_VECTORS = 256
_LONGEST_BLOCK = 1024


@record
class Segment:
    """One entry of the SLB, as `slbmte` takes it."""

    index: Annotated[int, _SLB_ENTRIES]
    esid: U64
    vsid: U64


@record
class Nonmaskable:
    """A system reset or machine check about to be delivered.

    By the architecture, to its vector; or by firmware, to a `handler` (an effective address in
    real mode) that finds its R3 at the logical real address `save`, and `save` in R3.
    """

    handler: U64
    save: U64 = 0
    """0: R3 stays."""
    srr1: U64 = 0
    """The bits of SRR1 that say why."""
    dar: U64 = 0
    dsisr: U64 = 0


SYSTEM_RESET, MACHINE_CHECK = Nonmaskable(0x100), Nonmaskable(0x200)
"""As the architecture delivers them."""


@record
class ProcessorState:
    """One virtual processor (Power ISA I 2.3, 3.2, 4.2, 6.3, 7.2; III 4, 5)."""

    gpr: Annotated[tuple[U64, ...], Length(32, 32)]
    vsr: Annotated[tuple[U128, ...], Length(64, 64)]
    cr: U32
    lr: U64
    ctr: U64
    xer: U64
    cfar: U64
    fpscr: U64
    vscr: U32
    msr: U64
    nip: U64
    spr: dict[Annotated[int, _SPRS], U64]
    slb: tuple[Segment, ...]
    purr: Ticks
    decrementer: Annotated[int, range(-(1 << 60), 1 << 60)]
    system_reset: Nonmaskable | None
    machine_check: Nonmaskable | None
    counted_ahead: Annotated[int, range(_LONGEST_BLOCK + 1)]
    """Instructions that the clock counted and a debugger's stop kept from running."""
    facilities_known: bool
    """Whether blocks end as where MSR[FP], MSR[VEC] and MSR[VSX] are known to be on."""
    facilities_learnt: U64
    """At which address they last came to be known."""


@record
class Reservation:
    address: U64
    doublewords: tuple[U64, U64]


@record
class CoreCounts:
    """What was counted, besides instructions; see `counts.Counts`."""

    tlb_fills: Ticks
    storage_interrupts: Ticks
    entries: Ticks
    hypercalls: Ticks
    emulated: Ticks
    device_accesses: Ticks
    interrupts: dict[Annotated[int, range(_INTERRUPT_VECTORS)], Ticks]


@record
class EngineState:
    """What the processors share, the processors, and which of them has the core."""

    pvr: U32
    time_base: Ticks
    instructions: Ticks
    interrupts_little_endian: bool
    interrupt_location: Annotated[int, (0, 2, 3)]
    isa_level: IsaLevel
    random: U64
    """What the numbers of `darn` follow from."""
    process_table: U64
    process_table_size: U64
    processors: tuple[ProcessorState, ...]
    selected: Annotated[int, range(1 << 16)]
    reservation: Reservation | None
    counts: CoreCounts


_NO_RESERVATION = (1 << 64) - 1
_PLAIN_COUNTS = (
    "tlb_fills",
    "storage_interrupts",
    "entries",
    "hypercalls",
    "emulated",
    "device_accesses",
)


def read_processor(core: Any) -> ProcessorState:
    """The selected processor of a native core."""
    registers, spr = Registers(core), lib.core_spr(core)
    values = ffi.unpack(spr, len(_SPRS))
    return ProcessorState(
        gpr=tuple(registers.gpr(n) for n in range(32)),
        vsr=tuple(registers.vsr(n) for n in range(64)),
        cr=registers.cr,
        lr=registers.spr("lr"),
        ctr=registers.spr("ctr"),
        xer=registers.spr("xer"),
        cfar=registers.spr("cfar"),
        fpscr=registers.fpscr,
        vscr=registers.vscr,
        msr=int(registers.msr),
        nip=registers.nip,
        spr={n: v for n, v in enumerate(values) if v and lib.core_has_spr(core, n)},
        slb=read_segments(core),
        purr=registers.spr("purr"),
        decrementer=registers.spr("dec"),
        system_reset=_read_nonmaskable(lib.core_system_reset(core)),
        machine_check=_read_nonmaskable(lib.core_machine_check(core)),
        counted_ahead=int(lib.core_counted_ahead(core)),
        facilities_known=bool(lib.core_facilities_known(core)),
        facilities_learnt=int(lib.core_facilities_learnt(core)),
    )


def read_segments(core: Any) -> tuple[Segment, ...]:
    """The selected processor's SLB, without what is empty."""
    esid, vsid = ffi.new("uint64_t *"), ffi.new("uint64_t *")
    return tuple(
        Segment(index, int(esid[0]), int(vsid[0]))
        for index in _SLB_ENTRIES
        if lib.core_slb_entry(core, index, esid, vsid)
    )


def write_processor(core: Any, state: ProcessorState) -> None:
    """Make the selected processor what `state` says."""
    registers, spr = Registers(core), lib.core_spr(core)
    for number in _SPRS:
        if lib.core_has_spr(core, number):
            spr[number] = state.spr.get(number, 0)
        elif number in state.spr:
            raise StateError(f"special purpose register {number} holds no state here")
    for n, value in enumerate(state.gpr):
        registers.set_gpr(n, value)
    for n, value in enumerate(state.vsr):
        registers.set_vsr(n, value)
    registers.cr, registers.vscr = state.cr, state.vscr
    for name in ("lr", "ctr", "xer", "cfar", "purr"):
        registers.set_spr(name, getattr(state, name))
    registers.set_spr("dec", state.decrementer)
    lib.core_restore_fpscr(core, state.fpscr)
    registers.msr, registers.nip = state.msr, state.nip
    lib.core_set_facilities(core, state.facilities_known, state.facilities_learnt)
    write_segments(core, state.slb)
    write_nonmaskable(lib.core_system_reset(core), state.system_reset)
    write_nonmaskable(lib.core_machine_check(core), state.machine_check)
    lib.core_set_counted_ahead(core, state.counted_ahead)


def write_segments(core: Any, segments: Iterable[Segment]) -> None:
    """Make them the whole of the selected processor's SLB; `StateError` for what it cannot hold."""
    by_index = {segment.index: segment for segment in segments}
    for index in _SLB_ENTRIES:
        segment = by_index.get(index, Segment(index, 0, 0))
        possible = lib.core_set_slb_entry(core, index, segment.esid, segment.vsid) >= 0
        check(possible, f"SLB entry {index} cannot be {segment.esid:#x}, {segment.vsid:#x}")


_DOUBLEWORD = 8
_NONMASKABLE = ("handler", "save", "srr1", "dar", "dsisr")


def check_nonmaskable(state: EngineState, memory: Memory) -> None:
    """Raise `StateError` where one would save R3 outside storage."""
    for processor in state.processors:
        for pending in (processor.system_reset, processor.machine_check):
            good = pending is None or memory.contains(pending.save, _DOUBLEWORD)
            check(good, "R3 is to be saved outside storage")


def _read_nonmaskable(window: Any) -> Nonmaskable | None:
    if not window.pending:
        return None
    return Nonmaskable(**{name: int(getattr(window, name)) for name in _NONMASKABLE})


def write_nonmaskable(window: Any, interrupt: Nonmaskable | None) -> None:
    window.pending = interrupt is not None
    if interrupt is not None:
        for name in _NONMASKABLE:
            setattr(window, name, getattr(interrupt, name))


def read_counts(core: Any) -> CoreCounts:
    counts = lib.core_count(core)
    vectors = {n: int(count) for n, count in enumerate(counts.interrupts) if count}
    return CoreCounts(
        **{name: int(getattr(counts, name)) for name in _PLAIN_COUNTS}, interrupts=vectors
    )


def write_counts(core: Any, state: CoreCounts) -> None:
    counts = lib.core_count(core)
    for name in _PLAIN_COUNTS:
        setattr(counts, name, getattr(state, name))
    for n in range(_INTERRUPT_VECTORS):
        counts.interrupts[n] = state.interrupts.get(n, 0)


def read_reservation(core: Any) -> Reservation | None:
    """The selected processor's; no other has one."""
    address, first, second = ffi.unpack(lib.core_reservation(core), 3)
    return None if address == _NO_RESERVATION else Reservation(address, (first, second))


def write_reservation(core: Any, state: Reservation | None) -> None:
    words = lib.core_reservation(core)
    words[0] = _NO_RESERVATION
    if state is not None:
        words[0], words[1], words[2] = state.address, *state.doublewords
