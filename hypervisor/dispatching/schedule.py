"""What is recorded of the dispatcher's work: who had which core from when to when, and why."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from emu.values import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .records import Preemption, Wake

KEPT = 100_000
"""Dispatches that are kept in storage; older ones go."""


@frozen
class Dispatch:
    """Virtual processor `processor` of partition number `partition` had `core`."""

    core: int
    partition: int
    processor: int
    start: int
    """Time base."""
    end: int
    reason: Wake
    preemption: Preemption


class Follower(Protocol):
    """Is told each dispatch once it is over, such as a file."""

    def over(self, dispatch: Dispatch) -> None: ...


class Schedule:
    """The last dispatches, in the order they ended on each core."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept: deque[Dispatch] = deque(maxlen=kept)
        self.followers: list[Follower] = []

    def __iter__(self) -> Iterator[Dispatch]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, dispatches: list[Dispatch]) -> None:
        self._kept.extend(dispatches)
        for follower in self.followers:
            for dispatch in dispatches:
                follower.over(dispatch)
