"""What was executed, to the instruction: of each node of each block, how often, and what it took.

The engine counts each word of code (`emu.tracing.WordCounts`).  A node is executed as often as its
first word, which with `Options.marked` is its own.  Where code is left in the midst of a node, what
stands behind that is taken off again: `Profile` is told by the `TranslatingCpu`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from ..left import Left

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..block import Block, Piece
    from ..node import Key, Node
    from ..translating_cpu import TranslatingCpu

_PAGE_WORDS = 1024
_ENDS = {16, 17, 18}
"""Primary opcodes that end a block of the engine's; and of 19 those that branch."""
_BRANCHES = {16, 528, 560}


@dataclass(slots=True)
class NodeCounts:
    """One node of one block."""

    node: Node
    executions: int = 0
    x86: int = 0
    """Instructions executed; a repeated one is one."""
    power: int = 0


@dataclass(slots=True)
class BlockCounts:
    executions: int
    """Of its first instruction, as often as a loop leads there, too."""
    nodes: list[NodeCounts]

    @property
    def x86(self) -> int:
        return sum(node.x86 for node in self.nodes)

    @property
    def power(self) -> int:
        return sum(node.power for node in self.nodes)


@dataclass(slots=True)
class Hot:
    """Code at one address, in whatever block and context."""

    instructions: int
    """The most that were translated as one node."""
    executions: int = 0
    x86: int = 0
    power: int = 0


@dataclass(slots=True)
class Executed:
    """What one program executed, by x86 address; addresses are linear."""

    nodes: dict[int, Hot] = field(default_factory=dict)
    instructions: Counter[int] = field(default_factory=Counter)
    lengths: dict[int, int] = field(default_factory=dict)
    """Bytes of these instructions."""

    @property
    def x86(self) -> int:
        return sum(self.instructions.values())

    @property
    def power(self) -> int:
        return sum(hot.power for hot in self.nodes.values())

    def hottest(self, most: int) -> list[tuple[int, Hot]]:
        """Addresses whose code took most POWER instructions."""
        ranked = sorted(self.nodes.items(), key=lambda item: (-item[1].power, item[0]))
        return [(eip, hot) for eip, hot in ranked[:most] if hot.power]


@dataclass(slots=True)
class _Corrections:
    left: Counter[tuple[Key, int]] = field(default_factory=Counter)
    """So often code was left before this instruction of a node, by its position."""
    words: Counter[int] = field(default_factory=Counter)
    """So often counted though they did not run."""


class Profile:
    """Counts what `cpu` executes from now on; its translator marks nodes (`Options.marked`)."""

    def __init__(self, cpu: TranslatingCpu) -> None:
        assert cpu.translator.options.marked
        self._counts = cpu.machine.count_words()
        self._cache = cpu.cache
        self._corrections: dict[Block, _Corrections] = {}
        self.programs = [Executed()]
        """The programs of the process, one after another."""
        self.on_counted: Callable[[Block, BlockCounts], None] | None = None
        """Is shown each block when it goes, or at the end."""
        cpu.cache.on_evict = self._take
        cpu.study = self

    def finish(self) -> None:
        """The end: take what is there."""
        for block in self._cache.blocks:
            self._take(block)

    # -- what the processor tells ----------------------------------------------------------

    def program_begins(self) -> None:
        if self.programs[-1].nodes:
            self.programs.append(Executed())

    def left(self, address: int, eip: int, how: Left) -> None:
        block = self._cache.block_at(address)
        if block is None:
            return
        corrections = self._corrections.setdefault(block, _Corrections())
        index = block.index_of(address)
        if how is Left.INTERRUPTED:
            corrections.words.update(_rest(block, index))
        piece = next(piece for piece in reversed(block.pieces) if piece.at <= index)
        if how is Left.PREEMPTED and piece.head and index == piece.at:
            return  # the node has not begun
        for position, i in enumerate(piece.node.instructions):
            if i.address == eip:
                corrections.left[piece.node.key, position] += 1

    # -- counts ----------------------------------------------------------------------------

    def _take(self, block: Block) -> None:
        words = len(block.code) // 4
        ran = self._counts.of(block.address, words)
        self._counts.forget(block.address, words)
        corrections = self._corrections.pop(block, None) or _Corrections()
        for index, count in corrections.words.items():
            ran[index] -= count
        counts = self._attribute(block, ran, corrections.left)
        if self.on_counted:
            self.on_counted(block, counts)

    def _attribute(
        self, block: Block, ran: list[int], left: Counter[tuple[Key, int]]
    ) -> BlockCounts:
        program = self.programs[-1]
        found: dict[int, NodeCounts] = {}
        for piece, end in _spans(block, len(ran)):
            node = piece.node
            counts = found.setdefault(id(node), NodeCounts(node))
            power = sum(ran[piece.at : end])
            counts.power += power
            hot = program.nodes.setdefault(node.eip, Hot(len(node.instructions)))
            hot.power += power
            if not piece.head:
                continue
            executions = ran[piece.at]
            counts.executions += executions
            hot.executions += executions
            hot.instructions = max(hot.instructions, len(node.instructions))
            for position, i in enumerate(node.instructions):
                executions -= left[node.key, position]
                if executions:
                    counts.x86 += executions
                    hot.x86 += executions
                    program.instructions[i.address] += executions
                    program.lengths[i.address] = i.length
        nodes = list(found.values())
        return BlockCounts(nodes[0].executions if nodes else 0, nodes)


def _spans(block: Block, words: int) -> Iterator[tuple[Piece, int]]:
    """Each piece, and where it ends."""
    for piece, following in pairwise((*block.pieces, None)):
        assert piece is not None
        yield piece, following.at if following else words


def _rest(block: Block, index: int) -> Iterator[int]:
    """The words that the engine counts with an instruction, and that it has not run if that fails.

    They end with the first branch, or with the page.
    """
    at = block.address // 4
    while True:
        word = int.from_bytes(block.code[4 * index : 4 * index + 4], "little")
        opcode = word >> 26
        if opcode in _ENDS or (opcode == 19 and word >> 1 & 0x3FF in _BRANCHES):
            return
        index += 1
        if (at + index) % _PAGE_WORDS == 0 or 4 * index >= len(block.code):
            return
        yield index
