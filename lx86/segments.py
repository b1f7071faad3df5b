"""Segment descriptors, as the tables of a 64-bit Linux kernel have them for a 32-bit program.

A descriptor is two words (SDM volume 3, 3.4.5); bits are numbered from the lowest.
"""

from __future__ import annotations

from dataclasses import dataclass

LDT_ENTRIES = 8192
_CODE_OR_DATA, _CODE, _CONFORMING, _READABLE_OR_WRITABLE = 1 << 12, 1 << 11, 1 << 10, 1 << 9
_PRESENT, _LONG, _BIG, _PAGES = 1 << 15, 1 << 21, 1 << 22, 1 << 23
_LEVEL = 3 << 13


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One entry of a table."""

    low: int
    high: int

    @property
    def base(self) -> int:
        return self.low >> 16 | (self.high & 0xFF) << 16 | self.high & 0xFF00_0000

    @property
    def limit(self) -> int:
        """As the descriptor has it: bytes, or pages."""
        return self.low & 0xFFFF | self.high & 0xF_0000

    @property
    def last(self) -> int:
        """The segment's last byte: what LSL gives."""
        return self.limit << 12 | 0xFFF if self.high & _PAGES else self.limit

    @property
    def rights(self) -> int:
        """What LAR gives."""
        return self.high & 0x00F0_FF00

    @property
    def present(self) -> bool:
        return bool(self.high & _PRESENT)

    @property
    def big(self) -> bool:
        """32-bit code, or a stack that ESP counts."""
        return bool(self.high & _BIG)

    @property
    def is_code(self) -> bool:
        """Code that a 32-bit program can go to."""
        return bool(self.high & _CODE) and not self.high & _LONG

    @property
    def readable(self) -> bool:
        return not self.high & _CODE or bool(self.high & _READABLE_OR_WRITABLE)

    @property
    def writable(self) -> bool:
        return not self.high & _CODE and bool(self.high & _READABLE_OR_WRITABLE)

    def packed(self) -> bytes:
        return self.low.to_bytes(4, "little") + self.high.to_bytes(4, "little")

    # -- struct user_desc (Linux arch/x86/include/uapi/asm/ldt.h) ----------------------------

    @classmethod
    def of_user(cls, base: int, limit: int, flags: int) -> Descriptor:
        """What `modify_ldt` and `set_thread_area` make of it."""
        kind = (flags >> 3 & 1 ^ 1) << 1 | (flags >> 1 & 3) << 2 | 1
        high = base & 0xFF00_0000 | base >> 16 & 0xFF | limit & 0xF_0000
        high |= kind << 8 | _CODE_OR_DATA | _LEVEL
        high |= 0 if flags >> 5 & 1 else _PRESENT
        high |= (flags >> 6 & 1) << 20 | (flags & 1) << 22 | (flags >> 4 & 1) << 23
        return cls(base << 16 & 0xFFFF_0000 | limit & 0xFFFF, high)

    @property
    def user_flags(self) -> int:
        kind, high = self.high >> 8, self.high
        flags = high >> 22 & 1 | (kind >> 2 & 3) << 1 | (kind >> 1 & 1 ^ 1) << 3
        return flags | (high >> 23 & 1) << 4 | (not self.present) << 5 | (high >> 20 & 1) << 6


GLOBAL = {
    4: Descriptor(0x0000_FFFF, 0x00CF_FB00),
    5: Descriptor(0x0000_FFFF, 0x00CF_F300),
    6: Descriptor(0x0000_FFFF, 0x00AF_FB00),
}
"""32-bit code, data, 64-bit code: the entries that privilege level 3 may see."""
