"""Indirect calls whose functions are foreseen, and calls that go elsewhere all the same."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, ClassVar

import pytest

from lx86.foresight import blind
from lx86.kept import Kept
from lx86.node import End
from lx86.options import Options, without
from lx86.store import Store
from lx86.translating_cpu import TranslatingCpu

from . import small, small64

if TYPE_CHECKING:
    from pathlib import Path

    from lx86.block import Block
    from lx86.foresight import Foresight
    from lx86.storage import Storage

pytestmark = pytest.mark.skipif(
    not small.available() or not small64.available(), reason="a compiler is missing"
)
ARCHITECTURES = {"i386": (small.build, Options()), "x86-64": (small64.build, small64.options())}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_functions_that_are_given_are_foreseen_and_others_are_called_all_the_same(
    name: str,
) -> None:
    build, options = ARCHITECTURES[name]
    program = build("foresee")
    native = subprocess.run([program, "3"], capture_output=True, check=False)
    blocks: list[Block] = []

    def make(storage: Storage) -> TranslatingCpu:
        cpu = TranslatingCpu(storage, options=options)
        cpu.translator.on_block = blocks.append
        return cpu

    for budget in (1 << 40, 997):
        outcome = small.run(make, program, "3", budget=budget)
        assert (outcome.output, outcome.ended) == (native.stdout, native.returncode)
    foreseen = [block for block in blocks if any(answer for _, answer in block.foreseen)]
    assert foreseen
    assert all(
        any(node.end is End.FORESEEN for node in block.region.nodes.values())
        for block in foreseen
        if block.region
    )
    blocks.clear()
    options = without(options, ["foresee-calls"])
    assert small.run(make, program, "3").output == native.stdout
    assert not any(block.foreseen for block in blocks)


class _Twice(Kept):
    """Looks for each block where nothing is foreseen, too."""

    blinded: ClassVar[list[bool]] = []

    def find(
        self, eip: int, down: bool, first: bool, options: Options, stack_key: int,
        foresee: Foresight = blind,
    ) -> Block | None:  # fmt: skip
        found = super().find(eip, down, first, options, stack_key, foresee)
        if found is not None and any(answer for _, answer in found.foreseen):
            self.blinded.append(super().find(eip, down, first, options, stack_key) is None)
        return found


def test_kept_code_is_found_only_where_the_same_is_foreseen(tmp_path: Path) -> None:
    def make(storage: Storage) -> TranslatingCpu:
        cpu = TranslatingCpu(storage)
        cpu.translator.kept = _Twice(Store(tmp_path / "k"), cpu.translator.watch, b"1")
        return cpu

    first = small.run(make, "foresee", "3")
    assert small.run(make, "foresee", "3") == first
    assert _Twice.blinded
    assert all(_Twice.blinded)
