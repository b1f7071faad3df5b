"""Records as plain data and back; an engine's state moved to another engine."""

from __future__ import annotations

import contextlib
import json
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emu.isa_level import IsaLevel
from emu.memory import MIB, Memory
from emu.state import U8, U64, Length, StateError, plain, rebuild, record
from emu.translation import Access
from tests.emu.machine import bare

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@record
class Inner:
    number: U8
    data: bytes


@record
class Outer:
    inner: Inner | None
    pair: tuple[U64, str]
    several: Annotated[tuple[bool, ...], Length(0, 3)]
    access: Access
    by_number: dict[int, Inner]


EXAMPLE = Outer(
    Inner(7, b"\0\xff"), ((1 << 64) - 1, "x"), (True, False), Access.STORE, {3: Inner(0, b"")}
)


def test_a_record_comes_back_from_json() -> None:
    assert rebuild(Outer, json.loads(json.dumps(plain(EXAMPLE)))) == EXAMPLE


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("inner", {"number": 256, "data": ""}, r"inner\.number: 256 is out of"),
        ("inner", {"number": True, "data": ""}, r"inner\.number: True is no int"),
        ("inner", {"number": 1}, r"inner: data missing or unknown"),
        ("inner", {"number": 1, "data": "", "more": 1}, r"more missing or unknown"),
        ("inner", {"number": 1, "data": "?"}, r"no bytes in base 64"),
        ("pair", [1], r"pair: 1 values, not 2"),
        ("pair", [1 << 5000, ""], r"pair\[0\]: a number is out of"),
        ("several", [True] * 4, r"several: .* is out of"),
        ("access", "BURN", r"access: 'BURN'"),
        ("by_number", {"three": {"number": 1, "data": ""}}, r"'three' is no number"),
    ],
)
def test_what_is_invalid_is_named(field: str, value: object, complaint: str) -> None:
    data = plain(EXAMPLE)
    assert isinstance(data, dict)
    with pytest.raises(StateError, match=complaint):
        rebuild(Outer, data | {field: value})


@given(JSON, st.sampled_from(["inner", "pair", "several", "access", "by_number", "?"]))
def test_any_json_is_a_record_or_refused(value: object, field: str) -> None:
    data = plain(EXAMPLE)
    assert isinstance(data, dict)
    for candidate in (value, data | {field: value}):
        with contextlib.suppress(StateError):
            assert isinstance(rebuild(Outer, candidate), Outer)


WORK = """
        li      r3,3
        mtctr   r3
        mtspr   815,r3
        mtxer   r3
        mtfsb1  30
        mtfsfi  7,5,1           # decimal rounding
        vspltisw 0,5
        mtvscr  0
        xxlor   40,32,32
        li      r4,0x40
        lwarx   r5,0,r4
        sc      1
"""


def test_every_architected_register_moves_to_another_engine() -> None:
    everything = (1 << 63) | 0x2000 | (1 << 25) | (1 << 23)  # SF, FP, VEC, VSX
    with bare() as one, bare() as other:
        one.run(WORK, everything)
        one.engine.system_reset()
        state = one.engine.state()
        assert state == one.engine.state()
        other.engine.restore(rebuild(type(state), json.loads(json.dumps(plain(state)))))
        assert other.engine.state() == state
        processor = state.processors[0]
        assert (processor.ctr, processor.spr[815], processor.xer) == (3, 3, 3)
        assert (processor.fpscr & 2, processor.fpscr >> 32) == (2, 5)
        assert processor.vscr == 5
        assert processor.vsr[40] == int("00000005" * 4, 16)
        assert state.reservation is not None
        assert state.reservation.address == 0x40
        assert processor.system_reset


def test_a_restored_engine_has_other_processors_registers_too() -> None:
    with bare() as one, bare() as other:
        for cpu in (one, other):
            assert cpu.engine.add_processor() == 1
        one.engine.select(1)
        one.registers.set_gpr(9, 99)
        one.registers.set_spr("dec", -5)
        other.engine.restore(one.engine.state())
        assert other.engine.selected == 1
        assert other.registers.gpr(9) == 99
        assert other.registers.spr("dec") == -5


def test_storage_in_use_is_what_holds_anything_but_zeros() -> None:
    with Memory(4 * MIB) as memory:
        memory.write(0x5000, b"x")
        memory.write(0x7FFF, b"yz")
        memory.write(0x100000, bytes(8192))
        pieces = [(p.address, p.length) for p in memory.pieces_in_use()]
        assert pieces == [(0x5000, 0x1000), (0x7000, 0x2000)]


def test_shared_storage_parts_where_either_side_writes() -> None:
    with Memory(4 * MIB) as one, Memory(4 * MIB) as other, Memory(4 * MIB) as third:
        one.write(0x1000, b"common")
        one.share_with(other)
        one.write(0x1000, b"one   ")
        one.write(0x200000, b"new")
        other.write(0x1000, b"\0" * 6)
        one.share_with(third)
        assert other.read(0x1000, 6) == bytes(6)
        assert other.read(0x200000, 3) == bytes(3)
        assert third.read(0x1000, 6) == b"one   "
        assert third.read(0x200000, 3) == b"new"
        assert [p.address for p in other.pieces_in_use()] == []


def test_the_isa_level_and_debug_registers_move_along() -> None:
    names = ("ciabr", "dawr0", "dawrx0", "dawr1", "dawrx1")
    with bare() as first, bare() as second:
        first.engine.set_isa_level(IsaLevel.V2_07)
        for value, name in enumerate(names, start=1):
            first.registers.set_spr(name, value << 4)
        second.engine.restore(first.engine.state())
        assert second.engine.isa_level is IsaLevel.V2_07
        assert [second.registers.spr(name) >> 4 for name in names] == [1, 2, 3, 4, 5]
        second.load("li r3,7\n sc 1", 0x700)
        assert second.run("cnttzd r5,r5\n sc 1", r3=0).gpr(3) == 7
