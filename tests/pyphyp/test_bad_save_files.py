"""Files that are cut, damaged or made up are refused, and nothing has changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyphyp import Machine, StateError
from pyphyp.savefile import Content, SaveFile, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

from .saved import WORKS, ending, started


def refusal(path: Path) -> str:
    """How a new machine refuses `path`; the machine stays as it was."""
    with Machine() as machine:
        with pytest.raises(StateError) as caught:
            machine.restore(path)
        assert not machine.partitions
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    path = tmp_path_factory.mktemp("good") / "state"
    with Machine(epoch=0) as machine:
        partition = started(machine, WORKS)
        partition.run(instructions=5000)
        partition.save(path)
    return path.with_name("bad"), path.read_bytes()


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_flipped_bit_anywhere_is_noticed(good: tuple[Path, bytes], data: st.DataObject) -> None:
    path, content = good
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    bad = bytearray(content)
    bad[bit // 8] ^= 1 << bit % 8
    path.write_bytes(bad)
    refusal(path)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_file_cut_anywhere_is_refused(good: tuple[Path, bytes], data: st.DataObject) -> None:
    path, content = good
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    refusal(path)


def test_what_is_wrong_with_a_file_is_said(good: tuple[Path, bytes]) -> None:
    path, content = good
    newer = content[:11] + b"\x63" + content[12:]
    cases = {
        b"": "no saved partition",
        b"\x7fELF" + bytes(5000): "no saved partition",
        newer: "format 99, of a newer pyphyp",
        content[:-1]: "cut or damaged",
        content + b"\0": "cut or damaged",
        content[:-40] + b"\1" + content[-39:]: "damaged: the table",
        content[:4200] + bytes((content[4200] ^ 1,)) + content[4201:]: "section 'storage'",
    }
    for bad, complaint in cases.items():
        path.write_bytes(bad)
        assert complaint in refusal(path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "fifo")
    assert "no saved partition" in refusal(tmp_path / "fifo")
    with Machine() as machine, pytest.raises(FileNotFoundError):
        machine.restore(tmp_path / "nothing")


def sections(path: Path) -> dict[str, bytes]:
    file = SaveFile(path)
    try:
        return {name: section.read(1 << 30) for name, section in file.sections.items()}
    finally:
        file.close()


def rewritten(path: Path, **changes: bytes) -> Path:
    """A file whose digests are right and whose content is not."""
    contents = {"storage": b"", **sections(path)} | changes
    write(path, [Content(name, [content]) for name, content in contents.items()])
    return path


PIECE = (0x1000).to_bytes(8, "big")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"state": b"{"}, "no JSON"),
        ({"state": b"[" * 100_000}, "no JSON"),
        ({"state": b"{}"}, "missing or unknown"),
        ({"other": b""}, "does not know: other"),
        ({"layout": b"1"}, "list of pieces"),
        ({"layout": PIECE * 2}, "does not fit the storage"),
        ({"layout": PIECE * 4}, "out of order"),
        ({"layout": b"\xff" * 8 + PIECE}, "out of order"),
        ({"layout": bytes(7) + b"\x10" + PIECE * 400}, ""),
        ({"layout": bytes(1 << 20)}, "too large"),
    ],
)
def test_hostile_content_with_right_digests_is_refused(
    changes: dict[str, bytes], complaint: str, saved: Path
) -> None:
    assert complaint in refusal(rewritten(saved, **changes))


def leaves(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    match value:
        case dict():
            for key, item in value.items():
                yield from leaves(item, (*path, key))
        case list():
            for key, item in enumerate(value):
                yield from leaves(item, (*path, key))
        case _:
            yield path


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_value_in_the_state_is_taken_or_refused(saved: Path, data: st.DataObject) -> None:
    held = getattr(test_any_value_in_the_state_is_taken_or_refused, "held", None)
    if held is None:
        held = sections(saved)
        test_any_value_in_the_state_is_taken_or_refused.held = held  # type: ignore[attr-defined]
    state = json.loads(held["state"])
    path = data.draw(st.sampled_from(sorted(leaves(state), key=str)))
    value = data.draw(
        st.sampled_from([0, -1, 1, 1 << 31, (1 << 64) - 1, 1 << 64, None, "", [], {}, True])
    )
    target = state
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    if path[-1] == "memory_bytes":
        return
    changed = held | {"state": json.dumps(state).encode()}
    where = saved.with_name("changed")
    write(where, [Content(name, [content]) for name, content in changed.items()])
    with Machine() as machine:
        try:
            partition = machine.restore(where)
        except (StateError, MemoryError):
            return
        partition.run(instructions=3000, seconds=0.1)


def test_a_second_partition_of_the_same_number_is_refused(saved: Path) -> None:
    with Machine() as machine:
        machine.restore(saved)
        with pytest.raises(StateError, match="has a partition number 1 already"):
            machine.restore(saved)


def test_a_refused_file_leaves_a_partition_as_it_was(
    machine: Machine, saved: Path, tmp_path: Path
) -> None:
    partition = machine.partitions[0]
    bad = tmp_path / "bad"
    bad.write_bytes(saved.read_bytes()[:-5])
    twin = ending(machine.clone(partition), 1000)
    with pytest.raises(StateError):
        partition.restore(bad)
    assert ending(partition, 1000) == twin


def test_a_save_that_fails_leaves_the_last_one(
    machine: Machine, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = saved.read_bytes()

    def full(done: float) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        machine.partitions[0].save(saved, progress=full)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]
