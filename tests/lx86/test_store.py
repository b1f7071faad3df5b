"""Records on disk: shared, bounded, and believed only when intact."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lx86.store import Store, StoreError

TREE = Path(__file__).parents[2]


def key(n: int) -> bytes:
    return b"%d" % n


def body(n: int) -> bytes:
    return random.Random(n).randbytes(100 + n % 1000)


def filled(directory: Path, count: int) -> Path:
    store = Store(directory)
    for n in range(count):
        store.add(key(n), body(n))
    store.close()
    assert store.counts.written == count
    return directory


def found(directory: Path, count: int) -> int:
    """How many records are there; those that are, are what was added."""
    store = Store(directory)
    try:
        there = [list(store.find(key(n))) for n in range(count)]
    finally:
        store.close()
    assert all(records in ([], [body(n)]) for n, records in enumerate(there))
    return sum(map(len, there))


def test_what_one_process_adds_another_finds(tmp_path: Path) -> None:
    filled(tmp_path / "k", 50)
    assert found(tmp_path / "k", 60) == 50


def test_a_store_that_is_open_finds_what_others_add(tmp_path: Path) -> None:
    with_first = Store(filled(tmp_path / "k", 1))
    filled_again = Store(tmp_path / "k")
    filled_again.add(key(7), body(7))
    filled_again.flush()
    assert list(with_first.find(key(7))) == [body(7)]


@pytest.mark.parametrize("seed", range(4))
def test_a_record_with_flipped_bits_is_as_if_not_there(tmp_path: Path, seed: int) -> None:
    rng, count = random.Random(seed), 40
    file = filled(tmp_path / "k", count) / "segment-1"
    whole = file.read_bytes()
    used = [at for at, byte in enumerate(whole) if byte]
    lost = 0
    for _ in range(100):
        damaged = bytearray(whole)
        for at in rng.sample(used, rng.randrange(1, 20)):
            damaged[at] ^= 1 << rng.randrange(8)
        file.write_bytes(damaged)
        lost += found(tmp_path / "k", count) < count
    assert lost > 50
    file.write_bytes(whole)
    assert found(tmp_path / "k", count) == count


def test_a_segment_that_was_cut_has_what_lies_before_the_cut(tmp_path: Path) -> None:
    file = filled(tmp_path / "k", 40) / "segment-1"
    whole = file.read_bytes()
    counts = []
    for length in range(0, len(whole), len(whole) // 150):
        file.write_bytes(whole[:length])
        counts.append(found(tmp_path / "k", 40))
    assert counts[0] == 0
    assert counts == sorted(counts)


def test_what_is_cut_while_it_is_open_is_as_if_not_there(tmp_path: Path) -> None:
    store = Store(filled(tmp_path / "k", 40))
    os.truncate(tmp_path / "k" / "segment-1", 10)
    assert [record for n in range(40) for record in store.find(key(n))] == []
    store.add(key(1), body(1))


def test_one_adds_behind_what_is_damaged(tmp_path: Path) -> None:
    directory = filled(tmp_path / "k", 5)
    for damage in (b"", b"nonsense" * 1000, (directory / "segment-1").read_bytes()[:5000]):
        newest = max(directory.glob("segment-*"))
        newest.write_bytes(damage)
        store = Store(directory)
        store.add(key(9), body(9))
        store.flush()
        assert body(9) in list(store.find(key(9)))
        store.close()


_ADD = """
import sys
from pathlib import Path
from lx86.store import Store
from tests.lx86.test_store import body, key
store = Store(Path(sys.argv[1]))
for n in range(int(sys.argv[2]), int(sys.argv[2]) + 200):
    store.add(key(n), body(n))
store.close()
print(store.counts.written)
"""


def test_processes_that_write_at_once_lose_nothing_they_wrote(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _ADD, str(tmp_path / "k"), str(first)], cwd=TREE,
            stdout=subprocess.PIPE, text=True,
        )
        for first in (0, 200, 400, 600)
    ]  # fmt: skip
    written = sum(int(writer.communicate(timeout=60)[0]) for writer in writers)
    assert written
    assert found(tmp_path / "k", 800) == written


def test_a_forked_process_does_not_write_through_its_parents_lock(tmp_path: Path) -> None:
    store = Store(filled(tmp_path / "k", 1))
    store.add(key(1), body(1))
    store.flush()
    child = os.fork()
    if not child:
        for n in range(100, 200):
            store.add(key(n), body(n))
        store.flush()
        os._exit(store.counts.written)
    for n in range(200, 300):
        store.add(key(n), body(n))
    store.flush()
    by_child = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert 1 <= by_child <= 101
    assert found(tmp_path / "k", 300) == 1 + store.counts.written + by_child - 1


def test_the_oldest_records_go_when_there_are_too_many(tmp_path: Path) -> None:
    limit, count = 1 << 20, 4000
    store = Store(tmp_path / "k", limit=limit)
    for n in range(count):
        store.add(key(n), body(n))
    store.flush()
    assert store.counts.written == count
    assert 0 < store.usage().records < count
    assert store.usage().size <= limit
    assert sum(file.stat().st_size for file in (tmp_path / "k").iterdir()) <= limit
    assert list(store.find(key(0))) == []
    assert [list(store.find(key(n))) for n in range(count - 100, count)] == [
        [body(n)] for n in range(count - 100, count)
    ]


def test_a_cleared_store_is_empty_for_all_who_have_it_open(tmp_path: Path) -> None:
    one, other = Store(tmp_path / "k"), Store(tmp_path / "k")
    one.add(key(1), body(1))
    one.flush()
    other.clear()
    assert other.usage().records == 0
    one.add(key(2), body(2))
    one.flush()
    assert list(one.find(key(1))) == []
    assert found(tmp_path / "k", 3) == 1


def test_files_are_the_users_alone(tmp_path: Path) -> None:
    directory = filled(tmp_path / "k", 1)
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in directory.iterdir()} == {0o600}


def test_a_directory_others_may_write_to_is_refused(tmp_path: Path) -> None:
    directory = filled(tmp_path / "k", 1)
    directory.chmod(0o777)
    with pytest.raises(StoreError, match="others may write"):
        Store(directory)


def test_a_segment_others_may_write_to_or_a_link_is_not_read(tmp_path: Path) -> None:
    directory = filled(tmp_path / "k", 1)
    shutil.move(directory / "segment-1", tmp_path / "elsewhere")
    (directory / "segment-1").symlink_to(tmp_path / "elsewhere")
    assert found(directory, 1) == 0
    (directory / "segment-1").unlink()
    shutil.move(tmp_path / "elsewhere", directory / "segment-1")
    assert found(directory, 1) == 1
    (directory / "segment-1").chmod(0o666)
    assert found(directory, 1) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_belongs_to_somebody_else_is_refused(tmp_path: Path) -> None:
    directory = filled(tmp_path / "k", 1)
    os.chown(directory / "segment-1", 1234, 1234)
    assert found(directory, 1) == 0
    os.chown(directory, 1234, 1234)
    with pytest.raises(StoreError, match="somebody else"):
        Store(directory)
