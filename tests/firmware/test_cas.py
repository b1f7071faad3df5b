"""Client architecture support: what is read from the client's structure, and what is agreed."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from emu.memory import Memory, StorageError
from firmware import cas
from firmware.compatibility import POWER8, POWER9, POWER10, CompatibilityMode, modes_up_to
from hypervisor.abi import InterruptMode, InterruptOffer, Mmu

POWER9_ONLY = ((0xFFFF_FFFF, 0x0F00_0005),)
# Versions in the form a kernel gives them: processors, then levels, the last ending the list.
VERSIONS = (
    (0xFFFF_0000, 0x004E_0000),
    (0xFFFF_FFFF, 0x0F00_0006),
    *POWER9_ONLY,
    (0xFFFF_FFFF, 0x0F00_0004),
)
END = (0xFFFF_FFFE, 0x0F00_0001)


def client_vectors(
    versions: tuple[tuple[int, int], ...] = VERSIONS,
    *,
    translation: int = 0x40,
    interrupts: int = 0x00,
    radix: int = 0x40,
    processors: int = 2048,
    sharing: int = 0xF3,
    least_rma: int = 8,
    ignore_vector_2: bool = False,
) -> bytes:
    """The structure of a client that offers these in its option vectors."""
    vector_2 = struct.pack(
        ">BH7IBB", 0x80 * ignore_vector_2, 0, *[0xFFFF_FFFF] * 5, least_rma, 0xFFFF_FFFF, 0, 48
    )
    vector_5 = bytearray(26)
    vector_5[1], vector_5[4] = sharing, 0xE0
    vector_5[8:12] = processors.to_bytes(4, "big")
    vector_5[22], vector_5[23], vector_5[25] = interrupts, translation, radix
    vectors = (b"\0\xff\xc0", vector_2, b"\0\xe0", b"\0\1", bytes(vector_5), b"\0\0\2")
    numbers = b"".join(struct.pack(">II", *pair) for pair in (*versions, END))
    lengths = b"".join(bytes((len(vector) - 1,)) + vector for vector in vectors)
    return numbers + bytes((len(vectors) - 1,)) + lengths


OFFER = cas.Offer(memory_mib=1024, processors=4, shared_processors=True)


def ask(structure: bytes, offer: cas.Offer = OFFER) -> cas.Agreement:
    with Memory(1 << 20) as memory:
        memory.write(0x1000, structure)
        return cas.negotiate(cas.read_request(memory, 0x1000), offer)


def test_a_structure_is_read_up_to_its_end_record_and_vector_count() -> None:
    with Memory(1 << 20) as memory:
        memory.write(0x1000, client_vectors())
        request = cas.read_request(memory, 0x1000)
    assert request.versions == (*VERSIONS, END)
    assert list(request.vectors) == [1, 2, 3, 4, 5, 6]
    assert all(len(vector) == vector[0] + 2 for vector in request.vectors.values())


def test_radix_with_guest_translation_shootdown_is_agreed_on() -> None:
    vector = ask(client_vectors()).vector_5
    assert (vector[23], vector[24], vector[26]) == (0x00, 0x40, 0x40)


def test_a_client_may_leave_shootdown_to_hcalls_where_they_are_on_offer() -> None:
    offer = replace(OFFER, shootdown_by_hcall=True)
    vector = ask(client_vectors(radix=0x00), offer).vector_5
    assert (vector[24], vector[26]) == (0x40, 0x00)
    assert ask(client_vectors(), offer).vector_5[26] == 0x40


@pytest.mark.parametrize(
    ("mmu", "asked", "agreed"),
    [
        (Mmu.AUTO, 0x80, 0x40),
        (Mmu.AUTO, 0x40, 0x40),
        (Mmu.AUTO, 0x00, 0x00),
        (Mmu.HASH, 0x80, 0x00),
        (Mmu.RADIX, 0x80, 0x40),
    ],
)
def test_the_kind_of_translation_is_what_the_client_asks_for_radix_if_it_leaves_the_choice(
    mmu: Mmu, asked: int, agreed: int
) -> None:
    vector = ask(client_vectors(translation=asked), replace(OFFER, mmu=mmu)).vector_5
    assert vector[24] == agreed
    assert vector[26] == agreed, "shootdown by the guest goes with radix"


@pytest.mark.parametrize(("mmu", "asked"), [(Mmu.HASH, 0x40), (Mmu.RADIX, 0x00)])
def test_a_kind_of_translation_that_is_not_on_offer_is_refused(mmu: Mmu, asked: int) -> None:
    with pytest.raises(cas.CasError, match="translation of kind"):
        ask(client_vectors(translation=asked), replace(OFFER, mmu=mmu))


def test_a_client_of_an_older_processor_mode_gets_hashed_page_tables() -> None:
    offer = replace(OFFER, modes=modes_up_to(POWER9.isa_level))
    agreement = ask(client_vectors(((0xFFFF_FFFF, 0x0F00_0004),), translation=0x80), offer)
    assert (agreement.mode.name, agreement.vector_5[24]) == ("POWER8", 0x00)


def test_no_mode_without_radix_is_offered_where_radix_is_all_there_is() -> None:
    offer = replace(OFFER, mmu=Mmu.RADIX, modes=modes_up_to(POWER9.isa_level))
    with pytest.raises(cas.CasError, match=r"modes offered: POWER9$"):
        ask(client_vectors(((0xFFFF_FFFF, 0x0F00_0004),)), offer)


def test_the_processor_mode_is_the_best_both_know() -> None:
    assert ask(client_vectors()).mode.logical_pvr == 0x0F00_0005


def test_a_mode_is_matched_under_the_clients_mask() -> None:
    assert ask(client_vectors(((0xFFFF_FFF0, 0x0F00_0000),))).mode.name == "POWER9"


@pytest.mark.parametrize(
    ("highest", "known", "agreed"),
    [
        (POWER10, (6, 5, 4, 3), POWER10),
        (POWER10, (3, 4, 5), POWER9),
        (POWER9, (6, 5, 4), POWER9),
        (POWER10, (5,), POWER9),
    ],
)
def test_the_best_mode_on_offer_that_the_client_lists_anywhere_is_agreed_on(
    highest: CompatibilityMode, known: tuple[int, ...], agreed: CompatibilityMode
) -> None:
    offer = replace(OFFER, modes=modes_up_to(highest.isa_level))
    versions = tuple((0xFFFF_FFFF, 0x0F00_0000 | level) for level in known)
    assert ask(client_vectors(versions), offer).mode is agreed


def test_sharing_and_affinity_are_what_both_want() -> None:
    assert ask(client_vectors()).vector_5[2] == 0xC0
    assert ask(client_vectors(sharing=0x80)).vector_5[2] == 0x80
    dedicated = cas.Offer(memory_mib=1024, processors=1, shared_processors=False)
    assert ask(client_vectors(), dedicated).vector_5[2] == 0x80


@pytest.mark.parametrize(
    ("structure", "why"),
    [
        (client_vectors(interrupts=0x40), "XIVE exploitation; in its mode"),
        (client_vectors(radix=0x00), "shootdown"),
        (client_vectors(processors=2), "2 processors; there are 4"),
        (client_vectors(least_rma=2048), "2048 MiB; the partition has 1024"),
        (client_vectors(((0xFFFF_FFFF, 0x0F00_0004),)), "processor modes offered: POWER9"),
    ],
)
def test_a_demand_that_cannot_be_met_is_refused_with_its_reason(structure: bytes, why: str) -> None:
    with pytest.raises(cas.CasError, match=why):
        ask(structure)


def test_an_option_vector_to_be_ignored_demands_nothing() -> None:
    assert ask(client_vectors(least_rma=2048, ignore_vector_2=True))


XICS_BYTE, XIVE_BYTE, EITHER_BYTE = 0x00, 0x40, 0x80
INTERRUPTS = [
    (InterruptOffer.XICS, XICS_BYTE, InterruptMode.XICS),
    (InterruptOffer.XICS, EITHER_BYTE, InterruptMode.XICS),
    (InterruptOffer.XIVE, XIVE_BYTE, InterruptMode.XIVE),
    (InterruptOffer.XIVE, EITHER_BYTE, InterruptMode.XIVE),
    (InterruptOffer.AUTO, XICS_BYTE, InterruptMode.XICS),
    (InterruptOffer.AUTO, XIVE_BYTE, InterruptMode.XIVE),
    (InterruptOffer.AUTO, EITHER_BYTE, InterruptMode.XIVE),
]


@pytest.mark.parametrize(("offered", "asked", "mode"), INTERRUPTS)
def test_the_interrupt_controller_is_one_that_both_sides_can_use(
    offered: InterruptOffer, asked: int, mode: InterruptMode
) -> None:
    agreed = ask(client_vectors(interrupts=asked), replace(OFFER, interrupts=offered))
    assert agreed.interrupts is mode
    assert agreed.vector_5[23] == (XIVE_BYTE if mode is InterruptMode.XIVE else XICS_BYTE)


@pytest.mark.parametrize(
    ("offered", "asked", "why"),
    [
        (InterruptOffer.XICS, XIVE_BYTE, "XIVE exploitation"),
        (InterruptOffer.XIVE, XICS_BYTE, "XICS alone"),
        (InterruptOffer.AUTO, 0xC0, "no interrupt controller"),
    ],
)
def test_an_interrupt_controller_that_is_not_offered_is_refused(
    offered: InterruptOffer, asked: int, why: str
) -> None:
    with pytest.raises(cas.CasError, match=why):
        ask(client_vectors(interrupts=asked), replace(OFFER, interrupts=offered))


def test_in_a_mode_older_than_power9_there_is_xics_only() -> None:
    offer = replace(OFFER, interrupts=InterruptOffer.AUTO, modes=(POWER9, POWER8))
    client = client_vectors(
        ((0xFFFF_FFFF, POWER8.logical_pvr),), translation=0x00, interrupts=EITHER_BYTE
    )
    assert ask(client, offer).interrupts is InterruptMode.XICS


@pytest.mark.parametrize(
    ("offered", "byte"),
    [
        (InterruptOffer.XICS, XICS_BYTE),
        (InterruptOffer.XIVE, XIVE_BYTE),
        (InterruptOffer.AUTO, EITHER_BYTE),
    ],
)
def test_the_tree_says_which_interrupt_controllers_are_on_offer(
    offered: InterruptOffer, byte: int
) -> None:
    assert replace(OFFER, interrupts=offered).platform_support()[:2] == bytes((23, byte))


def test_a_list_of_versions_without_end_is_refused() -> None:
    with Memory(1 << 20) as memory, pytest.raises(cas.CasError, match="no end"):
        cas.read_request(memory, 0)


def test_a_structure_that_runs_out_of_storage_is_refused() -> None:
    with Memory(1 << 16) as memory, pytest.raises(StorageError):
        cas.read_request(memory, (1 << 16) - 64)
