"""Results of 8 and 16 bits that are zero-extended later: registers are right all the while."""

from __future__ import annotations

import pytest

from . import small
from .cases import DATA, STACK, Case
from .fpu import native
from .many import differences

PARTS = [
    "30c1", "00c1", "88c1", "fec1", "f6d1", "c0e103", "b107", "8a0b",  # xor cl, al ... mov cl
    "6631c1", "6601d1", "6689c1", "66ffc9", "66b90180",  # xor cx, ax ... mov cx, 8001h
    "0f94c1", "00cd", "30c5",  # sete cl; add ch, cl; xor ch, al
]  # fmt: skip
BETWEEN = [
    "", "c1e808", "31c0", "89c2", "89ca", "88ca", "00e9", "8d140b", "8d1406", "030b", "8b13", "51",
    "d3e2", "7200", "30ed", "90", "f7e9", "0fb6d1", "0fb7d1", "87ca", "99", "c1e808 89c2 31f2",
]  # fmt: skip
"""Nothing, or what leaves the register alone, reads it, or may be where the code is left."""
EXTENSIONS = ["0fb6c9", "0fb7c9", "0fb6cd", "0fb6d1", "660fb6c9", "0fbec9", "89ca"]
"""movzx ecx, cl; movzx ecx, cx; movzx ecx, ch; ... and what extends something else, or nothing."""


def test_results_that_are_extended_later_are_right_wherever_they_are_seen(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    if not small.available():
        pytest.skip(f"{small.COMPILER} is not there")
    native.build(tmp_path_factory.mktemp("oracle"))  # or skip
    registers = [0x8765_4321, 0xFEDC_BA98, 0x1357_9BDF, DATA, STACK, 5, 0x0F1E_2D3C, 7]
    written = [
        Case(registers, 0x46, bytes.fromhex(part + between + extension + "8d0409"), 0x8D5)
        for part in PARTS
        for between in BETWEEN
        for extension in EXTENSIONS
    ]  # each ends with lea eax, [ecx+ecx]
    assert differences(written, 2) == ([], "")
