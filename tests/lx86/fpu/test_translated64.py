"""Translated x87, MMX and SSE instructions of 64-bit code against this host's processor."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from lx86.architecture import X86_64

from . import native
from .cases import cases
from .compare import differences
from .translated import Translated, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lx86.architecture import Architecture


@pytest.fixture
def processor(processors: Callable[[Architecture], Path]) -> Path:
    return processors(X86_64)


@pytest.fixture(scope="module")
def translated() -> Iterator[Translated]:
    machine = Translated(architecture=X86_64)
    yield machine
    machine.close()


@pytest.mark.parametrize("kind", ["x87", "simd"])
def test_a_translated_instruction_of_64_bit_code_does_what_it_does_on_this_hosts_processor(
    processor: Path, translated: Translated, kind: str
) -> None:
    tried = cases(Random(f"64 bits {kind}"), kind, 2000, X86_64, denormals_are_zero=False)
    wrong = [
        f"{case.code.hex()}: {'; '.join(found)}"
        for case, wanted in zip(tried, native.run(processor, tried), strict=True)
        if (found := differences(case, translated.run(case), wanted, **told(case)))
    ]
    assert wrong == []
