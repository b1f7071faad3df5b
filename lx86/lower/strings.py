"""MOVS, STOS, LODS, SCAS, CMPS, with and without repeat prefixes.

Repeated ones count in CTR and step by update forms; at every point where one can be interrupted
ECX, ESI and EDI follow from what the registers hold (`Recovery`), so that it goes on from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..convention import FIRST
from ..emitter import Label
from ..flags import C, X
from ..instruction import DS, EAX, ECX, EDI, ES, ESI, Mem, Reg
from ..state import IN_CTR, Value
from . import blocks, condition
from .arithmetic import finish, subtraction_flags

if TYPE_CHECKING:
    from ..context import Context
    from ..instruction import Instruction

_LOAD_UPDATE = {8: 58, 4: 33, 2: 41, 1: 35}
_STORE_UPDATE = {8: 62, 4: 37, 2: 45, 1: 39}
_LOAD = {8: 58, 4: 32, 2: 40, 1: 34}
_UPDATES = 1
"""What is added to a doubleword's displacement in an update form."""
_BDNZF, _BDNZT = 0, 8
"""Count down, and branch if that is not at 0 and the bit is clear, or set."""


def string(x: Context, i: Instruction) -> None:
    """All of them."""
    step = -i.size if x.down else i.size
    x.clean_all()
    if i.repeat and i.name in ("movs", "stos", "lods"):
        _repeated(x, i, step)
    elif i.repeat:
        _searching(x, i, step)
    else:
        _once(x, i, step)


def _source(i: Instruction) -> Mem:
    return Mem(i.size, ESI, -1, 0, 0, i.segment)


def _target(i: Instruction) -> Mem:
    return Mem(i.size, EDI, -1, 0, 0, ES)


def _advance(x: Context, number: int, step: int) -> None:
    base, offset = x.s.values[number]
    x.set_value(number, (base, offset + step))


def _once(x: Context, i: Instruction, step: int) -> None:
    accumulator = Reg(EAX, i.size)
    match i.name:
        case "movs":
            x.store(x.read(_source(i)), x.address(_target(i)), i.size)
        case "stos":
            x.store(x.use(EAX), x.address(_target(i)), i.size)
        case "lods":
            finish(x, accumulator, None, x.read(_source(i)))
        case "scas":
            if x.live:
                target = _target(i)
                subtraction_flags(x, accumulator, target, None, i.size)
            else:
                x.read(_target(i))
        case _:
            source = _source(i)
            if x.live:
                subtraction_flags(x, source, _target(i), x.address(source), i.size)
            else:
                x.read(source)
                x.read(_target(i))
    if i.name in ("movs", "lods", "cmps"):
        _advance(x, ESI, step)
    if i.name in ("movs", "stos", "scas", "cmps"):
        _advance(x, EDI, step)


def _repeated(x: Context, i: Instruction, step: int) -> None:
    """REP MOVS, STOS, LODS."""
    for number in (ECX, ESI, EDI):
        x.settle(number)
    e = x.e
    values = list(x.s.values)
    count, source, target = (FIRST + n for n in (ECX, ESI, EDI))
    for register in (count, source, target):
        x.vacate_all(register)
    offset = -1
    if i.segment > DS and i.name != "stos":
        offset, _ = x.segment_base(i.segment, -1, -1)
    value = x.use(EAX) if i.name == "stos" else x.temporary()
    if i.name == "lods":
        x.settle(EAX)
        x.vacate_all(FIRST + EAX)
    moves, stores = i.name != "stos", i.name != "lods"
    short, end, top = Label(), Label(), Label()
    if stores and not x.down and offset < 0 and x.options.string_blocks:
        blocks.move(x, i, value, short, end)
    e.place(short)
    x.compare_zero(7, count, x.word)
    e.mtctr(count)
    e.bc(12, condition.CR7_EQ, end)
    if moves:
        e.addi(source, source, -step)
    if stores:
        e.addi(target, target, -step)
    e.place(top)
    values = list(x.s.values)
    values[ECX] = (IN_CTR, 0)
    if moves:
        values[ESI] = (source, step)
    if stores:
        values[EDI] = (target, step)
    x.safe_point(values)
    if moves:
        _load(x, i, value, source, offset, step, values)
        values[ESI] = (source, 0)
    if stores:
        x.may_fail(x.recovery(values))
        e.d(_STORE_UPDATE[i.size], value, target, step | (_UPDATES if i.size == 8 else 0))
    e.bc(16, 0, top)
    if moves:
        e.addi(source, source, step)
    if stores:
        e.addi(target, target, step)
    e.place(end)
    x.s.words.clear()
    if i.name == "lods":  # with a count of zero nothing was loaded
        _loaded(x, i, value, count)
    x.set_value(ECX, (-1, 0))


def _load(
    x: Context, i: Instruction, value: int, source: int, offset: int, step: int,
    values: list[Value],
) -> None:  # fmt: skip
    x.may_fail(x.recovery(values))
    if offset < 0:
        x.e.d(_LOAD_UPDATE[i.size], value, source, step | (_UPDATES if i.size == 8 else 0))
        return
    at = x.temporary()
    x.recoveries.pop(len(x.e.words))
    x.e.add(at, source, offset)
    x.may_fail(x.recovery(values))
    x.e.d(_LOAD[i.size], value, at, step)
    x.e.addi(source, source, step)


def _loaded(x: Context, i: Instruction, value: int, count: int) -> None:
    end = Label()
    x.compare_zero(7, count, x.word)
    x.e.bc(12, condition.CR7_EQ, end)
    home = FIRST + EAX
    if i.size >= 4:
        x.e.mr(home, value)
    elif i.size == 2:
        x.e.rlwimi(home, value, 0, 16, 31)
    else:
        x.e.rlwimi(home, value, 0, 24, 31)
    x.s.forget(home)
    x.e.place(end)


def _searching(x: Context, i: Instruction, step: int) -> None:
    """REPE and REPNE SCAS, CMPS: until the elements differ, or are equal, or ECX is 0."""
    for number in (ECX, ESI, EDI, EAX):
        x.settle(number)
    x.settle_all()
    e = x.e
    condition.settle(x, x.before & ~X | (C if x.before & X and not x.s.carry else 0))
    count, source, target = (FIRST + n for n in (ECX, ESI, EDI))
    for register in (count, source, target):
        x.vacate_all(register)
    compares = i.name == "cmps"
    left, right = x.temporary(), x.temporary()
    offset = -1
    if compares and i.segment > DS:
        offset, _ = x.segment_base(i.segment, -1, -1)
    short, end, top = Label(), Label(), Label()
    if not x.down and offset < 0 and x.options.string_blocks and i.size < 8:
        blocks.search(x, i, FIRST + EAX, short)
    e.place(short)
    x.compare_zero(7, count, x.word)
    e.mtctr(count)
    if compares:
        e.addi(source, source, -step)
    elif i.size >= 4:
        left = FIRST + EAX
    else:
        e.rlwinm(left, FIRST + EAX, 0, 32 - 8 * i.size, 31)
    e.addi(target, target, -step)
    e.bc(12, condition.CR7_EQ, end)
    e.place(top)
    values = list(x.s.values)
    values[ECX], values[EDI] = (IN_CTR, 0), (target, step)
    if compares:
        values[ESI] = (source, step)
    x.safe_point(values)
    if compares:
        _load(x, i, left, source, offset, step, values)
        values[ESI] = (source, 0)
    _load(x, i, right, target, -1, step, values)
    (e.cmpld if i.size == 8 else e.cmplw)(7, left, right)
    e.bc(_BDNZT if i.repeat == 0xF3 else _BDNZF, condition.CR7_EQ, top)
    e.mfctr(count)
    if x.live:
        _search_flags(x, i, left, right)
    e.place(end)
    x.s.words.clear()
    x.s.sums.clear()
    if compares:
        x.set_value(ESI, (source, step))
    x.set_value(EDI, (target, step))


def _search_flags(x: Context, i: Instruction, left: int, right: int) -> None:
    from .arithmetic import flags_of_difference

    x.hold(left)
    x.hold(right)
    live = x.live | (C if x.live & X else 0)
    flags_of_difference(x, left, right, i.size, live & ~X)
    condition.settle(x, live & ~X)
