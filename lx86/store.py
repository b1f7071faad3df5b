"""Records that stay on disk, shared by all processes of a user, and believed only when intact.

They lie in segments: files with a table of a fixed size, by which a record is found with one read,
and records behind one another, in bundles of what was added at a time: who wants one mostly wants
the others next.  A segment that is full is followed by another one; the oldest goes when all
together grow too large.  Whoever writes holds a lock; whoever reads holds none, since each bundle
has a digest, over the keys as well: one that is torn, cut or changed is as if not there.

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
    from collections.abc import Container, Iterator
    from pathlib import Path

LIMIT = 256 << 20
"""Bytes of all segments together."""
_SEGMENTS = 8
_MAGIC = b"pyphyp x86 pack\n"
_HEADER = struct.Struct("<16sI")
_TABLE = 4096
"""Where a segment's table begins: groups of entries, one to be read at a time."""
_ENTRY = struct.Struct("<8sII")  # of the key; where its bundle is, in units; the bundle's bytes
_RECORD = struct.Struct("<HI")  # bytes of the key, and of the record behind it
_GROUP, _UNIT, _DIGEST = 16 * _ENTRY.size, 16, 16
_NEIGHBOURS = 4
"""Groups that an entry may be in."""
_LONGEST = 1 << 22
"""Bytes of a bundle."""
_RETRIES, _PAUSE = 100, 0.001
"""When a process ends, it waits so long for who else is writing; in seconds."""
_TOGETHER, _MOST_WAITING = 32, 1000
"""Records that are written at once, and those that wait for when nobody else is writing."""
_MOST_AHEAD = 1 << 14
"""Records that were read with another one, and not yet asked for."""
_PATIENCE = 10
"""After so many errors, one behind the other, nothing is written any more."""


Bundle = tuple[tuple[bytes, bytes], ...]
"""Keys with their records."""


class StoreError(Exception):
    """A directory that cannot be used; the text says why."""


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

    def places(self, place: bytes) -> Iterator[tuple[int, bytes]]:
        """Groups where a key's entry may be: where they lie, and what they hold."""
        first = int.from_bytes(place[8:], "little")
        for n in range(_NEIGHBOURS):
            at = _TABLE + (first + n & self.groups - 1) * _GROUP
            yield at, os.pread(self.file, _GROUP, at)

    def find(self, place: bytes) -> Iterator[bytes]:
        """All bundles that may have a key, unchecked, with their digests."""
        for _, group in self.places(place):
            for entry in range(0, len(group) - _ENTRY.size + 1, _ENTRY.size):
                tag, unit, length = _ENTRY.unpack_from(group, entry)
                if not unit:
                    return
                if tag == place[:8] and _DIGEST < length <= _LONGEST:
                    yield os.pread(self.file, length, unit * _UNIT)

    def add(self, bundle: Bundle, most: int) -> bool:
        """False: there is no place for it.  The lock is held."""
        data = _packed(bundle)
        end = max(os.fstat(self.file).st_size, self.data) + _UNIT - 1 & -_UNIT
        if end + len(data) > most:
            return False
        entries: dict[int, bytes] = {}
        for key, _ in bundle:
            place = _place(key)
            entry = self._free(place, entries)
            if entry is None:
                return False
            entries[entry] = _ENTRY.pack(place[:8], end // _UNIT, len(data))
        if os.pwrite(self.file, data, end) != len(data):
            raise OSError("a short write")
        for at, packed in entries.items():
            os.pwrite(self.file, packed, at)
        return True

    def _free(self, place: bytes, taken: Container[int]) -> int | None:
        """Where an entry can be written."""
        for at, group in self.places(place):
            for entry in range(0, len(group) - _ENTRY.size + 1, _ENTRY.size):
                if not _ENTRY.unpack_from(group, entry)[1] and at + entry not in taken:
                    return at + entry
        return None

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
        self._room = min(self._most // 4, _LONGEST - _DIGEST)
        """Bytes of records in a bundle."""
        self._groups = 1 << max(self._most // 1024 // 16, 1).bit_length() - 1
        self._segments: dict[int, _Segment] = {}
        self._lock, self._owner = -1, os.getpid()
        self._waiting: list[tuple[bytes, bytes]] = []
        self._ahead: dict[bytes, bytes] = {}
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
        given = []
        if (ahead := self._ahead.pop(key, None)) is not None:
            given.append(ahead)
            yield ahead
        place = _place(key)
        for segment in [self._segments[n] for n in sorted(self._segments, reverse=True)]:
            try:
                for data in segment.find(place):
                    for record in self._read(data, key):
                        if record not in given:
                            given.append(record)
                            yield record
            except OSError:
                self.counts.bad += 1

    def _read(self, data: bytes, key: bytes) -> list[bytes]:
        """The records of a bundle that a key has there; the others may be asked for next."""
        found: list[bytes] = []
        if _digest(data[_DIGEST:]) != data[:_DIGEST]:
            self.counts.bad += 1
            return found
        if len(self._ahead) > _MOST_AHEAD:
            self._ahead.clear()
        at = _DIGEST
        while at < len(data):
            of_key, of_record = _RECORD.unpack_from(data, at)
            at += _RECORD.size + of_key
            name, record = data[at - of_key : at], data[at : at + of_record]
            at += of_record
            if name == key:
                found.append(record)
            else:
                self._ahead[name] = record
        return found

    def add(self, key: bytes, body: bytes) -> None:
        """Have it found when some more are added, or by `flush`; or not, if that cannot be."""
        self._become_owner()
        if self._failures >= _PATIENCE or len(key) + len(body) > self._room // 2:
            self.counts.refused += 1
            return
        self._waiting.append((key, body))
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
            while bundle := self._bundle():
                if not self._write(bundle):
                    raise OSError("no place")
                del self._waiting[: len(bundle)]
                self.counts.written += len(bundle)
                self._failures = 0
        except OSError:
            self._failures += 1
            self._give_up()
        finally:
            self._release()

    def _bundle(self) -> Bundle:
        """The first of those that wait."""
        bundle: list[tuple[bytes, bytes]] = []
        size = 0
        for key, body in self._waiting[:_TOGETHER]:
            size += _RECORD.size + len(key) + len(body)
            if bundle and size > self._room:
                break
            bundle.append((key, body))
        return tuple(bundle)

    def _write(self, bundle: Bundle) -> bool:
        if self._add_to_last(bundle):
            return True
        self._look()
        if self._add_to_last(bundle):
            return True
        self._begin()
        return self._add_to_last(bundle)

    def _add_to_last(self, bundle: Bundle) -> bool:
        last = self._segments.get(max(self._segments, default=0))
        return last is not None and last.add(bundle, self._most)

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
        self._ahead.clear()
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


def _place(key: bytes) -> bytes:
    """Where to look for it in a table, and what it is called there."""
    return blake2b(key, digest_size=16).digest()


def _packed(bundle: Bundle) -> bytes:
    """With its digest."""
    parts = (_RECORD.pack(len(key), len(body)) + key + body for key, body in bundle)
    data = b"".join(parts)
    return _digest(data) + data


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=_DIGEST).digest()


def _is_ours(file: int, *, regular: bool = False) -> bool:
    """This user's, and nobody else may write to it."""
    found = os.fstat(file)
    kind = stat.S_ISREG(found.st_mode) or not regular
    return kind and found.st_uid == os.geteuid() and not found.st_mode & 0o022
