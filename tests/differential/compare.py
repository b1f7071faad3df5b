"""Differences between two states, and which instruction of a case made them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from emu import isa

from .block import State
from .exceptions import forgive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .runners import Case, Runner


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


def mnemonic(word: int) -> str:
    instruction = isa.instruction_of(word)
    return ".long" if instruction is None else instruction.mnemonic


@dataclass(frozen=True, slots=True)
class Finding:
    """A case that ends differently, cut behind the first instruction that makes it so."""

    case: Case
    found: tuple[Difference, ...]

    def __str__(self) -> str:
        text = "; ".join(f"{mnemonic(word)} {word:#010x}" for word in self.case.words)
        state = self.case.state
        head = f"{text}: fpscr {state.fpscr:#x} xer {state.xer:#x} cr {state.cr:#x}"
        return "\n  ".join((head, *map(str, self.found)))


def _finding(beginning: Case, there: State, here: State) -> Finding | None:
    """By its last instruction, whose differences alone the exceptions may forgive."""
    forgiven = forgive(beginning.words[-1], beginning.state, there, here)
    found = tuple(differences(beginning.state, there, forgiven))
    return Finding(beginning, found) if found else None


def shortest(theirs: Runner, ours: Runner, case: Case) -> Finding | None:
    """The first of the case's beginnings that ends differently beyond the exceptions; or None."""
    cases = [case.first(count) for count in range(1, len(case.words) + 1)]
    # A case's addresses are those of its slot, so each beginning runs in the same one.
    for beginning in cases:
        there, here = theirs.run([beginning])[0], ours.run([beginning])[0]
        if there != here:
            # What is undefined must not go on into the next instruction.
            return _finding(beginning, there, here)
    return None


def findings(theirs: Runner, ours: Runner, cases: list[Case]) -> Iterator[Finding]:
    pairs = zip(cases, theirs.run(cases), ours.run(cases), strict=True)
    for case, there, here in pairs:
        if there == here:
            continue
        if len(case.words) == 1 and _finding(case, there, here) is None:
            continue
        if (finding := shortest(theirs, ours, case)) is not None:  # alone, if need be
            yield finding
