"""What the translator may do, and how a lowering says that it cannot."""

from __future__ import annotations

from dataclasses import dataclass


class NotTranslated(Exception):  # noqa: N818
    """A lowering does not know this form of its instruction, and has emitted nothing."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the translator may do; each switch is there to study what a pass is worth."""

    lazy_values: bool = True
    """Copies, constants and additions of constants wait until they are needed."""
    forward_words: bool = True
    """A load of what is known to be in storage is no load."""
    reuse_sums: bool = True
    """Computed addresses are kept."""
    inline_calls: bool = True
    """Small functions are translated where they are called."""
    exact_flags: bool = False
    """Flags are kept where a branch goes through a register; else they are taken as dead there."""
    flush_to_zero: bool = False
    """MXCSR.FZ is set: results of SSE that underflow trap, with their operands in place."""
    exact_sse: bool = False
    """SSE has unmasked exceptions: the host carries out its arithmetic."""
    longest_region: int = 400
    """x86 instructions."""
    first_region: int = 0
    """So many at first sight, on ways that lead forward; 0: there is no difference."""
    often: int = 256
    """What is entered so many times is translated again, with all its region."""
    base: int = 0
    """What R27 holds; 0: nothing yet."""
    constants: tuple[int, ...] = ()
    """What R24 and those behind it hold."""
    most_lent: int = 3
    """So many x86 registers may have their values in temporaries between instructions."""
    pin_constants: bool = True
    """Constants used in loops are put there, first come, first served."""


GRADUAL = Options(first_region=24)
"""For programs of which most is executed once or twice."""
