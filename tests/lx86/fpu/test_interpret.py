"""The exact meaning of each x87, MMX, SSE and SSE2 instruction, against this host's processor."""

from __future__ import annotations

import copy
from random import Random
from typing import TYPE_CHECKING

import pytest

from lx86.decoder import decode
from lx86.fpu.interpret import interpret
from lx86.fpu.operation import Operation, Refused, Undefined

from . import native
from .cases import cases
from .compare import differences
from .native import Case

if TYPE_CHECKING:
    from pathlib import Path

_COUNT = 6000
_SIGNALS = {16: 8, 19: 8, 13: 11, 6: 4}
"""Linux's signals for vectors."""


class _Storage:
    def __init__(self, data: bytes) -> None:
        self.data = bytearray(data)

    def read(self, address: int, length: int) -> bytes:
        at = address - native.STORAGE
        return bytes(self.data[at : at + length])

    def write(self, address: int, data: bytes) -> None:
        at = address - native.STORAGE
        self.data[at : at + len(data)] = data

    def probe(self, address: int) -> None:
        """All of it can be written."""


def interpreted(case: Case) -> Case:
    a, c, d, b = case.general
    storage, general = _Storage(case.storage), [a, c, d, b, 0, 0, native.STORAGE, native.STORAGE]
    floating = copy.deepcopy(case.floating)
    op = Operation(
        decode(case.code, native.CODE), floating, storage, general, case.eflags, native.STORAGE
    )
    signal = 0
    try:
        interpret(op)
    except Refused as refused:
        signal = _SIGNALS[refused.vector]
    except Undefined:
        signal = _SIGNALS[6]
    return Case(case.code, floating, general[:4], op.eflags, bytes(storage.data), signal)


@pytest.mark.parametrize("masked", [True, False], ids=["masked", "unmasked"])
@pytest.mark.parametrize("kind", ["x87", "simd"])
def test_an_instruction_does_what_it_does_on_this_hosts_processor(
    processor: Path, kind: str, masked: bool
) -> None:
    tried = cases(Random(f"{kind} {masked}"), kind, _COUNT, masked=masked)
    # Which of inexactness and underflow is told when another of SSE's is unmasked differs.
    mxcsr = 0xFFFF if masked else 0xFFDF
    status = 0xFFFF if masked else 0xFFDF
    wrong = [
        f"{case.code.hex()}: {'; '.join(found)}"
        for case, wanted in zip(tried, native.run(processor, tried), strict=True)
        if (found := differences(case, interpreted(case), wanted, mxcsr=mxcsr, status=status))
    ]
    assert wrong == []
