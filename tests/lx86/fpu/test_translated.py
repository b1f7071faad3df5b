"""Translated x87, MMX and SSE instructions against this host's processor, one at a time."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest

from . import native
from .cases import cases
from .compare import differences
from .native import Case
from .translated import Translated, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_COUNT = 1200


@pytest.fixture(scope="module")
def translated() -> Iterator[Translated]:
    machine = Translated()
    yield machine
    machine.close()


@pytest.mark.parametrize(
    "code",
    [
        "660f6e1e 660f5bdf f20f2a1e",  # movd xmm3; cvtps2dq xmm3, xmm7; cvtsi2sd xmm3
        "660f6e1e f30f5bdf f20f101e",  # cvttps2dq; movsd
        "660f6e1e 0f5bdf f20f581e",  # cvtdq2ps; addsd
        "660f6e1e f30fe6df f20f2a1e",  # cvtdq2pd
        "660f6e1e 0f5adf f20f2a1e",  # cvtps2pd
        "660f6e1e 0f58df f20f2a1e",  # addps
        "660f6e1e 660fc6df01 f20f2a1e",  # shufpd
        "660f6e1e 660f6fdf f20f2a1e",  # movdqa
    ],
)
def test_a_high_half_that_was_zero_is_kept_when_it_is_so_no_more(
    processor: Path, translated: Translated, code: str
) -> None:
    case = Case(bytes.fromhex(code), storage=b"\1\0\0\0" * 32)
    case.floating.xmm = [0x3F80_0000_4000_0000_4040_0000_4080_0000] * 8
    (wanted,) = native.run(processor, [case])
    assert translated.run(case).floating.xmm[3] == wanted.floating.xmm[3]


@pytest.mark.parametrize(
    "code",
    [
        "d8f1 7400 dfe0",  # fdiv st, st(1); jz to what follows; fnstsw ax
        "dd1e 7400 dfe0",  # fstp qword [esi]
        "d916 7400 d9c0 ddd8 dfe0",  # fst dword [esi]; fld st(0); fstp st(0)
        "d916 7402 d9c1 dfe0",  # fst dword [esi]; jz beyond fld st(1)
        "db16 7402 d9c9 dfe0",  # fist dword [esi]; jz beyond fxch
        "dd16 dac1 dfe0",  # fst qword [esi]; fcmovb st, st(1)
        "d8f1 e2fc dfe0",  # fdiv st, st(1); loop back
        "d8f1 dd16 e2fa dfe0",  # fdiv st, st(1); fst qword [esi]; loop back
        "d9e8 d8f1 dd1e e2f8 dfe0",  # fld1; fdiv st, st(1); fstp qword [esi]; loop back
        "ddd1 dd16 e2fa dfe0",  # fst st(1); fst qword [esi]; loop back
        "d9fc d8c9 dd16 d9c9 dfe0",  # frndint; fmul st, st(1); fst qword [esi]; fxch
        "d9fc 7402 d8c9 dfe0",  # frndint; jz beyond fmul
    ],
)
def test_c1_is_right_wherever_the_program_branches(
    processor: Path, translated: Translated, code: str
) -> None:
    r, tried = Random(code), []
    for case in cases(r, "x87", 60, denormals_are_zero=False):
        floating = replace(case.floating, tags=0)
        floating.registers[:] = [
            r.getrandbits(1) << 79 | r.randint(0x3FF0, 0x4010) << 64 | 1 << 63 | r.getrandbits(63)
            for _ in floating.registers
        ]
        general = [r.getrandbits(32), r.randint(1, 3), 0, 0]
        tried.append(replace(case, code=bytes.fromhex(code), floating=floating, general=general))
    for case, wanted in zip(tried, native.run(processor, tried), strict=True):
        assert translated.run(case).general[0] & 0x200 == wanted.general[0] & 0x200


@pytest.mark.parametrize("kind", ["x87", "simd"])
def test_a_translated_instruction_does_what_it_does_on_this_hosts_processor(
    processor: Path, translated: Translated, kind: str
) -> None:
    tried = cases(Random(f"translated {kind}"), kind, _COUNT, denormals_are_zero=False)
    wrong = [
        f"{case.code.hex()}: {'; '.join(found)}"
        for case, wanted in zip(tried, native.run(processor, tried), strict=True)
        if (found := differences(case, translated.run(case), wanted, **told(case)))
    ]
    assert wrong == []
