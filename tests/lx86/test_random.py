"""Random pieces of code: translated they do what the real processor does."""

from __future__ import annotations

import subprocess
from random import Random
from typing import TYPE_CHECKING

import pytest

from . import small
from .fpu import native
from .fpu.test_translated import Translated
from .random_blocks import floating_differences, integer_differences, oracle

if TYPE_CHECKING:
    from pathlib import Path

# And some whose last instructions take many registers, and one that turns DH nine times with CF.
SEEDS = [*range(4000), 2_007_948, 100_353_463, 101_288_904, 900_023_757]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not small.available():
        pytest.skip(f"{small.COMPILER} is not there")
    return tmp_path_factory.mktemp("oracle")


def test_translated_code_gives_what_the_hosts_processor_gives(directory: Path) -> None:
    program = oracle(directory)
    try:
        subprocess.run([program], input=b"", check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this host runs no i386 programs")
    assert integer_differences(program, SEEDS) == []


def test_so_do_sequences_of_x87_mmx_and_sse(directory: Path) -> None:
    program = native.build(directory)
    machine = Translated()
    try:
        assert floating_differences(program, machine, Random("sequences"), 600) == []
    finally:
        machine.close()
