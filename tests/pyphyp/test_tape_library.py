"""Tape libraries: a directory of cartridges, and where each of them is the next time."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from hypervisor.san.definition import LibraryDefinition
from hypervisor.scsi.changer import LibraryError
from hypervisor.scsi.status import CheckConditionError, Condition
from pyphyp.raw_file import MediaError
from pyphyp.tape_library import TapeLibrary
from pyphyp.tapes import warnings
from tests.hypervisor.scsi.units import ONE, condition, send

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DRIVE, PORT, SLOT = 257, 769, 1025


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for barcode in ("B2", "A1"):
        (tmp_path / f"{barcode}.tap").touch()
    return tmp_path


@contextmanager
def library(directory: Path, slots: int = 4) -> Iterator[TapeLibrary]:
    made = TapeLibrary(LibraryDefinition(str(directory), 1, slots, 1), "lib")
    try:
        for unit in (made.changer, *made.drives):
            unit.login(ONE)
            condition(unit, 0x00)
        yield made
    finally:
        made.close()


def move(its: TapeLibrary, source: int, to: int) -> None:
    send(its.changer, 0xA5, 0, 0, 1, *source.to_bytes(2, "big"), *to.to_bytes(2, "big"))


def layout(its: TapeLibrary) -> dict[int, str]:
    return its.changer.elements.layout()


def test_new_cartridges_are_in_slots_by_label_and_stay_where_they_are_moved(
    directory: Path,
) -> None:
    with library(directory) as its:
        assert layout(its) == {SLOT: "A1", SLOT + 1: "B2"}
        move(its, SLOT, DRIVE)
        condition(its.drives[0], 0x00)
        send(its.drives[0], 0x0A, 0, 0, 0, 4, data=b"text")
    (directory / "A0.tap").touch()
    (directory / "B2.tap").unlink()
    with library(directory) as its:
        assert layout(its) == {DRIVE: "A1", SLOT: "A0"}
        assert send(its.drives[0], 0x08, 0, 0, 0, 4) == b"text"


def test_what_was_exported_stays_outside_until_it_is_inserted(directory: Path) -> None:
    with library(directory) as its:
        move(its, SLOT, PORT)
        its.export("A1")
    with library(directory) as its:
        assert layout(its) == {SLOT + 1: "B2"}
        its.insert("A1")
        (directory / "C3.tap").touch()
        with pytest.raises(LibraryError, match="no import/export element is free"):
            its.insert("C3")
    with library(directory) as its:
        assert layout(its) == {PORT: "A1", SLOT: "C3", SLOT + 1: "B2"}


@pytest.mark.parametrize("barcode", ["C3", "../A1", "a1", "", "A" * 33])
def test_no_cartridge_is_made_up(directory: Path, barcode: str) -> None:
    (directory.parent / "A1.tap").touch()
    with library(directory) as its, pytest.raises(LibraryError, match="no cartridge"):
        its.insert(barcode)


def test_a_tape_that_vanished_is_told_when_it_is_loaded(directory: Path) -> None:
    with library(directory) as its:
        (directory / "A1.tap").unlink()
        with pytest.raises(CheckConditionError) as failed:
            move(its, SLOT, DRIVE)
        assert failed.value.condition is Condition.LOAD_OR_EJECT_FAILED
        move(its, DRIVE, SLOT)


def test_a_damaged_cartridge_in_a_drive_keeps_no_machine_from_starting(directory: Path) -> None:
    with library(directory) as its:
        move(its, SLOT, DRIVE)
    (directory / "A1.tap").write_bytes(b"anything else")
    with library(directory) as its:
        assert layout(its)[DRIVE] == "A1"
        condition(its.drives[0], 0x00)
        assert condition(its.drives[0], 0x08, 0, 0, 0, 4) is Condition.READ_ERROR
        assert "A1.tap is no tape image" in warnings(its.drives)[0]
        move(its, DRIVE, SLOT)


def test_a_library_is_one_machines(directory: Path) -> None:
    with library(directory), pytest.raises(MediaError, match="another machine"):
        TapeLibrary(LibraryDefinition(str(directory)), "other")
    with library(directory):
        pass


def test_more_cartridges_than_slots_are_refused(directory: Path) -> None:
    with pytest.raises(MediaError, match=r"2 cartridges without a place, and lib 1 free"):
        TapeLibrary(LibraryDefinition(str(directory), 1, 1, 0), "lib")
    with library(directory):
        pass


def test_a_file_whose_name_is_no_label_is_refused(directory: Path) -> None:
    (directory / "backup-1.tap").touch()
    with pytest.raises(MediaError, match=r"backup-1\.tap: a label"):
        TapeLibrary(LibraryDefinition(str(directory)), "lib")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"elements": {"x": 1}, "outside": []}', "[" * 100_000]
)
def test_a_damaged_layout_is_refused(directory: Path, text: str) -> None:
    (directory / "library.json").write_text(text)
    with pytest.raises(MediaError, match="damaged"):
        TapeLibrary(LibraryDefinition(str(directory)), "lib")


def test_a_layout_of_another_library_is_used_as_far_as_it_fits(directory: Path) -> None:
    kept = {"elements": {"1": "A1", "1026": "B2", "1027": "B2", "9": "A1"}, "outside": ["GONE"]}
    (directory / "library.json").write_text(json.dumps(kept))
    with library(directory) as its:
        assert layout(its) == {SLOT: "A1", SLOT + 1: "B2"}
