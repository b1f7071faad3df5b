"""A translated block as bytes, to be read by another process; its details stay bytes till wanted.

`marshal` reads and writes numbers, strings and tuples fast, and knows nothing of classes.  What is
read here is what was written: `Store` has seen to that, and the key says by which version.
"""

from __future__ import annotations

import marshal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .block import Block, Out, Why
from .fpu.known import NOTHING, Known, Stack
from .fpu.lowering import Assist
from .instruction import Imm, Instruction, Mem, Reg, Seg
from .state import Recovery

if TYPE_CHECKING:
    from .instruction import Operand

_OPERANDS: tuple[type[Operand], ...] = (Reg, Mem, Imm, Seg)
Pages = tuple[tuple[int, bytes], ...]
"""Numbers of pages, with digests of what they held."""
_Same = dict[tuple[Any, ...], tuple[Any, ...]]
"""Where equal values lie is one object in a record, which `marshal` writes once."""


def pack(block: Block, pages: Pages) -> bytes:
    d = block.details
    same: _Same = {}
    details = (
        {at: _pack_out(out, same) for at, out in d.outs.items()},
        {at: _pack_recovery(recovery, same) for at, recovery in d.recoveries.items()},
        {at: _pack_recovery(recovery, same) for at, recovery in d.safe.items()},
        {at: _pack_assist(assist, same) for at, assist in d.assists.items()},
    )
    return marshal.dumps((
        pages, block.start, block.code, block.entries, block.wanted, block.links,
        marshal.dumps(details), block.instructions, block.base, block.constants,
        block.flags_returned, block.stack_key, block.first, block.foreseen, block.addresses,
    ))  # fmt: skip


def unpack(data: bytes) -> tuple[Block, Pages] | None:
    """None: that is no block."""
    try:
        (
            pages, start, code, entries, wanted, links, details, instructions, base, constants,
            flags_returned, stack_key, first, foreseen, addresses,
        ) = marshal.loads(data)  # fmt: skip
        block = Block(
            start, code, entries, wanted, links, Stored(details),
            frozenset([page for page, _ in pages]), instructions, base, constants, flags_returned,
            stack_key, foreseen=foreseen, first=first, addresses=addresses,
        )  # fmt: skip
    except (ValueError, EOFError, TypeError):
        return None
    return block, pages


class Stored:
    """`Details` that are read when somebody asks."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @cached_property
    def _packed(self) -> tuple[dict[int, Any], ...]:
        packed: tuple[dict[int, Any], ...] = marshal.loads(self._data)
        return packed

    @cached_property
    def outs(self) -> dict[int, Out]:
        return {at: _out(*fields) for at, fields in self._packed[0].items()}

    @cached_property
    def recoveries(self) -> dict[int, Recovery]:
        return {at: _recovery(*fields) for at, fields in self._packed[1].items()}

    @cached_property
    def safe(self) -> dict[int, Recovery]:
        return {at: _recovery(*fields) for at, fields in self._packed[2].items()}

    @cached_property
    def assists(self) -> dict[int, Assist]:
        return {at: _assist(*fields) for at, fields in self._packed[3].items()}


def _pack_out(out: Out, same: _Same) -> tuple[Any, ...]:
    instruction = out.instruction if out.why is Why.HOST else None
    recovery = _pack_recovery(out.recovery, same)
    return int(out.why), recovery, out.target, _pack_instruction(instruction)


def _out(why: int, recovery: tuple[Any, ...], target: int, i: tuple[Any, ...] | None) -> Out:
    return Out(Why(why), _recovery(*recovery), target, _instruction(i))


def _pack_recovery(r: Recovery, same: _Same) -> tuple[Any, ...]:
    values = same.setdefault(r.values, r.values)
    return (
        r.eip, values, r.live, r.zero_in_cr1, r.sign_in_cr0, r.carry, _pack_known(r.floating),
        r.one_by_one, r.low,
    )  # fmt: skip


def _recovery(
    eip: int, values: tuple[tuple[int, int], ...], live: int, zero: bool, sign: bool, carry: int,
    known: tuple[Any, ...] | None, one_by_one: bool, low: int,
) -> Recovery:  # fmt: skip
    return Recovery(eip, values, live, zero, sign, carry, _known(known), one_by_one, low)


def _pack_known(known: Known) -> tuple[Any, ...] | None:
    if known is NOTHING or known == NOTHING:
        return None
    s = known.stack
    return known.forms, s and (
        s.key, s.places, s.in_register, s.mmx, s.written, s.c1, s.rounded,
    )  # fmt: skip


def _known(packed: tuple[Any, ...] | None) -> Known:
    if packed is None:
        return NOTHING
    forms, stack = packed
    return Known(forms, stack and Stack(*stack))


def _pack_assist(a: Assist, same: _Same) -> tuple[Any, ...]:
    return (
        _pack_instruction(a.instruction), _pack_recovery(a.recovery, same), _pack_known(a.before),
        _pack_known(a.after), a.resume, a.general, a.live, a.check,
    )  # fmt: skip


def _assist(
    i: tuple[Any, ...] | None, recovery: tuple[Any, ...], before: tuple[Any, ...] | None,
    after: tuple[Any, ...] | None, resume: int, general: tuple[int, int] | None, live: int,
    check: bool,
) -> Assist:  # fmt: skip
    return Assist(
        _instruction(i), _recovery(*recovery), _known(before), _known(after), resume, general,
        live, check,
    )  # fmt: skip


def _pack_instruction(i: Instruction | None) -> tuple[Any, ...] | None:
    if i is None:
        return None
    return (
        i.address, i.length, i.name, i.size, tuple(_pack_operand(o) for o in i.operands),
        i.condition, i.repeat, i.lock, i.opcode, i.prefix, i.modrm, i.segment, i.rex,
    )  # fmt: skip


def _instruction(packed: tuple[Any, ...] | None) -> Instruction | None:
    if packed is None:
        return None
    address, length, name, size, operands, condition, repeat, lock, opcode, *rest = packed
    prefix, modrm, segment, rex = rest
    found = tuple(_OPERANDS[kind](*fields) for kind, *fields in operands)
    return Instruction(
        address,
        length,
        name,
        size,
        found,
        condition,
        repeat,
        lock,
        opcode,
        prefix,
        modrm,
        segment,
        rex,
    )


def _pack_operand(o: Operand) -> tuple[Any, ...]:
    match o:
        case Reg():
            return 0, o.number, o.size, o.high
        case Mem():
            return 1, o.size, o.base, o.index, o.shift, o.displacement, o.segment, o.short, o.long
        case Imm():
            return 2, o.value, o.target
        case Seg():
            return 3, o.number
