"""Blocks kept from one run to another are what would be translated, or are not taken."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from lx86.kept import Kept
from lx86.options import GRADUAL
from lx86.record import pack, unpack
from lx86.store import Store
from lx86.translating_cpu import TranslatingCpu

from . import small

if TYPE_CHECKING:
    from pathlib import Path

    from lx86.block import Block
    from lx86.cpu import Cpu
    from lx86.storage import Storage

pytestmark = pytest.mark.skipif(not small.available(), reason=f"{small.COMPILER} is not there")
PROGRAMS = (*small.INTEGER, "mat", "floats", "repstr")


@dataclass(frozen=True)
class Ran:
    output: bytes
    instructions: int
    """Of POWER."""
    found: int = 0
    missing: int = 0


def run(directory: Path | None, name: str, version: bytes = b"1") -> Ran:
    results: list[Ran] = []

    def make(storage: Storage) -> TranslatingCpu:
        cpu = TranslatingCpu(storage, options=GRADUAL)
        if directory is not None:
            cpu.translator.kept = Kept(Store(directory), cpu.translator.watch, version)
        return cpu

    def look(cpu: Cpu) -> None:
        assert isinstance(cpu, TranslatingCpu)
        kept = cpu.translator.kept
        counts = (kept.counts.found, kept.counts.missing) if kept else ()
        results.append(Ran(b"", cpu.machine.instructions, *counts))

    outcome = small.run(make, name, "1", look=look)
    assert outcome.ended == 0
    return Ran(outcome.output, results[0].instructions, results[0].found, results[0].missing)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_does_the_same_in_as_many_instructions_without_translating(
    tmp_path: Path, name: str
) -> None:
    plain, cold = run(None, name), run(tmp_path / "k", name)
    warm = run(tmp_path / "k", name)
    assert (cold.found, warm.missing) == (0, 0)
    assert warm.found == cold.missing > 0
    assert (warm.output, warm.instructions) == (cold.output, cold.instructions)
    assert (plain.output, plain.instructions) == (cold.output, cold.instructions)


def test_another_version_of_the_translator_finds_nothing(tmp_path: Path) -> None:
    run(tmp_path / "k", "fib", b"1")
    assert run(tmp_path / "k", "fib", b"2").found == 0
    assert run(tmp_path / "k", "fib", b"1").missing == 0


@pytest.mark.parametrize("seed", range(6))
def test_a_program_does_the_same_with_kept_code_that_was_damaged(tmp_path: Path, seed: int) -> None:
    cold = run(tmp_path / "k", "vm")
    file, rng = tmp_path / "k" / "segment-1", random.Random(seed)
    data = bytearray(file.read_bytes())
    used = [at for at, byte in enumerate(data) if byte]
    for at in rng.sample(used, 30):
        data[at] ^= 1 << rng.randrange(8)
    file.write_bytes(data[: rng.randrange(len(data) // 2, len(data))])
    warm = run(tmp_path / "k", "vm")
    assert (warm.output, warm.instructions) == (cold.output, cold.instructions)
    assert warm.missing
    again = run(tmp_path / "k", "vm")
    assert (again.output, again.missing) == (cold.output, 0)


@pytest.mark.parametrize("name", ["mat", "floats", "dhry"])
def test_a_block_and_its_details_come_back_as_they_were(name: str) -> None:
    blocks: list[Block] = []

    def make(storage: Storage) -> TranslatingCpu:
        cpu = TranslatingCpu(storage)
        cpu.translator.on_block = blocks.append
        return cpu

    small.run(make, name, "1")
    for block in blocks:
        pages = tuple((page, b"digest") for page in sorted(block.pages))
        found = unpack(pack(block, pages))
        assert found is not None
        again, where = found
        assert where == pages
        for field in (
            "start", "code", "entries", "wanted", "links", "pages", "instructions", "base",
            "constants", "flags_returned", "stack_key", "first", "foreseen",
        ):  # fmt: skip
            assert getattr(again, field) == getattr(block, field), field
        assert again.details.recoveries == block.details.recoveries
        assert again.details.safe == block.details.safe
        assert again.details.assists == block.details.assists
        assert {at: (o.why, o.recovery, o.target) for at, o in again.details.outs.items()} == {
            at: (o.why, o.recovery, o.target) for at, o in block.details.outs.items()
        }
