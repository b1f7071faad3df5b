"""The native radix walker against its twin, which states the rules in the manual's words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emu.bits import MSR
from emu.engine import Engine
from emu.memory import MIB, Memory
from emu.translation import (
    Access,
    Cause,
    PageDirectoryEntry,
    PageTableEntry,
    ProcessTableEntry,
    Refused,
    Translated,
    TranslationState,
    translate,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

PROCESS_TABLE, ROOT, TABLES, TABLE_SIZE = 0x10000, 0x20000, 0x40000, 0x1000
DEVICES = (range(0x18_0000, 0x1C_0000),)
"""Beside the storage, and in reach of the leaves."""
RELOCATED = MSR(0).replace(SF=1, IR=1, DR=1)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Memory(MIB) as memory:
        opened = Engine(memory)
        for pages in DEVICES:
            opened.add_device_pages(pages.start, len(pages))
        yield opened
        opened.close()


def memory_of(engine: Engine) -> Memory:
    return engine._memory  # noqa: SLF001


def install(engine: Engine, state: TranslationState) -> None:
    engine.set_process_table(state.process_table, state.process_table_size)
    for name, value in (("pidr", state.pid), ("amr", state.amr), ("iamr", state.iamr)):
        engine.registers.set_spr(name, value)
    engine.registers.msr = state.msr


def assert_same(engine: Engine, state: TranslationState, effective: int, access: Access) -> None:
    install(engine, state)
    outcome = translate(memory_of(engine), state, effective, access)
    if isinstance(outcome, Refused):
        assert engine.translate(effective, access) is None
        assert engine.refusal(effective, access) is outcome.cause
    else:
        assert engine.translate(effective, access) == outcome.real


flags = st.integers(0, 1)
tables = st.integers(TABLES >> 8, (TABLES + 4 * TABLE_SIZE) >> 8)
leaves = st.builds(
    lambda valid, rpn, priv, r, w, x: PageTableEntry(0).replace(
        VALID=valid, LEAF=1, RPN=rpn, PRIVILEGED=priv, READ=r, WRITE=w, EXECUTE=x
    ),
    st.integers(0, 9).map(bool).map(int),
    st.integers(0, 0x1FF),
    flags,
    flags,
    flags,
    flags,
)
directories = st.builds(
    lambda base, size: PageDirectoryEntry(0).replace(VALID=1, NLB=base, NLS=size),
    tables,
    st.integers(4, 10),
)
entries = st.one_of(leaves, directories, st.integers(0, (1 << 64) - 1))
states = st.builds(
    lambda pr, ir, dr, pid, amr, iamr: TranslationState(
        MSR(0).replace(SF=1, PR=pr, IR=ir | pr, DR=dr | pr, EE=pr),
        PROCESS_TABLE,
        0x1000,
        pid,
        amr << 62,
        iamr << 62,
        DEVICES,
    ),
    flags,
    st.sampled_from([1, 1, 1, 0]),
    st.sampled_from([1, 1, 1, 0]),
    st.sampled_from([1, 1, 0, 255, 256, 1 << 31]),
    st.integers(0, 3),
    st.integers(0, 3),
)


@settings(max_examples=300, deadline=None)
@given(
    state=states,
    roots=st.lists(
        st.builds(
            lambda size, base, bits: ProcessTableEntry(0).replace(
                RTS1=size >> 3, RTS2=size & 7, RPDB=base, RPDS=bits
            ),
            st.integers(0, 31),
            st.just(ROOT >> 8),
            st.integers(3, 14),
        ),
        min_size=2,
        max_size=2,
    ),
    contents=st.lists(entries, min_size=1, max_size=40),
    probes=st.lists(
        st.tuples(
            st.sampled_from([0, 3, 1, 2]),
            st.integers(0, (1 << 52) - 1).map(lambda n: n >> n % 40),
            st.sampled_from(list(Access)),
        ),
        min_size=1,
        max_size=20,
    ),
)
def test_native_and_python_walkers_agree_on_any_tree(
    engine: Engine,
    state: TranslationState,
    roots: list[ProcessTableEntry],
    contents: list[int],
    probes: list[tuple[int, int, Access]],
) -> None:
    memory = memory_of(engine)
    for n, root in enumerate(roots):
        memory.write_u64(PROCESS_TABLE + 16 * n, root)
    filled = b"".join(entry.to_bytes(8, "big") for entry in contents)
    tiled = (filled * (5 * TABLE_SIZE // len(filled) + 1))[: 5 * TABLE_SIZE]
    memory.write(ROOT, tiled)
    memory.write(TABLES, tiled)
    for quadrant, offset, access in probes:
        assert_same(engine, state, quadrant << 62 | offset, access)


def map_page(engine: Engine, permissions: PageTableEntry) -> TranslationState:
    """A tree of one level each of 5, 9, 9 and 9 bits mapping effective 0x5000 to real 0x9000."""
    memory = memory_of(engine)
    memory.write(PROCESS_TABLE, bytes(0x1000))
    memory.write(TABLES, bytes(4 * TABLE_SIZE))
    root = ProcessTableEntry(0).replace(RTS1=1, RTS2=5, RPDB=TABLES >> 8, RPDS=5)
    memory.write_u64(PROCESS_TABLE + 16, root)
    assert root.size == 44
    for level in range(3):
        table = TABLES + level * TABLE_SIZE
        below = PageDirectoryEntry(0).replace(VALID=1, NLB=(table + TABLE_SIZE) >> 8, NLS=9)
        memory.write_u64(table, below)
    memory.write_u64(TABLES + 3 * TABLE_SIZE + 5 * 8, permissions.replace(VALID=1, LEAF=1, RPN=9))
    return TranslationState(RELOCATED, PROCESS_TABLE, 0x1000, pid=1)


def test_a_leaf_maps_its_page_and_keeps_the_offset(engine: Engine) -> None:
    state = map_page(engine, PageTableEntry(0).replace(READ=1))
    install(engine, state)
    assert engine.translate(0x5678) == 0x9678
    assert engine.refusal(0x6000) is Cause.NO_TRANSLATION
    assert engine.refusal(0x5678, Access.STORE) is Cause.PROTECTION
    assert engine.refusal(0x5678, Access.FETCH) is Cause.NO_EXECUTE
    assert engine.refusal(1 << 62) is Cause.SEGMENT


def test_key_0_of_amr_bounds_only_privileged_accesses_to_problem_state_pages(
    engine: Engine,
) -> None:
    page = PageTableEntry(0).replace(READ=1, WRITE=1, EXECUTE=1)
    closed = map_page(engine, page)
    memory = memory_of(engine)
    shut = TranslationState(
        closed.msr, closed.process_table, closed.process_table_size, 1, 3 << 62, 1 << 62
    )
    for access in Access:
        assert translate(memory, shut, 0x5000, access) == Refused(Cause.PROTECTION)
        assert_same(engine, shut, 0x5000, access)
    problem = TranslationState(
        RELOCATED.replace(PR=1), shut.process_table, 0x1000, 1, 3 << 62, 1 << 62
    )
    assert translate(memory, problem, 0x5000, Access.STORE) == Translated(0x9000, frozenset(Access))


def test_a_device_page_is_translated_for_loads_and_stores_only(engine: Engine) -> None:
    page = PageTableEntry(0).replace(READ=1, WRITE=1, EXECUTE=1, RPN=DEVICES[0].start >> 12)
    mapped = map_page(engine, PageTableEntry(0))
    memory_of(engine).write_u64(TABLES + 3 * TABLE_SIZE + 5 * 8, page.replace(VALID=1, LEAF=1))
    state = replace(mapped, devices=DEVICES)
    for access in Access:
        assert_same(engine, state, 0x5000, access)
    assert engine.refusal(0x5000, Access.STORE) is Cause.DEVICE
    assert engine.refusal(0x5000, Access.FETCH) is Cause.NO_TRANSLATION
