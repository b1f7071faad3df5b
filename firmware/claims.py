"""Which storage the client program and firmware have claimed (IEEE 1275 6.3.2.4).

Addresses are real; only what 32-bit cells can name is given out.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CLAIM_LIMIT = 4096
"""Ranges a client may hold at a time."""
ADDRESS_LIMIT = 1 << 32


class ClaimError(Exception):
    """A range cannot be claimed or released; the message says why."""


@dataclass(frozen=True, slots=True, order=True)
class Range:
    base: int
    size: int

    @property
    def end(self) -> int:
        return self.base + self.size


class Claims:
    """The claimed ranges of storage of `size` bytes, of which none overlap."""

    def __init__(self, size: int) -> None:
        self._limit = min(size, ADDRESS_LIMIT)
        self._ranges: list[Range] = []

    def __iter__(self) -> Iterator[Range]:
        return iter(self._ranges)

    def available(self) -> Iterator[Range]:
        """What nobody has claimed, in ascending order."""
        base = 0
        for claimed in self._ranges:
            if claimed.base > base:
                yield Range(base, claimed.base - base)
            base = claimed.end
        if base < self._limit:
            yield Range(base, self._limit - base)

    def claim_at(self, base: int, size: int) -> int:
        """Claim exactly `size` bytes at `base`; gives `base`."""
        wanted = self._checked(base, size)
        for claimed in self._ranges:
            if wanted.base < claimed.end and claimed.base < wanted.end:
                raise ClaimError(
                    f"{size:#x} bytes at {base:#x} overlap those claimed at {claimed.base:#x}"
                )
        insort(self._ranges, wanted)
        return base

    def claim(self, size: int, alignment: int) -> int:
        """Claim the lowest free `size` bytes at a multiple of `alignment`, a power of two."""
        if alignment <= 0 or alignment.bit_count() != 1:
            raise ClaimError(f"alignment {alignment:#x}: a power of two is needed")
        self._checked(0, size)
        for free in self.available():
            base = -(-free.base // alignment) * alignment
            if base + size <= free.end:
                insort(self._ranges, Range(base, size))
                return base
        raise ClaimError(f"no {size:#x} bytes are free")

    def release(self, base: int, size: int) -> None:
        """Give back `size` bytes at `base`, which one claim must hold."""
        given = self._checked(base, size)
        for n, claimed in enumerate(self._ranges):
            if claimed.base <= given.base and given.end <= claimed.end:
                before = Range(claimed.base, given.base - claimed.base)
                behind = Range(given.end, claimed.end - given.end)
                self._ranges[n : n + 1] = [piece for piece in (before, behind) if piece.size]
                return
        raise ClaimError(f"{size:#x} bytes at {base:#x} are not claimed")

    def state(self) -> tuple[Range, ...]:
        return tuple(self._ranges)

    def restore(self, state: tuple[Range, ...]) -> None:
        self._ranges.clear()
        for claimed in state:
            self.claim_at(claimed.base, claimed.size)

    def _checked(self, base: int, size: int) -> Range:
        if size <= 0 or base < 0 or base + size > self._limit:
            raise ClaimError(f"{size:#x} bytes at {base:#x}: the storage ends at {self._limit:#x}")
        if len(self._ranges) >= CLAIM_LIMIT:
            raise ClaimError(f"{CLAIM_LIMIT} ranges are claimed; release one")
        return Range(base, size)
