"""Translated MMX and SSE instructions of 64-bit code against this host's processor."""

from __future__ import annotations

import platform
from random import Random
from typing import TYPE_CHECKING

import pytest

from . import native64
from .compare import differences

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="only an x86-64 host tells what is right"
)
_UNTOLD = 0x32
"""Of MXCSR (CAVEATS.md): denormals, underflow and inexactness in some cases."""
_SHARED = 0x3C
"""Sticky flags that SSE has in common with the x87."""


def test_a_translated_instruction_of_64_bit_code_does_what_it_does_on_this_hosts_processor(
    tmp_path: Path,
) -> None:
    program, machine = native64.build(tmp_path), native64.Translated()
    try:
        tried = native64.made(Random("64 bits"), 2000)
        wrong = [
            f"{case.code.hex()}: {'; '.join(found)}"
            for case, wanted in zip(tried, native64.run(program, tried), strict=True)
            if (
                found := differences(
                    case, machine.run(case), wanted,
                    status=0xFFFF & ~_SHARED, mxcsr=0xFFFF & ~_UNTOLD, long=True,
                )
            )
        ]  # fmt: skip
        assert wrong == []
    finally:
        machine.close()
