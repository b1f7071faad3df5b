"""A program's address space: its pages, what may be done there, and who is told of it."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

import pytest

from lx86.spaces import PROGRAM_END, SPACE_64
from lx86.storage import EXECUTE, PAGE, READ, WRITE, Page, Storage, StorageFault

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE = 0x0804_8000
RW, RX = READ | WRITE, READ | EXECUTE


class Notes:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int, int]] = []

    def invalidate(self, start: int, length: int) -> None:
        self.told.append(("code", start, length))

    def mapping_changed(self, start: int, length: int) -> None:
        self.told.append(("pages", start, length))


@pytest.fixture
def storage() -> Iterator[Storage]:
    storage = Storage()
    yield storage
    storage.close()


def test_pages_are_zero_when_they_are_mapped_even_again(storage: Storage) -> None:
    storage.map(BASE, 2 * PAGE, RW)
    storage.write(BASE + PAGE - 2, b"abcd")
    assert storage.read(BASE + PAGE - 2, 4) == b"abcd"
    storage.map(BASE + PAGE, PAGE, RW)
    assert storage.read(BASE + PAGE - 2, 4) == b"ab\0\0"


@pytest.mark.parametrize(
    ("address", "refused"),
    [
        (0, 0),
        (BASE - 2, BASE - 2),
        (BASE + 2 * PAGE - 2, BASE + 2 * PAGE),
        (PROGRAM_END - 2, PROGRAM_END),
        (0xFFFF_FFFE, 0xFFFF_FFFE),
    ],
)
def test_an_access_where_no_page_is_names_the_first_byte_refused(
    storage: Storage, address: int, refused: int
) -> None:
    storage.map(BASE, 2 * PAGE, RW)
    with pytest.raises(StorageFault) as fault:
        storage.read(address, 4)
    assert fault.value.address == refused


def test_permissions_bind_accesses_of_system_calls(storage: Storage) -> None:
    storage.map(BASE, 40 * PAGE, RW)
    storage.protect(BASE + 30 * PAGE, PAGE, READ)
    assert storage.accessible(BASE, 40 * PAGE, READ) == 40 * PAGE
    assert storage.accessible(BASE, 40 * PAGE, WRITE) == 30 * PAGE
    storage.protect(BASE, PAGE, Page(0))
    assert storage.accessible(BASE, 1, READ) == 0
    assert list(storage.runs()) == [
        (BASE, PAGE, Page.MAPPED),
        (BASE + PAGE, 29 * PAGE, RW | Page.MAPPED),
        (BASE + 30 * PAGE, PAGE, READ | Page.MAPPED),
        (BASE + 31 * PAGE, 9 * PAGE, RW | Page.MAPPED),
    ]


def test_free_places_are_found_from_above(storage: Storage) -> None:
    top = 0xB700_0000
    storage.map(top - 2 * PAGE, PAGE, RW)
    assert storage.find_free(PAGE, top) == top - PAGE
    assert storage.find_free(PAGE + 1, top) == top - 4 * PAGE
    assert storage.find_free(PROGRAM_END, top) is None


def test_strings_end_at_a_nul_or_at_the_limit_and_may_cross_pages(storage: Storage) -> None:
    storage.map(BASE, 2 * PAGE, RW)
    storage.write(BASE + PAGE - 3, b"abcdef\0")
    assert storage.read_string(BASE + PAGE - 3, 100) == b"abcdef"
    assert storage.read_string(BASE + PAGE - 3, 6) is None
    storage.write(BASE + 2 * PAGE - 2, b"xy")
    with pytest.raises(StorageFault):
        storage.read_string(BASE + 2 * PAGE - 2, 100)


def test_the_observer_is_told_of_pages_and_of_code(storage: Storage) -> None:
    notes = Notes()
    storage.observe(notes)
    storage.map(BASE, 2 * PAGE, RW)
    storage.write(BASE, b"data")
    storage.protect(BASE, PAGE, RX)
    storage.load(BASE + 4, b"code")
    storage.unmap(BASE, PAGE)
    storage.unmap(BASE, PAGE)
    assert notes.told == [
        ("pages", BASE, 2 * PAGE),
        ("pages", BASE, PAGE),
        ("code", BASE + 4, 4),
        ("pages", BASE, PAGE),
    ]


def test_a_shared_map_of_a_file_is_the_file_and_unmapped_is_no_more(storage: Storage) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(b"x" * PAGE)
        file.flush()
        storage.map_shared(BASE, PAGE, RW, file.fileno())
        storage.write(BASE, b"shared")
        assert os.pread(file.fileno(), 7, 0) == b"sharedx"
        storage.unmap(BASE, PAGE)
        storage.map(BASE, PAGE, RW)
        storage.write(BASE, b"elsewhere")
        assert os.pread(file.fileno(), 7, 0) == b"sharedx"


def test_a_forked_process_has_a_copy(storage: Storage) -> None:
    storage.map(BASE, PAGE, RW)
    storage.write(BASE, b"parent")
    child = os.fork()
    if not child:
        storage.write(BASE, b"child!")
        os._exit(0)
    os.waitpid(child, 0)
    assert storage.read(BASE, 6) == b"parent"


def test_what_is_accessible_ends_with_its_pages_even_below_the_end_of_all(storage: Storage) -> None:
    storage.map(PROGRAM_END - 3 * PAGE, PAGE, READ)
    at = PROGRAM_END - 3 * PAGE + 100
    assert storage.accessible(at, 4 * PAGE, READ) == PAGE - 100
    storage.map(PROGRAM_END - 2 * PAGE, 2 * PAGE, READ)
    assert storage.accessible(at, 4 * PAGE, READ) == 3 * PAGE - 100
    assert storage.accessible(PROGRAM_END, PAGE, READ) == 0


def test_a_64_bit_program_has_pages_at_both_ends_of_47_bits_and_none_between() -> None:
    storage = Storage(SPACE_64)
    stack, pie = SPACE_64.end - PAGE, 0x5555_5555_4000
    try:
        for start in (stack, pie, BASE):
            storage.map(start, PAGE, RW)
            storage.write_long(start + PAGE - 8, start)
        assert [run[:2] for run in storage.runs()] == [(n, PAGE) for n in (BASE, pie, stack)]
        assert [storage.read_long(n + PAGE - 8) for n in (BASE, pie, stack)] == [BASE, pie, stack]
        assert storage.find_free(PAGE, SPACE_64.end) == stack - PAGE
        assert storage.find_free(PAGE, SPACE_64.beyond) == SPACE_64.hole - PAGE
        assert storage.find_free(SPACE_64.beyond, SPACE_64.end) is None
        for start, length in ((SPACE_64.hole, PAGE), (BASE, SPACE_64.beyond), (stack, 2 * PAGE)):
            assert storage.outside(start, length)
        assert not storage.kind(SPACE_64.end)
        with pytest.raises(StorageFault):
            storage.read(1 << 63, 8)
    finally:
        storage.close()
