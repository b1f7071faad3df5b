"""Tape images: files in the SIMH magnetic tape format, which emulators and tape tools read.

A block is its length, its bytes, made even by a zero, and its length again; lengths are 32 bits,
least significant byte first.  A length of 0 alone is a filemark, 0xFFFFFFFF ends the tape, and
0xFFFFFFFE is a gap.  An empty file is a blank tape.

Everything is appended, so an image whose writer was killed is whole up to its last block.  What
the index needs is found when the tape is loaded; behind a damaged place nothing is read.  Where not
even the first block is one, the file may be anything: it is not used, or it is left as it is.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from array import array
from typing import TYPE_CHECKING

from hypervisor.scsi.backing import BackingError
from hypervisor.scsi.tape_medium import DEFAULT_CAPACITY, MOST_OBJECTS

from .raw_file import MediaError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_WORD = 4
_END, _GAP = 0xFFFFFFFF, 0xFFFFFFFE
_LONGEST = 0x0FFFFFFF
_BAD = 0x8
"""The highest four bits of the length of a block that could not be read when it was copied."""
_EVEN = b"\0"
_VECTORS = 512
"""Pieces of one write."""


class TapeFile:
    """A `TapeMedium` over an image."""

    def __init__(
        self,
        path: Path,
        *,
        read_only: bool = False,
        capacity: int = DEFAULT_CAPACITY,
        unreadable: bool = False,
    ) -> None:
        """Raises `MediaError`; not for an `unreadable` one, of which each use fails then."""
        self.path, self.read_only, self.capacity = path, read_only, capacity
        self.damaged = False
        self._unreadable = ""
        """Why it cannot be used, if that is so."""
        self._objects = array("Q")
        """Where each begins."""
        self._marks = array("Q")
        try:
            self._file = os.open(path, (os.O_RDONLY if read_only else os.O_RDWR) | os.O_CLOEXEC)
        except OSError as wrong:
            remedy = "; touch FILE makes a blank tape" if wrong.errno == errno.ENOENT else ""
            raise MediaError(f"{path}: {wrong.strerror}{remedy}") from None
        try:
            self._lock()
            self._end = self._scan()
            if self._unreadable and not unreadable:
                raise MediaError(self._unreadable)
        except OSError as wrong:
            os.close(self._file)
            raise MediaError(f"{path}: {wrong.strerror}") from None
        except MediaError:
            os.close(self._file)
            raise

    def _lock(self) -> None:
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            raise MediaError(f"{self.path} is no file")
        try:
            fcntl.flock(
                self._file, (fcntl.LOCK_SH if self.read_only else fcntl.LOCK_EX) | fcntl.LOCK_NB
            )
        except BlockingIOError:
            raise MediaError(f"{self.path} is in use; unload it there, or use a copy") from None

    def _scan(self) -> int:
        """Find all objects; where the tape ends."""
        at, size, steps = 0, os.fstat(self._file).st_size, 0
        while at < size and (word := self._word(at)) != _END:
            if (steps := steps + 1) > MOST_OBJECTS:
                raise MediaError(f"{self.path} has more than {MOST_OBJECTS} blocks and gaps")
            if word == _GAP:
                at += _WORD
                continue
            if word == 0:
                self._marks.append(len(self._objects))
                self._objects.append(at)
                at += _WORD
                continue
            behind = self._behind(at, word)
            if behind is None:
                self.damaged = True
                if not at:
                    self._unreadable = f"{self.path} is no tape image, or cut in its first block"
                break
            self._objects.append(at)
            at = behind
        return at

    def _behind(self, at: int, word: int | None) -> int | None:
        """Where the block with this first word ends; None if it is none."""
        if word is None or word >> 28 not in (0, _BAD):
            return None
        length = word & _LONGEST
        last = at + _WORD + length + length % 2
        return last + _WORD if self._word(last) == word else None

    def _word(self, at: int) -> int | None:
        data = os.pread(self._file, _WORD, at)
        return int.from_bytes(data, "little") if len(data) == _WORD else None

    # -- what there is ---------------------------------------------------------------------

    @property
    def used(self) -> int:
        return self._end

    @property
    def warning(self) -> str:
        """What whoever runs the machine is to know of the image; empty if it is whole."""
        if self._unreadable:
            return (
                f"{self._unreadable}: its drive answers medium errors and leaves the file alone; "
                "load another one (pyphyp tape load), or empty the file, which makes a blank tape"
            )
        if self.damaged:
            return (
                f"{self.path} is damaged or cut behind its first {len(self)} blocks and filemarks: "
                "it is read up to there, and what is written there replaces the rest; keep a copy"
            )
        return ""

    @property
    def filemarks(self) -> Sequence[int]:
        return self._marks

    def __len__(self) -> int:
        return len(self._objects)

    def read(self, place: int, most: int) -> tuple[bytes, int]:
        at = self._objects[place]
        try:
            word = self._word(at)
            if word == 0:
                return b"", 0
            if word is None or word >> 28:
                raise BackingError(f"{self.path}: the block at {at} is bad")
            wanted = min(word, most)
            data = os.pread(self._file, wanted, at + _WORD)
        except OSError as wrong:
            raise BackingError(f"{self.path}: {wrong.strerror}") from None
        if len(data) < wanted:  # somebody has cut the file
            raise BackingError(f"{self.path} ends before the end of the block at {at}")
        return data, word

    # -- changing it -----------------------------------------------------------------------

    def write(self, place: int, blocks: Sequence[bytes]) -> None:
        self.erase(place)
        begin = self._end
        if place + len(blocks) > MOST_OBJECTS:
            raise BackingError("the tape is full", full=True)
        if not any(blocks):  # filemarks, of which there may be millions
            starts = array("Q", range(begin, begin + _WORD * len(blocks), _WORD))
            marks = array("Q", range(place, place + len(blocks)))
            pieces, end = [bytes(_WORD * len(blocks))], begin + _WORD * len(blocks)
        else:
            starts, marks, pieces, end = self._laid_out(place, blocks)
        if end > self.capacity:
            raise BackingError("the tape is full", full=True)
        try:
            self._put(begin, pieces)
        except OSError as wrong:
            self.erase(place)
            full = wrong.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            raise BackingError(f"{self.path}: {wrong.strerror}", full=full) from None
        self._objects.extend(starts)
        self._marks.extend(marks)
        self._end = end

    def _laid_out(
        self, place: int, blocks: Sequence[bytes]
    ) -> tuple[array[int], array[int], list[bytes], int]:
        """Where blocks begin, which are filemarks, the bytes of them all, and where they end."""
        starts, marks, pieces, at = array("Q"), array("Q"), list[bytes](), self._end
        for block in blocks:
            if not block:
                marks.append(place + len(starts))
            starts.append(at)
            pieces += _wrapped(block)
            at += _room(block)
        return starts, marks, pieces, at

    def _put(self, at: int, pieces: list[bytes]) -> None:
        for first in range(0, len(pieces), _VECTORS):
            some = pieces[first : first + _VECTORS]
            done, length = os.pwritev(self._file, some, at), sum(map(len, some))
            if done < length:
                rest = memoryview(b"".join(some))[done:]
                while rest:
                    count = os.pwrite(self._file, rest, at + done)
                    rest, done = rest[count:], done + count
            at += length

    def erase(self, place: int) -> None:
        if self._unreadable:
            raise BackingError(self._unreadable)
        end = self._objects[place] if place < len(self._objects) else self._end
        try:
            if os.fstat(self._file).st_size != end:
                os.ftruncate(self._file, end)
        except OSError as wrong:
            raise BackingError(f"{self.path}: {wrong.strerror}") from None
        self._end, self.damaged = end, False
        del self._objects[place:]
        while self._marks and self._marks[-1] >= place:
            self._marks.pop()

    def flush(self) -> None:
        if self.read_only:
            return
        try:
            os.fdatasync(self._file)
        except OSError as wrong:
            raise BackingError(f"{self.path}: {wrong.strerror}") from None

    def close(self) -> None:
        os.close(self._file)


def _wrapped(block: bytes) -> list[bytes]:
    length = len(block).to_bytes(_WORD, "little")
    if not block:
        return [length]
    return [length, block, length] if len(block) % 2 == 0 else [length, block, _EVEN + length]


def _room(block: bytes) -> int:
    """Bytes that a block, or a filemark, has in the file."""
    return 2 * _WORD + len(block) + len(block) % 2 if block else _WORD
