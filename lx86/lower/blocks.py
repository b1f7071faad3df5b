"""Repeated string instructions upwards, 16 bytes at once, where so many are left.

What cannot be done so is left to the loop that takes element after element: a short rest, strings
that overlap closely, and whatever faults (`Recovery.one_by_one`).  ECX's register has the elements
behind the blocks and CTR counts the blocks, so that ECX follows at every point.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..convention import FIRST
from ..emitter import Label
from ..fpu import vsx
from ..instruction import ECX, EDI, ESI
from ..state import BLOCKS
from . import condition

if TYPE_CHECKING:
    from ..context import Context
    from ..instruction import Instruction
    from ..state import Value

_COUNT, _SOURCE, _TARGET = (FIRST + n for n in (ECX, ESI, EDI))
_BLOCK, _LINE = 16, 64
_SPLAT_BYTE, _SPLAT_HALFWORD = 524, 588
_EQUAL = {1: 6, 2: 70, 4: 134}
_NOT_EQUAL = {1: 7, 2: 71, 4: 135}
_COUNT_TRAILING = 1538
_BDNZT = 8
_PATTERN, _LEFT, _RIGHT = 2, 0, 1


def _log2(i: Instruction) -> int:
    return i.size.bit_length() - 1


def _may_fail(x: Context, values: list[Value]) -> None:
    x.may_fail(replace(x.recovery(values), one_by_one=True))


def _load(x: Context, target: int, base: int, displacement: int, values: list[Value]) -> None:
    _may_fail(x, values)
    vsx.load_quadword(x.e, target, base, displacement)


def _store(x: Context, source: int, base: int, displacement: int, values: list[Value]) -> None:
    _may_fail(x, values)
    vsx.store_quadword(x.e, source, base, displacement)


def _splat(x: Context, i: Instruction, value: int) -> int:
    """A VSR with `value`, a general register, in each element."""
    vsr = 32 + _PATTERN
    if i.size == 8:
        vsx.indexed(x.e, vsx.MTVSRDD, vsr, value, value)
        return vsr
    vsx.indexed(x.e, vsx.MTVSRWS, vsr, value, 0)
    if i.size < 4:
        how, last = (_SPLAT_BYTE, 15) if i.size == 1 else (_SPLAT_HALFWORD, 7)
        vsx.vector(x.e, how, _PATTERN, last, _PATTERN)
    return vsr


def _compare(x: Context, register: int, with_: int) -> None:
    """Unsigned, into CR7."""
    (x.e.cmpldi if x.word == 8 else x.e.cmplwi)(7, register, with_)


def move(x: Context, i: Instruction, value: int, short: Label, end: Label) -> None:
    """MOVS and STOS, the latter of `value`; to `short` if that cannot be, to `end` when done."""
    e, moves = x.e, i.name == "movs"
    log2 = 6 - _log2(i)
    number, address, behind = x.temporary(), x.temporary(), x.temporary()
    _compare(x, _COUNT, 1 << log2)
    e.bc(12, condition.CR7_LT, short)
    if moves:  # nearer to each other than a line
        e.subf(number, _SOURCE, _TARGET)
        e.addi(number, number, _LINE - 1)
        _compare(x, number, 2 * (_LINE - 1))
        e.bc(4, condition.CR7_GT, short)
    x.shifted_right(number, _COUNT, log2)
    e.mtctr(number)
    e.rlwinm(_COUNT, _COUNT, 0, 32 - log2, 31)
    pattern = -1 if moves else _splat(x, i, value)
    top = Label()
    e.place(top)
    x.safe_point(_moved(x, i, log2, 0))
    _line(x, i, pattern, (_SOURCE, _TARGET), 0, log2)
    if moves:
        e.addi(_SOURCE, _SOURCE, _LINE)
    e.addi(_TARGET, _TARGET, _LINE)
    e.bc(16, 0, top)
    # The rest with what is before it, a line once more.
    e.cmpwi(7, _COUNT, 0)
    e.bc(12, condition.CR7_EQ, end)
    e.rlwinm(number, _COUNT, _log2(i), 0, 31)
    e.add(behind, _TARGET, number)
    if moves:
        e.add(address, _SOURCE, number)
    _line(x, i, pattern, (address, behind), -_LINE, None)
    if moves:
        e.mr(_SOURCE, address)
    e.mr(_TARGET, behind)
    e.b(end)


def _moved(x: Context, i: Instruction, log2: int | None, done: int) -> list[Value]:
    values = list(x.s.values)
    if log2 is None:  # nothing of the rest
        values[ECX] = (_COUNT, 0)
        done = 0
    else:
        values[ECX] = (BLOCKS - log2, -(done >> _log2(i)))
    if i.name == "movs":
        values[ESI] = (_SOURCE, done)
    values[EDI] = (_TARGET, done)
    return values


def _line(
    x: Context, i: Instruction, pattern: int, at: tuple[int, int], first: int, log2: int | None
) -> None:
    source, target = at
    for done in range(0, _LINE, _BLOCK):
        values = _moved(x, i, log2, done)
        if pattern < 0:
            _load(x, 0, source, first + done, values)
        _store(x, max(pattern, 0), target, first + done, values)


def search(x: Context, i: Instruction, value: int, short: Label) -> None:
    """SCAS, for `value`, and CMPS, up to the element that ends it, or to the last one.

    That one is left to the code at `short`, which comes next.
    """
    e, compares = x.e, i.name == "cmps"
    log2 = 4 - _log2(i)
    number, found = x.temporary(), x.temporary()
    _compare(x, _COUNT, 1 << log2)
    e.bc(4, condition.CR7_GT, short)
    e.addi(_COUNT, _COUNT, -1)
    x.shifted_right(number, _COUNT, log2)
    e.mtctr(number)
    e.rlwinm(_COUNT, _COUNT, 0, 32 - log2, 31)
    e.addi(_COUNT, _COUNT, 1)
    if not compares:
        _splat(x, i, value)
    top = Label()
    e.place(top)
    values = list(x.s.values)
    values[ECX], values[EDI] = (BLOCKS - log2, 0), (_TARGET, 0)
    if compares:
        values[ESI] = (_SOURCE, 0)
    x.safe_point(values)
    _load(x, 32 + _RIGHT, _TARGET, 0, values)
    if compares:
        _load(x, 32 + _LEFT, _SOURCE, 0, values)
    how = (_NOT_EQUAL if i.repeat == 0xF3 else _EQUAL)[i.size]
    vsx.vector(e, how, _RIGHT, _RIGHT, _LEFT if compares else _PATTERN)
    vsx.vector(e, _COUNT_TRAILING, found, 1, _RIGHT)
    e.cmpwi(7, found, _BLOCK)
    e.addi(_TARGET, _TARGET, _BLOCK)
    if compares:
        e.addi(_SOURCE, _SOURCE, _BLOCK)
    e.bc(_BDNZT, condition.CR7_EQ, top)
    e.mfctr(number)
    x.shifted_left(number, number, log2)
    e.add(_COUNT, _COUNT, number)
    e.subfic(found, found, _BLOCK)  # bytes of the block that are to be seen again
    e.subf(_TARGET, found, _TARGET)
    if compares:
        e.subf(_SOURCE, found, _SOURCE)
    if i.size > 1:
        e.rlwinm(found, found, 32 - _log2(i), _log2(i), 31)
    e.add(_COUNT, _COUNT, found)
    x.release(number, found)
