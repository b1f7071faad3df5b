"""A radix tree of the processor's (Power ISA III 6.7.10): where addresses lead, and for what.

Its leaves are as large as what they stand for lets them be, and a node below the root is there as
long as one of its entries differs from a larger leaf: large pieces of an address space cost little.
"""

from __future__ import annotations

import sys
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emu.translation import PageDirectoryEntry, PageTableEntry, ProcessTableEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PAGE_BITS = 12
LEAF = (
    PageTableEntry.VALID.place(1)
    | PageTableEntry.LEAF.place(1)
    | PageTableEntry.REFERENCE.place(1)
    | PageTableEntry.CHANGE.place(1)
)
READ, WRITE = PageTableEntry.READ.place(1), PageTableEntry.WRITE.place(1)
EXECUTE, PRIVILEGED = PageTableEntry.EXECUTE.place(1), PageTableEntry.PRIVILEGED.place(1)
_SMALLEST_TREE = 31


class Tables:
    """Storage that nodes are made in, from `first` on; `held` gives bytes of it by real address."""

    def __init__(self, held: Callable[[int, int], memoryview], first: int) -> None:
        self._held, self._next = held, first
        self._free: dict[int, list[int]] = {}

    def take(self, size: int) -> int:
        """The address of zeros, a multiple of `size`, which is a power of two."""
        if free := self._free.get(size):
            address = free.pop()
            self._held(address, size)[:] = bytes(size)
            return address
        address = self._next + size - 1 & -size
        self._next = address + size
        return address

    def give(self, address: int, size: int) -> None:
        """What was taken."""
        self._free.setdefault(size, []).append(address)

    def write(self, address: int, entries: Sequence[int]) -> None:
        words = array("Q", entries)
        if sys.byteorder == "little":
            words.byteswap()
        self._held(address, 8 * len(words))[:] = words.tobytes()

    def is_empty(self, address: int, size: int) -> bool:
        """Whether there is nothing but zeros."""
        return bytes(self._held(address, size)) == bytes(size)

    def read(self, address: int) -> int:
        return int.from_bytes(self._held(address, 8), "big")


@dataclass(slots=True)
class _Node:
    address: int
    children: dict[int, _Node] = field(default_factory=dict)


class PageTree:
    """`shape`: of how many bits of an address each level takes care, from the root on."""

    def __init__(self, tables: Tables, shape: tuple[int, ...]) -> None:
        self._tables, self._shape = tables, shape
        self._shifts = [PAGE_BITS + sum(shape[n + 1 :]) for n in range(len(shape))]
        self._root = _Node(tables.take(8 << shape[0]))

    @property
    def entry(self) -> int:
        """What leads to it from the process table."""
        size = PAGE_BITS + sum(self._shape) - _SMALLEST_TREE
        return (
            ProcessTableEntry.RTS1.place(size >> 3) | ProcessTableEntry.RTS2.place(size & 7)
            | ProcessTableEntry.RPDB.place(self._root.address >> 8)
            | ProcessTableEntry.RPDS.place(self._shape[0])
        )  # fmt: skip

    def lead(self, start: int, end: int, distance: int, leaf: int) -> None:
        """The pages from `start` to before `end` are storage that begins `distance` further on.

        `leaf`: `LEAF` and what one may do there, or 0: nothing is there.
        """
        self._lead(self._root, 0, 0, (start, end), distance, leaf)

    def _lead(
        self, node: _Node, level: int, base: int, piece: tuple[int, int], distance: int, leaf: int
    ) -> None:
        shift = self._shifts[level]
        start, end = piece
        whole = not leaf or not distance & (1 << shift) - 1
        while start < end:
            n = start - base >> shift
            low = base + (n << shift)
            count = end - start >> shift if whole and start == low else 0
            if count:
                self._replace(node, level, n, count)
                first = start + distance | leaf if leaf else 0
                step = 1 << shift if leaf else 0
                self._write(node, n, [first + k * step for k in range(count)])
                start += count << shift
                continue
            until = min(end, low + (1 << shift))
            child = self._child(node, level, n, leaf)
            if child is not None:
                self._lead(child, level + 1, low, (start, until), distance, leaf)
                if not leaf and self._tables.is_empty(child.address, 8 << self._shape[level + 1]):
                    self._replace(node, level, n, 1)
                    self._write(node, n, [0])
            start = until

    def _child(self, node: _Node, level: int, n: int, leaf: int) -> _Node | None:
        """The node below an entry; None: there is nothing, and there is to be nothing."""
        child = node.children.get(n)
        if child is not None:
            return child
        large = self._tables.read(node.address + 8 * n)
        if not large and not leaf:
            return None
        bits = self._shape[level + 1]
        child = node.children[n] = _Node(self._tables.take(8 << bits))
        if large:
            step = 1 << self._shifts[level + 1]
            self._write(child, 0, [large + k * step for k in range(1 << bits)])
        directory = PageDirectoryEntry.VALID.place(1) | PageDirectoryEntry.NLS.place(bits)
        self._write(node, n, [directory | PageDirectoryEntry.NLB.place(child.address >> 8)])
        return child

    def _replace(self, node: _Node, level: int, n: int, count: int) -> None:
        """Give back the nodes below these entries."""
        if not node.children:
            return
        for number in [k for k in node.children if n <= k < n + count]:
            child = node.children.pop(number)
            self._replace(child, level + 1, 0, 1 << self._shape[level + 1])
            self._tables.give(child.address, 8 << self._shape[level + 1])

    def _write(self, node: _Node, n: int, entries: Sequence[int]) -> None:
        self._tables.write(node.address + 8 * n, entries)
