"""Counts of what was executed are those of Unicorn's x86, instruction by instruction."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import unicorn

from lx86.cpu import Fault, SystemCall
from lx86.options import GRADUAL, Options
from lx86.storage import EXECUTE, PAGE, READ, WRITE, Storage
from lx86.study.profile import Profile
from lx86.translating_cpu import TranslatingCpu
from lx86.unicorn_cpu import UnicornCpu

from .. import small

if TYPE_CHECKING:
    from lx86.cpu import Cpu

needs_compiler = pytest.mark.skipif(not small.available(), reason=f"{small.COMPILER} is not there")
CODE, DATA = 0x0804_8000, 0x0805_0000
OPTIONS = {"whole": Options(), "gradual": replace(GRADUAL, first_region=3, often=4)}


class Each(UnicornCpu):
    """Counts each instruction."""

    def __init__(self, storage: Storage) -> None:
        super().__init__(storage)
        self.executed: Counter[int] = Counter()
        self._uc.hook_add(unicorn.UC_HOOK_CODE, self._count)

    def _count(self, _uc: Any, address: int, _size: int, _: object) -> None:
        self.executed[address] += 1


def profiled(storage: Storage, options: Options) -> tuple[TranslatingCpu, Profile]:
    cpu = TranslatingCpu(storage, options=replace(options, marked=True))
    return cpu, Profile(cpu)


@needs_compiler
@pytest.mark.parametrize("budget", [1009, 1 << 40])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("name", ["fib", "dhry", "sha256", "vm", "i64"])
def test_each_instruction_is_counted_as_often_as_unicorns_x86_carries_it_out(
    name: str, options: Options, budget: int
) -> None:
    expected: list[Counter[int]] = []
    small.run(Each, name, "1", look=lambda cpu: expected.append(cpu.executed))  # type: ignore[attr-defined]
    made: list[Profile] = []

    def make(storage: Storage) -> Cpu:
        cpu, profile = profiled(storage, options)
        made.append(profile)
        return cpu

    def look(cpu: Cpu) -> None:
        assert isinstance(cpu, TranslatingCpu)
        made[0].finish()
        executed = made[0].programs[-1]
        assert executed.instructions == expected[0]
        assert executed.x86 == sum(expected[0].values())
        elsewhere = cpu.machine.instructions - executed.power
        assert 0 <= elsewhere < cpu.machine.instructions // 5  # slots and exits

    small.run(make, name, "1", look=look, budget=budget)


def test_what_stands_behind_a_fault_or_was_changed_meanwhile_is_not_counted() -> None:
    # mov ecx, 3; again: mov [esi], cl; nop (stored to by that); dec ecx; jne again;
    # int 80h; mov eax, [0]; inc eax
    piece = bytes.fromhex("b903000000 880e 90 49 75fa cd80 a100000000 40")
    storage = Storage()
    cpu, profile = profiled(storage, Options())
    try:
        storage.map(CODE, PAGE, READ | WRITE | EXECUTE)
        storage.load(CODE, piece)
        cpu.state.eip, cpu.state.esi = CODE, CODE + 0x800
        assert cpu.run(10_000) == SystemCall()
        assert isinstance(cpu.run(10_000), Fault)
        profile.finish()
    finally:
        cpu.close()
        storage.close()
    assert profile.programs[-1].instructions == {
        CODE: 1, CODE + 5: 3, CODE + 7: 3, CODE + 8: 3, CODE + 9: 3, CODE + 11: 1,
    }  # fmt: skip
    assert {address for address, _ in profile.programs[-1].hottest(9)} >= {CODE, CODE + 5}
