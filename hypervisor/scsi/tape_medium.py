"""What a tape is to a drive: blocks of any length and filemarks, one behind the other.

Both are *objects*, counted from 0 as READ POSITION counts them.  Writing an object takes away all
that was behind it.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Protocol

from .backing import BackingError

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_CAPACITY = 1 << 40
"""Bytes that go on a tape."""
MOST_OBJECTS = 1 << 22
"""Of one tape: what the host remembers of each is bounded."""


_FILEMARK = 4
"""Bytes that one takes."""


class TapeMedium(Protocol):
    """A tape.  All methods but `close` may raise `BackingError`."""

    @property
    def read_only(self) -> bool: ...
    @property
    def capacity(self) -> int:
        """Bytes that go on it."""

    @property
    def used(self) -> int:
        """Bytes up to the end of data."""

    @property
    def damaged(self) -> bool:
        """Whether there is something behind the last object that cannot be read."""

    @property
    def filemarks(self) -> Sequence[int]:
        """Which objects are filemarks, ascending."""

    def __len__(self) -> int:
        """How many objects there are."""

    def read(self, place: int, most: int) -> tuple[bytes, int]:
        """The first bytes of a block, `most` of them at most, and its whole length."""

    def write(self, place: int, blocks: Sequence[bytes]) -> None:
        """Put blocks at `place`, where the tape ends from here on; an empty one is a filemark.

        When it fails nothing of them is there.
        """

    def erase(self, place: int) -> None:
        """The tape ends at `place`."""

    def flush(self) -> None:
        """Return when all that was written would survive a power failure."""

    def close(self) -> None: ...


def marks_before(medium: TapeMedium, place: int) -> int:
    """How many filemarks there are before `place`."""
    return bisect_left(medium.filemarks, place)


def near_end(medium: TapeMedium) -> bool:
    """Whether the end of the tape is to be warned of: in its last sixteenth."""
    return medium.used >= medium.capacity - medium.capacity // 16


class BlankTape:
    """A tape in the host's memory, for tests."""

    def __init__(self, capacity: int = 1 << 20) -> None:
        self.read_only, self.capacity, self.damaged = False, capacity, False
        self.flushed = 0
        self._blocks: list[bytes] = []

    @property
    def used(self) -> int:
        return sum(len(block) or _FILEMARK for block in self._blocks)

    @property
    def filemarks(self) -> Sequence[int]:
        return [place for place, block in enumerate(self._blocks) if not block]

    def __len__(self) -> int:
        return len(self._blocks)

    def read(self, place: int, most: int) -> tuple[bytes, int]:
        block = self._blocks[place]
        return block[:most], len(block)

    def write(self, place: int, blocks: Sequence[bytes]) -> None:
        self.erase(place)
        if self.used + sum(len(block) or _FILEMARK for block in blocks) > self.capacity:
            raise BackingError("the tape is full", full=True)
        self._blocks += blocks

    def erase(self, place: int) -> None:
        del self._blocks[place:]

    def flush(self) -> None:
        self.flushed = len(self._blocks)

    def close(self) -> None:
        self._blocks.clear()
