"""Dataclasses that are completed at their first use are dataclasses."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import field
from threading import Barrier, Thread

import pytest

from emu.values import frozen, slotted, sparing


@frozen
class Place:
    building: str
    floor: int = 0
    rooms: tuple[int, ...] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        if self.floor < 0:
            raise ValueError("no cellar")


@frozen
class Address(Place):
    street: str = ""


@sparing
class Saved:
    building: str
    floor: int = 0
    rooms: tuple[int, ...] = field(default_factory=tuple)
    note: str = ""

    def __post_init__(self) -> None:
        if self.floor < 0:
            raise ValueError("no cellar")


@slotted
class Counter:
    value: int = 0
    seen: list[int] = field(default_factory=list)


def test_they_are_made_compared_hashed_and_shown_as_dataclasses_are() -> None:
    assert Place("A") == Place("A", 0, ())
    assert Place("A") != Place("A", 1)
    assert Place("A") != Address("A")
    assert len({Place("A"), Place("A"), Place("B")}) == 2
    assert (
        repr(Address("A", 2, street="S")) == "Address(building='A', floor=2, rooms=(), street='S')"
    )
    assert [f.name for f in dataclasses.fields(Address)] == ["building", "floor", "rooms", "street"]
    match Address("A", 2):
        case Address(building, floor):
            assert (building, floor) == ("A", 2)
    with pytest.raises(TypeError, match=r"Place.__init__\(\) missing 1 required"):
        Place()  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="no cellar"):
        Place("A", -1)


def test_frozen_ones_do_not_change_and_are_copied() -> None:
    place = Address("A", 2, (7,), "S")
    with pytest.raises(dataclasses.FrozenInstanceError):
        place.floor = 3  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del place.floor
    with pytest.raises(dataclasses.FrozenInstanceError):
        place.other = 3  # type: ignore[attr-defined]
    assert dataclasses.replace(place, floor=3) == Address("A", 3, (7,), "S")
    assert copy.deepcopy(place) == pickle.loads(pickle.dumps(place)) == place


def test_sparing_ones_are_frozen_ones() -> None:
    saved = Saved("A", 2, (7,), "S")
    assert repr(saved) == "Saved(building='A', floor=2, rooms=(7,), note='S')"
    assert saved == Saved("A", 2, (7,), "S")
    assert saved not in {Saved("A", 2, (7,), "T"), Address("A", 2, (7,), "S")}
    assert hash(saved) == hash(dataclasses.replace(saved, note="S"))
    for name in ("floor", "other"):
        with pytest.raises((dataclasses.FrozenInstanceError, AttributeError)):
            setattr(saved, name, 3)
    with pytest.raises(dataclasses.FrozenInstanceError):
        del saved.floor
    with pytest.raises(ValueError, match="no cellar"):
        Saved("A", -1)


def test_slotted_ones_change_have_no_hash_and_no_other_attributes() -> None:
    counter = Counter()
    counter.value += 1
    counter.seen.append(1)
    assert counter == Counter(1, [1])
    assert Counter() == Counter()
    with pytest.raises(TypeError, match="unhashable"):
        hash(counter)
    with pytest.raises(AttributeError):
        counter.other = 1  # type: ignore[attr-defined]


def test_any_use_is_the_first() -> None:
    """The stubs of each method complete the class."""

    def fresh() -> type:
        @frozen
        class Fresh:
            value: int = 1

        return Fresh

    assert [f.name for f in dataclasses.fields(fresh())] == ["value"]
    assert fresh().__match_args__ == ("value",)
    for use in (repr, hash, lambda its: its == its):
        kind = fresh()
        use(kind())
        assert kind.__qualname__.endswith("Fresh")


def test_threads_that_come_first_together_find_one_class() -> None:
    for _ in range(50):

        @slotted
        class Fresh:
            values: list[int] = field(default_factory=list)

        together, made = Barrier(4), []

        def make(kind: type = Fresh, together: Barrier = together, made: list = made) -> None:  # type: ignore[type-arg]
            together.wait()
            made.append(kind())

        threads = [Thread(target=make) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [its.values for its in made] == [[]] * 4
