"""The bytes of one instruction: a word, or a prefix with its suffix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.isa.prefixed import is_prefix

if TYPE_CHECKING:
    from emu.bits import ByteOrder
    from emu.memory import Memory

_WORD = 4


def instruction_bytes(memory: Memory, real: int, order: ByteOrder) -> bytes | None:
    """What lies at the real address, as it lies there; None beyond storage.

    A suffix is in its prefix's page: no prefixed instruction crosses a 64-byte boundary.
    """
    if not memory.contains(real, _WORD):
        return None
    word = bytes(memory.read(real, _WORD))
    prefix = is_prefix(int.from_bytes(word, order.name_for_int))
    if not prefix or not memory.contains(real, 2 * _WORD):
        return word
    return bytes(memory.read(real, 2 * _WORD))
