"""Differences between two states, and which instruction of a case made them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from emu.disassembler import disassemble

from .block import State
from .runners import Case

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .runners import Runner


@dataclass(frozen=True, slots=True)
class Difference:
    """One register or piece of data that two runs left different."""

    what: str
    before: str
    theirs: str
    ours: str

    def __str__(self) -> str:
        return f"{self.what}: {self.before} became {self.theirs} there, {self.ours} here"


def differences(before: State, theirs: State, ours: State) -> Iterator[Difference]:
    for field in fields(State):
        name = field.name
        was, there, here = (getattr(state, name) for state in (before, theirs, ours))
        if there == here:
            continue
        if isinstance(here, list):
            for n, (a, b, c) in enumerate(zip(was, there, here, strict=True)):
                if b != c:
                    yield Difference(f"{name}{n}", f"{a:#x}", f"{b:#x}", f"{c:#x}")
        elif isinstance(here, bytes):
            for n in range(0, len(here), 16):
                a, b, c = (state[n : n + 16] for state in (was, there, here))
                if b != c:
                    yield Difference(f"data+{n}", a.hex(), b.hex(), c.hex())
        else:
            yield Difference(name, f"{was:#x}", f"{there:#x}", f"{here:#x}")


@dataclass(frozen=True, slots=True)
class Finding:
    """A case that ends differently, cut behind the first instruction that makes it so."""

    case: Case
    found: tuple[Difference, ...]

    @property
    def mnemonic(self) -> str:
        """The instruction that made the difference."""
        last = self.case.words[-1].to_bytes(4, "big")
        return next(disassemble(last)).mnemonic

    def __str__(self) -> str:
        code = b"".join(word.to_bytes(4, "big") for word in self.case.words)
        text = "; ".join(f"{i.text} ({i.word:#010x})" for i in disassemble(code))
        state = self.case.state
        head = f"{text}\n  fpscr {state.fpscr:#x} xer {state.xer:#x} cr {state.cr:#x}"
        return "\n  ".join((head, *map(str, self.found)))


def shortest(theirs: Runner, ours: Runner, case: Case) -> Finding | None:
    """The first of the case's beginnings that ends differently; None if none does."""
    cases = [case.first(count) for count in range(1, len(case.words) + 1)]
    pairs = zip(cases, theirs.run(cases), ours.run(cases), strict=True)
    for beginning, there, here in pairs:
        found = tuple(differences(beginning.state, there, here))
        if found:
            return Finding(beginning, found)
    return None
