"""Random blocks by number, translated and on this host's processor: a range of them at a time.

A block's number, its kind and its bits say all of it, its states too.
"""

from __future__ import annotations

import gc
import signal
import tempfile
from array import array
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from lx86.architecture import I386, X86_64, Architecture
from lx86.decoder import decode
from lx86.options import GRADUAL, Options

from . import loops, many, pieces, pieces64
from .fpu import native
from .fpu.sequences import compared as floating_compared
from .fpu.sequences import sequence
from .fpu.translated import Translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHUNK = 4000
"""So many numbers, from a multiple of it on, are compared by one translator."""
KINDS = ("integer", "loops", "x87", "simd")
RUNS = {"integer": 4, "loops": 4, "x87": 2, "simd": 4}
"""How many states a block is compared with."""
ARCHITECTURES = {architecture.bits: architecture for architecture in (I386, X86_64)}
_PIECE = {
    ("integer", I386): pieces.case, ("integer", X86_64): pieces64.case,
    ("loops", I386): loops.case, ("loops", X86_64): loops.case64,
}  # fmt: skip
_LOOKED_AGAIN = 10
"""So many blocks that differ are looked at alone, too."""
_SEVEN = ("integer",) * 7
_PATTERN = (*_SEVEN, "simd", *_SEVEN, "simd", *_SEVEN, "simd", *_SEVEN, "x87")


def kind_of(number: int) -> str:
    """The kind of a block where all but loops are compared: an eighth are of floating point."""
    return _PATTERN[number // CHUNK % len(_PATTERN)]


@dataclass(frozen=True, slots=True)
class Range:
    """Blocks of one kind, within one chunk."""

    bits: int
    kind: str
    start: int
    end: int

    @property
    def architecture(self) -> Architecture:
        return ARCHITECTURES[self.bits]


def ranges(bits: int, kind: str, start: int, count: int) -> Iterator[Range]:
    """`kind`: one of `KINDS`, or `all`."""
    end = start + count
    while start < end:
        following = min(end, start - start % CHUNK + CHUNK)
        yield Range(bits, kind_of(start) if kind == "all" else kind, start, following)
        start = following


@dataclass(frozen=True, slots=True)
class Compared:
    """What comparing a range gave."""

    range: Range
    runs: int
    """Of all blocks together."""
    codes: array[int] = field(default_factory=lambda: array("Q"))
    """A digest of each code, once each."""
    differences: list[str] = field(default_factory=list)


def begin() -> None:
    """In a process that will compare and do nothing else."""
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever began this will end it
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def compare(blocks: Range) -> Compared:
    """Compare every block of a range, with each of its states."""
    gc.disable()  # hardly anything that is made along the way refers to itself
    try:
        numbers = range(blocks.start, blocks.end)
        if (blocks.kind, blocks.architecture) in _PIECE:
            codes, found = _integer(blocks, numbers)
        else:
            codes, found = _floating(blocks, numbers)
        told = [_told(blocks, numbers[n], codes[n], what, alone=alone) for n, what, alone in found]
        digests = {blake2b(code, digest_size=8).digest() for code in codes}
        return Compared(
            blocks, len(numbers) * RUNS[blocks.kind], array("Q", b"".join(digests)), told
        )
    finally:
        gc.enable()


_Found = list[tuple[int, str, bool]]
"""Places in a list of blocks, what differs, and whether it does when the block is alone."""


def _each_alone(
    found: list[tuple[int, str]], alone: Callable[[int], list[tuple[int, str]]]
) -> _Found:
    return [
        (place, what, n < _LOOKED_AGAIN and bool(alone(place)))
        for n, (place, what) in enumerate(found)
    ]


def options(blocks: Range) -> Options:
    """How blocks of that chunk are translated: for much use of them or for little."""
    chosen = replace(GRADUAL, often=3) if blocks.start // CHUNK % 2 else Options()
    # Each is branched to by a register.
    return replace(chosen, exact_flags=True, architecture=blocks.architecture)


def _integer(blocks: Range, numbers: range) -> tuple[list[bytes], _Found]:
    written = [_PIECE[blocks.kind, blocks.architecture](number) for number in numbers]
    runs, how = RUNS[blocks.kind], options(blocks)

    def differences(first: int, end: int) -> list[tuple[int, str]]:
        places = slice(first, end)
        found, ended = many.differences(written[places], runs, how, numbers[places])
        if not ended:
            return [(first + place, what) for place, what in found]
        if end - first == 1:
            return [(first, ended)]
        middle = (first + end) // 2  # those behind it were not compared
        halves = differences(first, middle) + differences(middle, end)
        return halves or [(end - 1, f"{ended}, or one before it")]

    found = differences(0, len(written))
    alone = _each_alone(found, lambda place: differences(place, place + 1))
    return [piece.code for piece in written], alone


@cache
def _directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="lx86-oracle-")


@cache
def processor(architecture: Architecture) -> Path:
    """The program that carries out sequences on this host's processor."""
    return native.build(Path(_directory().name), architecture)


def _floating(blocks: Range, numbers: range) -> tuple[list[bytes], _Found]:
    kind, architecture = blocks.kind, blocks.architecture
    written = [sequence(number, kind, architecture, RUNS[kind]) for number in numbers]

    def differences(some: list[list[native.Case]]) -> list[tuple[int, str]]:
        machine = Translated(architecture=architecture)
        try:
            return list(floating_compared(processor(architecture), kind, some, machine))
        finally:
            machine.close()

    found = _each_alone(differences(written), lambda place: differences([written[place]]))
    return [states[0].code for states in written], found


def _told(blocks: Range, number: int, code: bytes, what: str, *, alone: bool) -> str:
    """One difference: which block, its code, and how to see it again."""
    first, count = (number, 1) if alone else (blocks.start, number + 1 - blocks.start)
    lines = [f"{blocks.bits} bits, {blocks.kind} block {number}: {what}"]
    at = 0
    while at < len(code):
        i = decode(code[at : at + 15], at, long=blocks.architecture.long)
        lines.append(f"    {code[at : at + i.length].hex():22} {i}")
        at += i.length
    lines.append(
        f"    again: python -m tests.lx86.random_blocks --bits {blocks.bits} "
        f"--kind {blocks.kind} --from {first} --count {count}"
    )
    return "\n".join(lines)
