"""What differs between the two instruction sets that are translated: i386 and x86-64.

All else is one: `Architecture` is asked wherever a word's size or the number of registers matters.
"""

from __future__ import annotations

from dataclasses import dataclass

_EIGHT = ("eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi")


@dataclass(frozen=True, slots=True)
class Architecture:
    """`word` is in bytes; `registers` are fields of `X86State` by their numbers in ModRM."""

    name: str
    word: int
    registers: tuple[str, ...]
    code_selector: int
    """CS of an ordinary program; those of data are the same in both."""

    @property
    def long(self) -> bool:
        """64-bit mode."""
        return self.word == 8

    @property
    def bits(self) -> int:
        """Of a word."""
        return 8 * self.word

    @property
    def mask(self) -> int:
        """All ones in a word."""
        return (1 << 8 * self.word) - 1

    @property
    def vectors(self) -> int:
        """How many XMM registers there are."""
        return len(self.registers)


I386 = Architecture("i386", 4, _EIGHT, 0x23)
X86_64 = Architecture("x86-64", 8, (*_EIGHT, *(f"r{n}" for n in range(8, 16))), 0x33)
