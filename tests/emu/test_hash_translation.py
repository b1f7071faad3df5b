"""The native walker of hashed page tables against its twin, which states the manual's rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emu.bits import MSR
from emu.engine import Engine
from emu.engine_state import Segment
from emu.hash_translation import (
    ENCODINGS,
    ENTRIES_A_GROUP,
    ENTRY_BYTES,
    SEGMENT_ENCODINGS,
    SLB_SLOTS,
    HashState,
    PageEncoding,
    PteHigh,
    PteLow,
    SlbEsid,
    SlbVsid,
    hash_of,
    translate,
)
from emu.memory import MIB, Memory
from emu.translation import Access, Cause, Refused, Translated

if TYPE_CHECKING:
    from collections.abc import Iterator

STORAGE, TABLE = 64 * MIB, 16 * 1024
RELOCATED = MSR(0).replace(SF=1, IR=1, DR=1)


@dataclass(frozen=True)
class Bench:
    """A processor that translates by `table`."""

    memory: Memory
    table: Memory
    engine: Engine


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Memory(STORAGE) as memory, Memory(TABLE) as table:
        engine = Engine(memory)
        engine.set_page_table(table)
        yield Bench(memory, table, engine)
        engine.close()


@dataclass(frozen=True)
class Mapping:
    """A page of a segment, and the entry that maps it."""

    segment: tuple[SlbEsid, SlbVsid]
    offset: int
    encoding: PageEncoding
    low: PteLow
    secondary: int = 0
    slot: int = 0
    flipped: int = 0
    """Bits of the first doubleword that are not what they should be."""

    @property
    def effective(self) -> int:
        shift = 40 if self.segment[1].B else 28
        return self.segment[0] >> shift << shift | self.offset & (1 << shift) - 1

    def enter(self, table: Memory) -> None:
        vsid = self.segment[1]
        shift = 40 if vsid.B else 28
        number = vsid.VSID_1T if vsid.B else vsid.VSID
        within = self.effective & (1 << shift) - 1
        base, actual = self.encoding.size.base, self.encoding.size.actual
        value = hash_of(number, within >> base, vsid.B)
        groups = table.size // (ENTRIES_A_GROUP * ENTRY_BYTES)
        group = (~value if self.secondary else value) % groups
        avpn = (number << shift | within >> base << base) >> 23
        high = PteHigh(0).replace(
            B=vsid.B, AVPN=avpn, L=int(self.encoding.large), H=self.secondary, V=1
        )
        page = self.low.RPN >> actual - 12 << actual - 12
        address = (group * ENTRIES_A_GROUP + self.slot) * ENTRY_BYTES
        table.write_u64(address, high ^ self.flipped)
        table.write_u64(address + 8, self.low.replace(RPN=page | self.encoding.penc))


def install(bench: Bench, state: HashState) -> None:
    engine = bench.engine
    engine.segments = tuple(Segment(n, int(e), int(v)) for n, (e, v) in enumerate(state.segments))
    engine.registers.set_spr("amr", state.amr)
    engine.registers.set_spr("iamr", state.iamr)
    engine.registers.msr = state.msr


def assert_same(bench: Bench, state: HashState, effective: int, access: Access) -> None:
    outcome = translate(bench.memory, bench.table, state, effective, access)
    if isinstance(outcome, Refused):
        assert bench.engine.refusal(effective, access) == outcome.cause
        assert bench.engine.translate(effective, access) is None
    else:
        assert bench.engine.translate(effective, access) == outcome.real


flags = st.integers(0, 1)
base_pages = st.sampled_from(sorted(SEGMENT_ENCODINGS))


@st.composite
def segments(draw: st.DrawFn) -> tuple[SlbEsid, SlbVsid]:
    large, base = draw(flags), draw(base_pages)
    page_l, page_lp = SEGMENT_ENCODINGS[base]
    esid = SlbEsid(0).replace(ESID=draw(st.integers(0, 3)) << 12 * large, V=draw(flags) | 1)
    vsid = SlbVsid(0).replace(
        B=large, KS=draw(flags), KP=draw(flags), N=draw(flags), L=page_l, LP=page_lp
    )
    number = draw(st.one_of(st.integers(0, 3), st.integers(0, (1 << 38) - 1)))
    return esid, vsid.replace(VSID=number << (12 if large else 0))


@st.composite
def lows(draw: st.DrawFn) -> PteLow:
    return PteLow(0).replace(
        PP0=draw(flags),
        KEY_HIGH=draw(st.sampled_from([0, 0, 3])),
        KEY_LOW=draw(st.sampled_from([0, 0, 7])),
        RPN=draw(st.integers(0, (STORAGE >> 12) + 16)),
        WIMG=draw(st.sampled_from([2, 2, 3, 5])),
        N=draw(st.sampled_from([0, 0, 1])),
        PP12=draw(st.integers(0, 3)),
    )


@st.composite
def mappings(draw: st.DrawFn, among: list[tuple[SlbEsid, SlbVsid]]) -> Mapping:
    segment = draw(st.sampled_from(among))
    encoded = (segment[1].L, segment[1].LP)
    bases = [base for base, its in SEGMENT_ENCODINGS.items() if its == encoded]
    usual = [e for e in ENCODINGS if e.size.base in bases]
    return Mapping(
        segment,
        draw(st.integers(0, (1 << 40) - 1).map(lambda n: n >> n % 29)),
        draw(st.sampled_from(usual * 4 + list(ENCODINGS))),
        draw(lows()),
        draw(flags),
        draw(st.integers(0, ENTRIES_A_GROUP - 1)),
        1 << draw(st.integers(0, 63)) if draw(st.integers(0, 9)) == 0 else 0,
    )


states = st.builds(
    lambda pr, dr, amr, iamr: (
        MSR(0).replace(SF=1, PR=pr, IR=dr | pr, DR=dr | pr, EE=pr),
        amr,
        iamr,
    ),
    flags,
    st.sampled_from([1, 1, 1, 0]),
    st.integers(0, (1 << 64) - 1),
    st.integers(0, (1 << 64) - 1),
)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), state=states, known=st.lists(segments(), min_size=1, max_size=6))
def test_native_and_python_walkers_agree_on_any_table(
    bench: Bench,
    data: st.DataObject,
    state: tuple[MSR, int, int],
    known: list[tuple[SlbEsid, SlbVsid]],
) -> None:
    bench.table.write(0, bytes(TABLE))
    entered = data.draw(st.lists(mappings(known), min_size=1, max_size=12))
    for mapping in entered:
        mapping.enter(bench.table)
    msr, amr, iamr = state
    hashed = HashState(msr, tuple(known), amr, iamr)
    install(bench, hashed)
    probes = [mapping.effective for mapping in entered]
    distances = st.integers(0, 44).map(lambda bit: 1 << bit)
    probes += [data.draw(st.sampled_from(probes)) ^ data.draw(distances) for _ in range(8)]
    for effective in probes:
        for access in Access:
            assert_same(bench, hashed, effective, access)


ESID = SlbEsid(0).replace(ESID=5, V=1)
VSID = SlbVsid(0).replace(VSID=0x1234, KP=1)
FREE_PAGE = PteLow(0).replace(RPN=0x80, WIMG=2, PP12=2)


def one_page(
    bench: Bench, low: PteLow, vsid: SlbVsid = VSID, msr: MSR = RELOCATED, amr: int = 0
) -> int:
    """Map one page of 4 KiB, and nothing else; gives its effective address."""
    bench.table.write(0, bytes(TABLE))
    mapping = Mapping((ESID, vsid), 0x3000, ENCODINGS[0], low)
    mapping.enter(bench.table)
    install(bench, HashState(msr, ((ESID, vsid),), amr))
    return mapping.effective


def test_an_entry_maps_its_page_and_keeps_the_offset(bench: Bench) -> None:
    page = one_page(bench, FREE_PAGE)
    assert bench.engine.translate(page + 0x678) == 0x80678
    assert bench.engine.refusal(page + 0x1000) is Cause.NO_TRANSLATION
    assert bench.engine.refusal(page + (1 << 28)) is Cause.SEGMENT


@pytest.mark.parametrize(
    ("encoding", "largest"),
    [(encoding, 1 << encoding.size.actual) for encoding in ENCODINGS],
    ids=[f"{1 << e.size.actual - 10}K in {1 << e.size.base - 10}K" for e in ENCODINGS],
)
@pytest.mark.parametrize("b", [0, 1], ids=["256M", "1T"])
def test_every_page_size_maps_all_of_its_page(
    bench: Bench, encoding: PageEncoding, largest: int, b: int
) -> None:
    page_l, page_lp = SEGMENT_ENCODINGS[encoding.size.base]
    segment = SlbVsid(0).replace(B=b, VSID=0x5A << 12, L=page_l, LP=page_lp)
    esid = SlbEsid(0).replace(ESID=5 << 12, V=1)
    base = esid.ESID << 28
    for offset in (0, largest - 1, largest // 2):
        bench.table.write(0, bytes(TABLE))
        low = FREE_PAGE.replace(RPN=2 << 12)
        # The entry that a page of a mixed segment needs is that of the base page accessed.
        Mapping((esid, segment), 0x3000000 + offset, encoding, low).enter(bench.table)
        install(bench, HashState(RELOCATED, ((esid, segment),)))
        assert bench.engine.translate(base + 0x3000000 + offset) == 0x2000000 + offset


@pytest.mark.parametrize(
    ("low", "vsid", "cause"),
    [
        (FREE_PAGE.replace(N=1), VSID, Cause.NO_EXECUTE),
        (FREE_PAGE.replace(WIMG=3), VSID, Cause.NO_EXECUTE),
        (FREE_PAGE, VSID.replace(N=1), Cause.NO_EXECUTE),
        (FREE_PAGE.replace(PP12=0), VSID.replace(KS=1), Cause.PROTECTION),
    ],
    ids=["N of the page", "guarded", "N of the segment", "page protection"],
)
def test_a_fetch_is_refused_for_its_own_reasons(
    bench: Bench, low: PteLow, vsid: SlbVsid, cause: Cause
) -> None:
    page = one_page(bench, low, vsid)
    assert bench.engine.refusal(page, Access.FETCH) is cause


@pytest.mark.parametrize(
    ("pp", "key", "loads", "stores"),
    [
        (0b000, 0, True, True),
        (0b000, 1, False, False),
        (0b001, 1, True, False),
        (0b010, 1, True, True),
        (0b011, 0, True, False),
        (0b110, 0, True, False),
        (0b110, 1, False, False),
        (0b111, 0, False, False),
    ],
)
def test_page_protection_goes_by_the_key_of_the_state(
    bench: Bench, pp: int, key: int, loads: bool, stores: bool
) -> None:
    low = FREE_PAGE.replace(PP0=pp >> 2, PP12=pp & 3)
    for problem, vsid in ((0, VSID.replace(KS=key, KP=0)), (1, VSID.replace(KS=0, KP=key))):
        page = one_page(bench, low, vsid, RELOCATED.replace(PR=problem))
        assert (bench.engine.translate(page) is not None) is loads
        assert (bench.engine.translate(page, Access.STORE) is not None) is stores


def test_amr_bounds_the_accesses_to_pages_of_a_class(bench: Bench) -> None:
    low = FREE_PAGE.replace(KEY_HIGH=1, KEY_LOW=2)
    assert low.KEY == 10
    page = one_page(bench, low, amr=3 << 62 - 2 * 10)
    assert bench.engine.refusal(page) is Cause.KEY
    assert bench.engine.refusal(page, Access.STORE) is Cause.KEY
    assert bench.engine.translate(page, Access.FETCH) is not None
    page = one_page(bench, low.replace(PP12=3), amr=2 << 62 - 2 * 10)
    assert bench.engine.refusal(page, Access.STORE) == Cause.KEY | Cause.PROTECTION


def test_all_slots_of_the_slb_translate(bench: Bench) -> None:
    bench.table.write(0, bytes(TABLE))
    known = tuple(
        (SlbEsid(0).replace(ESID=n, V=1), SlbVsid(0).replace(VSID=n)) for n in range(SLB_SLOTS)
    )
    for n in range(SLB_SLOTS):
        Mapping(known[n], 0, ENCODINGS[0], FREE_PAGE).enter(bench.table)
    install(bench, HashState(RELOCATED, known))
    for n in range(SLB_SLOTS):
        assert bench.engine.translate(n << 28) == 0x80000


def test_a_translation_permits_what_page_and_segment_do(bench: Bench) -> None:
    page = one_page(bench, FREE_PAGE)
    state = HashState(RELOCATED, ((ESID, VSID),))
    found = translate(bench.memory, bench.table, state, page, Access.LOAD)
    assert found == Translated(0x80000, frozenset(Access))
