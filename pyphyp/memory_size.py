"""Sizes of storage as people write them: 512M, 1G, 1.5GiB."""

from __future__ import annotations

import re

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
SIZE_PATTERN = r"([0-9]+(?:\.[0-9]+)?) *([KkMmGgTt]?)(?:[Ii]?[Bb])?"
_SIZE = re.compile(SIZE_PATTERN)
PAGE = 64 << 10
"""Storage comes in whole pages of the largest ordinary size."""
SMALLEST = 16 << 20


def byte_count(text: str) -> int:
    """Bytes, of any number; ValueError says what would be right."""
    if not (found := _SIZE.fullmatch(text.strip())):
        raise ValueError(f"{text!r} is no size: 512M or 1.5G, for example, would be")
    return round(float(found[1]) * _UNITS[found[2].upper()])


def memory_size(text: str | int) -> int:
    """Bytes of a partition's storage; ValueError says what would be right."""
    size = byte_count(text) if isinstance(text, str) else text
    if size < SMALLEST or size % PAGE:
        raise ValueError(f"storage of {text}: at least 16M, in whole 64K pages")
    return size
