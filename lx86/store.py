"""Records that stay on disk, shared by all processes of a user, and believed only when intact.

They lie in segments: files with a table of a fixed size, by which a record is found with one read,
and records behind one another.  A segment that is full is followed by another one; the oldest goes
when all together grow too large.  Whoever writes holds a lock; whoever reads holds none, since what
it finds has a digest, over the key as well: torn, cut or changed records are as if not there.

Files are read, not mapped, so that one that shrinks cannot end the process.  All descriptors are
above those of the program, which neither sees nor closes them.
"""

from __future__ import annotations

import fcntl
import os
import resource
import stat
import struct
from dataclasses import dataclass
from hashlib import blake2b
from time import sleep
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMIT = 256 << 20
"""Bytes of all segments together."""
_SEGMENTS = 8
_MAGIC = b"pyphyp x86 code\n"
_HEADER = struct.Struct("<16sI")
_TABLE = 4096
"""Where a segment's table begins: groups of entries, one to be read at a time."""
_ENTRY = struct.Struct("<8sII")  # of the key; where the record is, in units; its bytes
_GROUP, _UNIT, _DIGEST = 16 * _ENTRY.size, 16, 16
_NEIGHBOURS = 4
"""Groups that an entry may be in."""
_LONGEST = 1 << 21
_RETRIES, _PAUSE = 100, 0.001
"""When a process ends, it waits so long for who else is writing; in seconds."""
_TOGETHER, _MOST_WAITING = 32, 1000
"""Records that are written at once, and those that wait for when nobody else is writing."""
_PATIENCE = 10
"""After so many errors, one behind the other, nothing is written any more."""


class StoreError(Exception):
    """A directory that cannot be used; the text says why."""


def key_of(*parts: bytes) -> bytes:
    """A key from parts, none of which runs into the next."""
    return blake2b(
        b"".join(len(p).to_bytes(4, "little") + p for p in parts), digest_size=32
    ).digest()


@dataclass(slots=True)
class StoreCounts:
    written: int = 0
    bad: int = 0  # records that were not what they had been
    refused: int = 0  # not written: no place, no permission, others at it for too long


@dataclass(frozen=True, slots=True)
class Usage:
    segments: int
    records: int
    size: int


class _Segment:
    """An open one.  `groups` is a power of two."""

    def __init__(self, file: int, groups: int) -> None:
        self.file, self.groups = file, groups
        self.data = _TABLE + groups * _GROUP

    def places(self, key: bytes) -> Iterator[tuple[int, bytes]]:
        """Groups where the key's entry may be: where they lie, and what they hold."""
        first = int.from_bytes(key[8:16], "little")
        for n in range(_NEIGHBOURS):
            at = _TABLE + (first + n & self.groups - 1) * _GROUP
            yield at, os.pread(self.file, _GROUP, at)

    def find(self, key: bytes) -> Iterator[bytes]:
        """All that was added for a key, unchecked, with their digests."""
        for _, group in self.places(key):
            for entry in range(0, len(group) - _ENTRY.size + 1, _ENTRY.size):
                tag, unit, length = _ENTRY.unpack_from(group, entry)
                if not unit:
                    return
                if tag == key[:8] and _DIGEST < length <= _LONGEST:
                    yield os.pread(self.file, length, unit * _UNIT)

    def add(self, key: bytes, record: bytes, most: int) -> bool:
        """False: there is no place for it.  The lock is held."""
        end = max(os.fstat(self.file).st_size, self.data) + _UNIT - 1 & -_UNIT
        if end + len(record) > most:
            return False
        for at, group in self.places(key):
            for entry in range(0, len(group) - _ENTRY.size + 1, _ENTRY.size):
                if not _ENTRY.unpack_from(group, entry)[1]:
                    if os.pwrite(self.file, record, end) != len(record):
                        raise OSError("a short write")
                    packed = _ENTRY.pack(key[:8], end // _UNIT, len(record))
                    os.pwrite(self.file, packed, at + entry)
                    return True
        return False

    def records(self) -> int:
        table = os.pread(self.file, self.groups * _GROUP, _TABLE)
        units = (e[1] for e in _ENTRY.iter_unpack(table[: len(table) // _ENTRY.size * _ENTRY.size]))
        return sum(1 for unit in units if unit)


class Store:
    """Finds and adds records.  Descriptors are `lowest` or above."""

    def __init__(self, directory: Path, lowest: int = 3, limit: int = LIMIT) -> None:
        """Makes the directory if need be.  Raises `StoreError`."""
        self.counts = StoreCounts()
        self._lowest, self._most = lowest, limit // _SEGMENTS
        self._groups = 1 << max(self._most // 1024 // 16, 1).bit_length() - 1
        self._segments: dict[int, _Segment] = {}
        self._lock, self._owner = -1, os.getpid()
        self._waiting: list[tuple[bytes, bytes]] = []
        self._failures = 0
        self._seen = -1
        """When the directory was last changed, as far as is known."""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._directory = self._reserved(os.open(directory, os.O_RDONLY | os.O_DIRECTORY))
            if not _is_ours(self._directory):
                raise StoreError(f"{directory} belongs to somebody else, or others may write there")
            self._look()
        except OSError as refused:
            raise StoreError(f"{directory}: {refused.strerror}") from refused

    def close(self) -> None:
        self.flush()
        for segment in self._segments.values():
            os.close(segment.file)
        self._segments.clear()
        os.close(self._directory)
        if self._lock >= 0:
            os.close(self._lock)
        self._lock = self._directory = -1

    def find(self, key: bytes) -> Iterator[bytes]:
        """Each intact record that was added for a key; the last segment's first."""
        for segment in [self._segments[n] for n in sorted(self._segments, reverse=True)]:
            try:
                for record in segment.find(key):
                    body = record[_DIGEST:]
                    if _digest(key, body) == record[:_DIGEST]:
                        yield body
                    else:
                        self.counts.bad += 1
            except OSError:
                self.counts.bad += 1

    def add(self, key: bytes, body: bytes) -> None:
        """Have it found when some more are added, or by `flush`; or not, if that cannot be."""
        self._become_owner()
        record = _digest(key, body) + body
        if self._failures >= _PATIENCE or len(record) > _LONGEST:
            self.counts.refused += 1
            return
        self._waiting.append((key, record))
        if len(self._waiting) >= _TOGETHER:
            self._write_all(tries=1)
        if len(self._waiting) > _MOST_WAITING:
            self._give_up()

    def flush(self) -> None:
        """Write what waits for others to have written."""
        self._become_owner()
        self._write_all(tries=_RETRIES)
        self._give_up()

    def _become_owner(self) -> None:
        """A forked process has a lock of its own, and leaves to its parent what waits there."""
        if self._owner != os.getpid():
            self._owner = os.getpid()
            self._waiting.clear()
            if self._lock >= 0:
                os.close(self._lock)
                self._lock = -1

    def _give_up(self) -> None:
        self.counts.refused += len(self._waiting)
        self._waiting.clear()

    def _write_all(self, tries: int) -> None:
        limited = resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY
        if limited or not self._waiting:  # a signal might be what comes of it
            return
        try:
            if not self._acquire(tries):
                return
            if os.fstat(self._directory).st_mtime_ns != self._seen:
                self._look()
            while self._waiting:
                if not self._write(*self._waiting[-1]):
                    raise OSError("no place")
                self._waiting.pop()
                self.counts.written += 1
                self._failures = 0
        except OSError:
            self._failures += 1
            self._give_up()
        finally:
            self._release()

    def _write(self, key: bytes, record: bytes) -> bool:
        if self._add_to_last(key, record):
            return True
        self._look()
        if self._add_to_last(key, record):
            return True
        self._begin()
        return self._add_to_last(key, record)

    def _add_to_last(self, key: bytes, record: bytes) -> bool:
        last = self._segments.get(max(self._segments, default=0))
        return last is not None and last.add(key, record, self._most)

    def usage(self) -> Usage:
        segments = self._segments.values()
        size = sum(512 * os.fstat(segment.file).st_blocks for segment in segments)
        return Usage(len(segments), sum(segment.records() for segment in segments), size)

    def clear(self) -> None:
        """Remove all records.  Raises `StoreError`."""
        try:
            self._become_owner()
            if not self._acquire(_RETRIES):
                raise StoreError("somebody else is writing: try again")
            for name in self._names().values():
                os.unlink(name, dir_fd=self._directory)
            self._look()
        except OSError as refused:
            raise StoreError(f"{refused.filename or 'the cache'}: {refused.strerror}") from refused
        finally:
            self._release()

    # -- files -----------------------------------------------------------------------------

    def _reserved(self, file: int) -> int:
        try:
            return fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, self._lowest)
        finally:
            os.close(file)

    def _open(self, name: str, flags: int) -> int:
        flags |= os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        return self._reserved(os.open(name, flags, 0o600, dir_fd=self._directory))

    def _acquire(self, tries: int) -> bool:
        """The lock, unless somebody else keeps it: who has it may be stopped."""
        if self._lock < 0:
            self._lock = self._open("lock", os.O_RDWR | os.O_CREAT)
        for n in range(tries):
            if n:
                sleep(_PAUSE)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            return True
        return False

    def _release(self) -> None:
        if self._lock >= 0:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _names(self) -> dict[int, str]:
        names = os.listdir(self._directory)
        return {int(n[8:]): n for n in names if n.startswith("segment-") and n[8:].isdecimal()}

    def _look(self) -> None:
        """Open segments that have come, and close those that have gone."""
        self._seen = os.fstat(self._directory).st_mtime_ns
        names = self._names()
        for number in self._segments.keys() - names:
            os.close(self._segments.pop(number).file)
        for number in names.keys() - self._segments.keys():
            segment = self._segment(names[number])
            if segment is not None:
                self._segments[number] = segment

    def _segment(self, name: str) -> _Segment | None:
        """None: it is not ours, or damaged."""
        try:
            file = self._open(name, os.O_RDWR)
        except OSError:
            return None
        head = os.pread(file, _HEADER.size, 0) if _is_ours(file, regular=True) else b""
        if len(head) == _HEADER.size:
            magic, groups = _HEADER.unpack(head)
            whole = _TABLE + groups * _GROUP <= os.fstat(file).st_size
            if magic == _MAGIC and groups and not groups & groups - 1 and whole:
                return _Segment(file, groups)
        os.close(file)
        return None

    def _begin(self) -> None:
        """Another segment; the lock is held.  The oldest go."""
        names = self._names()
        number = max(names, default=0) + 1
        for old in sorted(names)[: max(0, len(names) - _SEGMENTS + 1)]:
            os.unlink(names[old], dir_fd=self._directory)
        file = self._open("new", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.pwrite(file, _HEADER.pack(_MAGIC, self._groups), 0)
        os.ftruncate(file, _TABLE + self._groups * _GROUP)
        os.rename(
            "new", f"segment-{number}", src_dir_fd=self._directory, dst_dir_fd=self._directory
        )
        os.close(file)
        self._look()


def _digest(key: bytes, body: bytes) -> bytes:
    return blake2b(body, digest_size=_DIGEST, key=key).digest()


def _is_ours(file: int, *, regular: bool = False) -> bool:
    """This user's, and nobody else may write to it."""
    found = os.fstat(file)
    kind = stat.S_ISREG(found.st_mode) or not regular
    return kind and found.st_uid == os.geteuid() and not found.st_mode & 0o022
