"""What lowering x87, MMX and SSE instructions have in common: operands, forms, and assistance.

A sequence of POWER instructions whose operands are unusual traps (FPSCR[VE] is set), and an
instruction that has no sequence is a call to the host; in both cases the host carries out the x86
instruction exactly and goes on behind its code.  An `Assist` says all that takes.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..instruction import Mem
from ..storage import PAGE
from . import forms, vsx
from .known import GENERAL, LOW, SINGLE, XMM, Known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..addresses import Address
    from ..context import Context
    from ..emitter import Emitter
    from ..instruction import Instruction
    from ..state import Recovery

ZERO_VSR, ZERO_VR = 31, 31
"""VSRs 31 and 63 are zero."""
SCRATCH = 0
"""VSRs 0 to 9 and 32 to 36 are free within an instruction."""
SCRATCH_VR = 32
_ABOVE = 1
"""TO of a trap."""


@dataclass(frozen=True, slots=True)
class Assist:
    """How the host carries out `instruction` where translated code left or trapped."""

    instruction: Instruction | None
    recovery: Recovery
    before: Known
    after: Known
    resume: int
    """Index of the word to go on at; as an address in a block."""
    general: tuple[int, int] | None = None
    """The x86 register that is written, and the POWER register behind it."""
    live: int = 0
    """Pieces of the flags that are written."""
    check: bool = False
    """Nothing is to be carried out: R1 was not what the code was made for."""


@dataclass(slots=True)
class Guard:
    after: Known | None = None
    general: tuple[int, int] | None = None


@contextmanager
def guarded(x: Context, i: Instruction) -> Iterator[Guard]:
    """Words emitted inside may trap; what the code knows behind them is set when it is left."""
    guard, first, before, recovery = Guard(), len(x.e.words), x.s.floating, x.recovery()
    live = x.live
    yield guard
    after, resume = x.s.floating, len(x.e.words)
    assist = Assist(i, recovery, before, after, resume, guard.general, live)
    for index in range(first, resume):
        x.assists[index] = assist


def assist(x: Context, i: Instruction, after: Known, general: int | None = None) -> None:
    """Have the host carry it out; `general`: the x86 register it writes."""
    recovery, before, live = x.recovery(), x.s.floating, x.live
    pair = None
    if general is not None:
        pair = general, x.define(general)
    x.s.words.clear()
    x.s.floating = after
    index = len(x.e.words)
    x.assists[index] = Assist(i, recovery, before, after, index + 1, pair, live)
    x.e.hypervisor_call()


# -- storage operands ----------------------------------------------------------------------


def memory(i: Instruction) -> Mem:
    operand = i.operands[0]
    assert isinstance(operand, Mem)
    return operand


def in_storage(i: Instruction) -> bool:
    return 0 <= i.modrm < 0xC0


def to_index(x: Context, at: Address) -> tuple[int, int]:
    """An address as an X-form instruction has it: RA and RB."""
    base, index, displacement = at
    if index >= 0:
        return base, index
    if base == 0:
        return 0, x.constant(displacement)
    if displacement == 0:
        return 0, base
    return base, x.constant(displacement)


def load_vector(x: Context, i: Instruction, target: int) -> None:
    """16 bytes, the first eight in doubleword 0."""
    ra, rb = to_index(x, x.address(memory(i)))
    x.may_fail()
    vsx.indexed(x.e, vsx.LXVD2X, target, ra, rb)


def store_vector(x: Context, i: Instruction, source: int) -> None:
    ra, rb = to_index(x, x.address(memory(i)))
    with guarded(x, i):
        if x.options.whole_stores:
            at = rb
            if ra:
                at = x.temporary()
                x.e.add(at, ra, rb)
            refuse_crossing(x, at, 16)
        x.may_fail()
        vsx.indexed(x.e, vsx.STXVD2X, source, ra, rb)
        x.s.words.clear()


def refuse_crossing(x: Context, at: int, size: int) -> None:
    """Trap where a store that takes two instructions, to the address in `at`, has two pages."""
    offset = x.temporary()
    x.e.rlwinm(offset, at, 0, 20, 31)
    x.e.twi(_ABOVE, offset, PAGE - size)


_D_FORMS = {
    # by how: D-form opcode for VSRs 0-31, DS-form (opcode, low bits) for VSRs 32-63, X-form
    "load double": (50, (57, 2), vsx.LXSDX),
    "load single": (48, (57, 3), vsx.LXSSPX),
    "store double": (54, (61, 2), vsx.STXSDX),
    "store single": (52, (61, 3), vsx.STXSSPX),
}


def transfer(x: Context, i: Instruction, how: str, vsr: int) -> None:
    """A scalar between doubleword 0 and storage."""
    at = x.address(memory(i))
    base, index, displacement = at
    d_form, (ds_form, low), extended = _D_FORMS[how]
    if index < 0 and (vsr < 32 or not displacement & 3):
        x.may_fail()
        if vsr < 32:
            x.e.d(d_form, vsr, base, displacement)
        else:
            x.e.d(ds_form, vsr - 32, base, displacement & 0xFFFC | low)
    else:
        ra, rb = to_index(x, at)
        x.may_fail()
        vsx.indexed(x.e, extended, vsr, ra, rb)
    if how.startswith("store"):
        stored(x, at, 8 if how.endswith("double") else 4)


def stored(x: Context, at: Address, size: int) -> None:
    base, index, displacement = at
    if index >= 0:
        x.s.words.clear()
    else:
        x.stored(base, displacement, size)


# -- forms of XMM registers ----------------------------------------------------------------


def form_of(x: Context, n: int) -> int:
    return x.s.floating.forms[n]


def set_form(x: Context, n: int, form: int) -> None:
    x.s.floating = x.s.floating.with_form(n, form)


def to_general(x: Context, n: int) -> int:
    """Bring XMM n into its general form; gives its VSR."""
    form = form_of(x, n)
    register = XMM + n
    if form & GENERAL:
        return register
    if form & LOW:
        vsx.permute_doublewords(x.e, register, register, ZERO_VSR, 0)
    else:
        single_to_low(x.e, register, register)
        vsx.permute_doublewords(x.e, register, register, ZERO_VSR, 0)
    set_form(x, n, GENERAL | LOW)
    return register


def single_to_low(e: Emitter, target: int, source: int) -> None:
    """A number in double format, as a single in word 1 of a doubleword 0 that is zero above."""
    scratch = SCRATCH + 9
    vsx.xx2(e, vsx.XSCVDPSPN, scratch, source)
    vsx.copy(e, target, ZERO_VSR)
    vsx.insert_word(e, target, scratch, 4)


def convert(x: Context, wanted: tuple[int, ...]) -> None:
    """Have XMM registers in these forms, where code is entered."""
    if x.s.floating.forms == wanted:
        return
    for n in range(len(wanted)):
        form = form_of(x, n)
        if form & wanted[n] == wanted[n]:
            continue
        if wanted[n] & GENERAL:
            to_general(x, n)
        elif wanted[n] & LOW:
            if form & SINGLE:
                single_to_low(x.e, XMM + n, XMM + n)
        else:  # a single it is, though it was taken for more on the way
            vsx.copy(x.e, XMM + n, low_single(x, x.i, n))
    x.s.floating = replace(x.s.floating, forms=wanted)


def low_double(x: Context, i: Instruction, n: int | None = None) -> int:
    """A VSR whose doubleword 0 is XMM n's low half, or the operand's."""
    if n is None:
        if in_storage(i):
            transfer(x, i, "load double", SCRATCH)
            return SCRATCH
        n = i.rm
    if not form_of(x, n) & (GENERAL | LOW):
        to_general(x, n)
    return XMM + n


def low_single(x: Context, i: Instruction, n: int | None = None, scratch: int = SCRATCH) -> int:
    """A VSR whose doubleword 0 is XMM n's lowest word, or the operand, in double format."""
    if n is None:
        if in_storage(i):
            transfer(x, i, "load single", scratch)
            return scratch
        n = i.rm
    if form_of(x, n) & SINGLE:
        return XMM + n
    vsx.shift_words(x.e, scratch, XMM + n, XMM + n, 1)
    vsx.xx2(x.e, vsx.XSCVSPDPN, scratch, scratch)
    return scratch


def full(x: Context, i: Instruction, scratch: int = SCRATCH_VR) -> int:
    """A VSR with all of the operand."""
    if in_storage(i):
        load_vector(x, i, scratch)
        return scratch
    return to_general(x, i.rm)


def result_form(x: Context, i: Instruction) -> int:
    """The form that the register an instruction writes will have."""
    target = forms.target_of(i)
    assert target is not None
    return forms.behind(i, x.s.floating.forms)[target]
