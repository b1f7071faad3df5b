"""Random pieces of code: translated they do what the real processor does."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from lx86.translating_cpu import TranslatingCpu

from . import cases, pieces, small

if TYPE_CHECKING:
    from pathlib import Path

# And one whose last instruction takes many registers.
SEEDS = [*range(4000), 2_007_948]


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that runs cases on the host's own processor."""
    if not small.available():
        pytest.skip(f"{small.COMPILER} is not there")
    out: Path = tmp_path_factory.mktemp("oracle") / "oracle"
    flags = ["-O1", "-static", "-fno-pie", "-no-pie", "-fno-stack-protector", "-w"]
    source = small.SOURCES / "oracle.c"
    subprocess.run([small.COMPILER, *flags, str(source), "-o", str(out)], check=True)
    try:
        subprocess.run([out], input=b"", check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this host runs no i386 programs")
    return out


def test_translated_code_gives_what_the_hosts_processor_gives(oracle: Path) -> None:
    written = [pieces.case(seed) for seed in SEEDS]
    runner = cases.Runner(TranslatingCpu, written)
    try:
        expected = cases.on_the_processor(oracle, written)
        assert len(expected) == len(SEEDS)
        wrong = [
            f"seed {seed}: {found}"
            for n, (seed, piece, right) in enumerate(zip(SEEDS, written, expected, strict=True))
            if (found := cases.difference(piece, right, runner.run(n)))
        ]
    finally:
        runner.close()
    assert not wrong
