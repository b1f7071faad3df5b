"""Random pieces of code: translated they do what the real processor does."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from . import small
from .fpu import native
from .fpu.translated import Translated
from .random_blocks import floating_differences, integer_differences

if TYPE_CHECKING:
    from pathlib import Path

# And some whose last instructions take many registers, and one that turns DH nine times with CF.
SEEDS = [*range(4000), 2_007_948, 100_353_463, 101_288_904, 900_023_757, 10_000_139_113]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not small.available():
        pytest.skip(f"{small.COMPILER} is not there")
    return tmp_path_factory.mktemp("oracle")


def test_translated_code_gives_what_the_hosts_processor_gives(directory: Path) -> None:
    native.build(directory)  # or skip
    assert integer_differences(SEEDS, 4) == []


def test_so_do_sequences_of_x87_mmx_and_sse(directory: Path) -> None:
    program = native.build(directory)
    machine = Translated()
    try:
        done, found = floating_differences(program, machine, Random("sequences"), 300, 4)
    finally:
        machine.close()
    assert found == []
    assert done > 200
