"""What each pass makes of a region."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lx86.cpu import SystemCall
from lx86.options import GRADUAL, PASSES, Options
from lx86.storage import EXECUTE, PAGE, READ, WRITE, Storage
from lx86.study.forms import IN_ORDER, stages
from lx86.translating_cpu import TranslatingCpu

from .. import small

if TYPE_CHECKING:
    from lx86.block import Block
    from lx86.cpu import Cpu
    from lx86.study.forms import Stage

CODE, DATA = 0x0804_8000, 0x0805_0000
# push 7; pop ecx; mov eax, ecx; add eax, [ebx]; jc over; mov [ebx], eax; over: int 80h; hlt
PIECE = bytes.fromhex("6a07 59 89c8 0303 7202 8903 cd80 f4")

LAST = """\
0x8048000 (entry):
    08048000  push 0x7
        li r4, 7
        stw r4, -4(r18)
    08048002  pop ecx                                         | esp: esp-0x4
    08048003  mov eax, ecx                                    | ecx: r4
    08048005  add eax, dword [ebx]                 C          | eax: r4, ecx: r4
        lwz r5, 0(r17)
        add r6, r4, r5
        cmplw cr1, r6, r4
    08048007  jb 0x804800b                                    | eax: r6, ecx: r4
        blt cr1, out
0x8048009:
"""


def of(piece: bytes, options: Options) -> list[Stage]:
    storage = Storage()
    cpu = TranslatingCpu(storage, options=options)
    found: list[tuple[Block, list[Stage]]] = []

    def look(block: Block) -> None:
        translator = cpu.translator
        found.append((block, stages(block, storage, translator.options, translator.stack_key)))

    cpu.translator.on_block = look
    try:
        storage.map(CODE, PAGE, READ | EXECUTE)
        storage.map(DATA, PAGE, READ | WRITE)
        storage.load(CODE, piece)
        cpu.state.eip, cpu.state.ebx, cpu.state.esp = CODE, DATA, DATA + 64
        assert cpu.run(1000) == SystemCall()
    finally:
        cpu.close()
        storage.close()
    block, made = found[0]
    assert made[-1].words == len(block.code) // 4
    return made


def test_passes_are_taken_in_one_by_one_up_to_the_code_that_runs() -> None:
    made = of(PIECE, Options())
    assert [stage.name for stage in made] == ["", *IN_ORDER]
    words = {stage.name: stage.words for stage in made}
    assert words["wanted-flags"] < words[""]
    assert words["lazy-values"] < words["wanted-flags"]
    assert "\n".join(made[-1].lines).startswith(LAST)


def test_a_pass_that_is_left_out_is_in_no_stage() -> None:
    made = of(PIECE, Options(forward_words=False))
    assert [stage.name for stage in made] == ["", *(n for n in IN_ORDER if n != "forward-words")]


def test_what_a_pass_changes_is_lines_that_went_and_came() -> None:
    made = {stage.name: stage for stage in of(PIECE, Options())}
    changes = made["forward-words"].changes(made["lent-registers"])
    assert "-        lwz r15, -4(r18)" in changes
    assert "+        add r6, r4, r5" in changes
    assert made["slots"].changes(made["slots"]) == []


def test_every_pass_over_a_region_has_its_stage() -> None:
    assert set(PASSES) - set(IN_ORDER) == {"large-regions", "first-regions"}


@pytest.mark.skipif(not small.available(), reason=f"{small.COMPILER} is not there")
@pytest.mark.parametrize("options", [Options(), GRADUAL], ids=["whole", "gradual"])
def test_the_last_stage_of_each_block_of_a_program_is_its_code(options: Options) -> None:
    seen = []

    def make(storage: Storage) -> Cpu:
        cpu = TranslatingCpu(storage, options=options)

        def look(block: Block) -> None:
            made = stages(block, storage, cpu.translator.options, cpu.translator.stack_key)
            seen.append((made[-1].words, len(block.code) // 4))

        cpu.translator.on_block = look
        return cpu

    small.run(make, "dhry", "1")
    assert seen
    assert all(made == code for made, code in seen)
