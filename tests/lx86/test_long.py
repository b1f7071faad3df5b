"""64-bit programs, translated."""

from __future__ import annotations

import platform
import subprocess
from typing import TYPE_CHECKING

import pytest

from . import cases64, pieces64, small, small64

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64" or not small64.available(),
    reason="only an x86-64 host tells what is right",
)


def test_random_64_bit_code_gives_what_the_hosts_processor_gives(tmp_path: Path) -> None:
    assert pieces64.differences(cases64.oracle(tmp_path), range(4000)) == []


@pytest.mark.parametrize("name", [*small.INTEGER, "repstr"])
def test_a_64_bit_program_writes_what_it_writes_on_the_host(name: str) -> None:
    program = small64.build(name)
    native = subprocess.run([program, "2"], capture_output=True, check=False)
    outcome = small64.run(small64.translating, program, "2")
    assert (outcome.output, outcome.ended) == (native.stdout, native.returncode)
    again = small64.run(small64.translating, program, "2", budget=1009)
    assert again == outcome
