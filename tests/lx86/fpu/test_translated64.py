"""Translated x87, MMX and SSE instructions of 64-bit code against this host's processor."""

from __future__ import annotations

import platform
from random import Random
from typing import TYPE_CHECKING

import pytest

from . import native64
from .compare import differences
from .test_translated import told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="only an x86-64 host tells what is right"
)


@pytest.fixture(scope="module")
def processor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return native64.build(tmp_path_factory.mktemp("native64"))


@pytest.fixture(scope="module")
def translated() -> Iterator[native64.Translated]:
    machine = native64.Translated()
    yield machine
    machine.close()


@pytest.mark.parametrize("kind", ["x87", "simd"])
def test_a_translated_instruction_of_64_bit_code_does_what_it_does_on_this_hosts_processor(
    processor: Path, translated: native64.Translated, kind: str
) -> None:
    tried = native64.made(Random(f"64 bits {kind}"), kind, 2000)
    status, mxcsr = told(kind)
    wrong = [
        f"{case.code.hex()}: {'; '.join(found)}"
        for case, wanted in zip(tried, native64.run(processor, tried), strict=True)
        if (
            found := differences(
                case, translated.run(case), wanted, status=status, mxcsr=mxcsr, long=True
            )
        )
    ]
    assert wrong == []
