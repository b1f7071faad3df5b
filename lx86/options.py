"""What the translator may do, and how a lowering says that it cannot."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .architecture import I386, Architecture
from .cpuid import NO_MORE, More

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .cpu import X86State


class NotTranslated(Exception):  # noqa: N818
    """A lowering does not know this form of its instruction, and has emitted nothing."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the translator may do; each switch is there to study what a pass is worth."""

    architecture: Architecture = I386
    """What is translated."""
    more: More = NO_MORE
    """Sets of instructions beyond SSE2 that are there."""
    lazy_values: bool = True
    """Copies, constants and additions of constants wait until they are needed."""
    forward_words: bool = True
    """A load of what is known to be in storage is no load."""
    reuse_sums: bool = True
    """Computed addresses are kept."""
    lazy_halves: bool = True
    """x86-64: the upper half of a register that has 32 bits is made zero when it is needed."""
    known_widths: bool = True
    """Where ways meet it is known which registers hold short numbers."""
    inline_calls: bool = True
    """Small functions are translated where they are called."""
    string_blocks: bool = True
    """Repeated string instructions take 16 bytes at once."""
    look_ahead: bool = True
    """How an instruction is done depends on those behind it."""
    wanted_flags: bool = True
    """Flags that nobody asks for are not computed."""
    exact_flags: bool = False
    """Flags are kept where a branch goes through a register; else they are taken as dead there."""
    flush_to_zero: bool = False
    """MXCSR.FZ is set: results of SSE that underflow trap, with their operands in place."""
    exact_sse: bool = False
    """SSE has unmasked exceptions: the host carries out its arithmetic."""
    whole_stores: bool = False
    """A store that faults has stored nothing, also where it takes two instructions."""
    longest_region: int = 400
    """x86 instructions."""
    first_region: int = 0
    """So many at first sight, on one way that leads forward; 0: there is no difference."""
    often: int = 4096
    """What is entered so many times is translated again, with all its region."""
    base: int = 0
    """What R27 holds; 0: nothing yet."""
    constants: tuple[int, ...] = ()
    """What R24 and those behind it hold."""
    most_lent: int = 3
    """So many x86 registers may have their values in temporaries between instructions."""
    foresee_calls: bool = True
    """A call by a register is translated with the function that it calls now."""
    split_returns: bool = True
    """Each way out of a function that was translated where it is called returns for itself."""
    pin_constants: bool = True
    """Constants used in loops are put there, first come, first served."""
    loop_constants: bool = True
    """Temporaries hold constants throughout a loop."""
    switch_tables: bool = True
    """Where a jump by a table that nobody can write to leads belongs to the region."""
    bases: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Where ES, CS, SS and DS begin.  Addresses of code are linear ones here."""
    code_16: bool = False
    """Code is that of a 16-bit segment."""
    slots: bool = True
    """Branches through registers look into the slots, or else leave to the host."""
    marked: bool = False
    """Each node of a region has a first word of its own, which no loop within it comes to again."""

    def for_segments(self, state: X86State, inline_calls: bool) -> Options:
        """As a state's segments ask for; `inline_calls` where nothing speaks against it."""
        bases, code_16 = state.bases, state.code_16
        if (bases, code_16) == (self.bases, self.code_16):
            return self
        plain = not bases[1]
        return replace(
            self, bases=bases, code_16=code_16, slots=plain, inline_calls=inline_calls and plain
        )

    @property
    def flat(self) -> bool:
        return self.bases == (0, 0, 0, 0)


GRADUAL = Options(first_region=24)
"""For programs of which most is executed once or twice."""

_OFF: dict[str, dict[str, Any]] = {
    **{
        name.replace("_", "-"): {name: False}
        for name in (
            "lazy_values", "lazy_halves", "known_widths", "forward_words", "reuse_sums",
            "inline_calls", "foresee_calls", "split_returns", "pin_constants", "string_blocks",
            "look_ahead", "slots", "loop_constants", "switch_tables",
        )
    },
    "lent-registers": {"most_lent": 0},
    "large-regions": {"longest_region": 7, "first_region": 0},
    "first-regions": {"first_region": 0},
    "wanted-flags": {"wanted_flags": False, "longest_region": 200},  # its code is long
    "dead-flags": {"exact_flags": True},
}  # fmt: skip
PASSES = tuple(_OFF)
"""What can be left out for study, as it is called on a command line."""


def without(options: Options, passes: Iterable[str]) -> Options:
    """`options` without these of `PASSES`."""
    for name in passes:
        options = replace(options, **_OFF[name])
    return options
