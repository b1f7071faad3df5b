"""Loops: translated they do what the real processor does, whatever stays in registers there."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lx86.architecture import I386, X86_64, Architecture
from lx86.cpu import Fault
from lx86.options import Options
from lx86.translating_cpu import TranslatingCpu
from lx86.unicorn_cpu import UnicornCpu

from . import cases, many, pieces, pieces64
from .assembly import assembled
from .cases import ALL
from .compared_blocks import Range, compare
from .fpu import native

if TYPE_CHECKING:
    from collections.abc import Callable

    from lx86.cpu import Cpu
    from lx86.storage import Storage

CASE = {I386: pieces.case, X86_64: pieces64.case}


@pytest.fixture(autouse=True, scope="module")
def _hosts(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Or skip."""
    for architecture in (I386, X86_64):
        native.build(tmp_path_factory.mktemp("oracle"), architecture)


@pytest.mark.parametrize("bits", [32, 64])
def test_random_loops_give_what_the_hosts_processor_gives(bits: int) -> None:
    assert compare(Range(bits, "loops", 0, 2000)).differences == []


# -- what asks for constants -------------------------------------------------------------------

CONSTANTS = "0x12345678", "0x12340000", "0xffff8000", "0x87654321", "0x20000123", "-40000", "77"
OPERATIONS = (
    "mov dword ptr [ebx], {0}",
    "mov word ptr [ebx+4], {0} & 0x7fff\n mov word ptr [ebx+8], {0} & 0x7fff",
    "push {0}\n pop eax",
    "mov eax, {0}\n add ecx, eax\n mov [ebx+12], eax",
    "mov esi, {0}\n mov edi, {0} + 5\n sub edi, esi",
    *(f"{name} eax, {{0}}" for name in ("add", "sub", "and", "or", "xor")),
    "add eax, {0}\n mov ecx, eax\n add ecx, {0} + 16\n add edx, ecx",
    "imul eax, ecx, {0}\n imul edx, eax, {0}",
    "cmp eax, {0}\n setb byte ptr [ebx+16]\n cmp ecx, {0}\n sete byte ptr [ebx+17]",
    "cmp ecx, {0}\n setg byte ptr [ebx+18]\n cmp eax, {0} - 3\n setne byte ptr [ebx+19]",
    "test eax, {0}\n setne byte ptr [ebx+20]",
    "lea eax, [ecx+{0}]\n lea ecx, [eax+edx*4+{0}]",
    "cmp ecx, {0}\n cmovb eax, edx\n adc edx, {0}\n sbb eax, {0}",
    "inc dword ptr [0x20000100+ebp*4]\n mov eax, [0x20000104+ebp*4]\n mov [0x20000110], eax",
    "mov al, [0x20000050+ebp]\n movzx ecx, word ptr [0x20000060]\n mov dword ptr [0x20000070], {0}",
    "call 2f\n jmp 3f\n2: mov eax, {0}\n xor edx, eax\n ret\n3: push 0\n pop ecx",
)
OPERATIONS_64 = (
    "movabs rax, {0} * 0x10001\n imul rcx, rax\n movabs rdx, {0} * 0x10001 + 8\n xor rcx, rdx",
    *(f"{name} rax, {{0}}" for name in ("add", "sub", "and", "or", "xor")),
    "cmp rax, {0}\n setb byte ptr [rbx+16]\n cmp rcx, {0}\n setle byte ptr [rbx+17]",
    "mov r8, {0}\n mov r9d, {0}\n add r9, r8\n mov [rbx+24], r9",
    "mov qword ptr [rbx+32], {0}\n lea rax, [rcx+{0}]\n lea r10d, [rcx+rdx*2+{0}]",
    "mov eax, [r13*8+0x20000080]\n mov r11, [0x20000088]\n push {0}\n pop r14",
)
_LOOP = """
    mov dword ptr [0x200003c0], 3
1:  {0}
    sub dword ptr [0x200003c0], 1
    jne 1b
"""


def _for_64_bits(text: str) -> str:
    """Without pushes and addresses that 64-bit code does not have."""
    for register in ("ax", "bx", "cx", "dx", "si", "di", "bp"):
        for there in (f"[e{register}", f"+e{register}", f"pop e{register}"):
            text = text.replace(there, there.replace(f"e{register}", f"r{register}"))
    return text


def _written(operations: tuple[str, ...], *, long: bool) -> list[str]:
    """With each constant that the instructions can have."""
    found = []
    for operation in operations:
        for constant in CONSTANTS if "{0}" in operation else ("",):
            value = int(constant or "0", 0)
            if long and value >= 1 << 31 and "movabs" not in operation:
                continue
            found.append(_LOOP.format(operation.format(constant)))
    return found


@pytest.mark.parametrize("architecture", [I386, X86_64], ids=["i386", "x86-64"])
def test_constants_in_loops_are_what_they_are(architecture: Architecture) -> None:
    long = architecture.long
    texts = _written(OPERATIONS, long=False)
    if long:
        texts = [_for_64_bits(text) for text in _written(OPERATIONS, long=True)]
        texts += _written(OPERATIONS_64, long=True)
    case = CASE[architecture](1)
    written = [replace(case, code=assembled(text, long=long), undefined=ALL) for text in texts]
    options = Options(exact_flags=True, architecture=architecture)
    wrong, ended = many.differences(written, 8, options)
    assert not ended
    assert [(texts[n], what) for n, what in wrong] == []


# -- faults ------------------------------------------------------------------------------------

_FAULTING = """
    mov edi, 0x20000000
1:  add edi, 0x1001
    mov eax, 0x12345678
    {0}
    xor edx, 0x12345678
    {1}
    lea ecx, [edx+0x12345600]
    jmp 1b
"""


@pytest.mark.parametrize("architecture", [I386, X86_64], ids=["i386", "x86-64"])
def test_a_fault_in_a_loop_finds_the_registers_as_they_were(architecture: Architecture) -> None:
    long = architecture.long
    ways = ("mov [edi], eax", "add edx, [edi]", "mov dword ptr [edi], 0x12345679", "nop")
    texts = [
        _FAULTING.format(one, two) for one in ways for two in ways if (one, two) != ("nop", "nop")
    ]
    if long:
        texts = [text.replace("[edi]", "[rdi]").replace("[edx", "[rdx") for text in texts]
    case = CASE[architecture](1)
    written = [replace(case, code=assembled(text, long=long)) for n, text in enumerate(texts)]
    options = Options(architecture)

    def ended(make: Callable[[Storage], Cpu]) -> list[tuple[object, ...]]:
        runner = cases.Runner(make, written, architecture)
        try:
            runner.cpu.state.cs = architecture.code_selector
            names = (*architecture.registers, "eip")
            return [
                (runner.run(n), *(getattr(runner.cpu.state, name) for name in names))
                for n in range(len(written))
            ]
        finally:
            runner.close()

    found = ended(lambda storage: TranslatingCpu(storage, options=options))
    assert all(isinstance(why, Fault) for why, *_ in found)
    assert found == ended(UnicornCpu)


@pytest.mark.parametrize("architecture", [I386, X86_64], ids=["i386", "x86-64"])
def test_a_loop_that_is_stopped_goes_on_with_its_constants(architecture: Architecture) -> None:
    long = architecture.long
    rng = random.Random(1)
    text = _LOOP.format("xor eax, 0x12345678\n imul ecx, eax, 0x12345679\n add edx, 0x7654321")
    case = replace(CASE[architecture](1), code=assembled(text, long=long))
    options = Options(architecture)
    runner = cases.Runner(lambda s: TranslatingCpu(s, options=options), [case], architecture)
    try:
        whole = runner.run(0)
        assert isinstance(whole, cases.Answer)
        for _ in range(20):
            why: object = runner.run(0, rng.randrange(1, 30))
            while not isinstance(why, cases.Answer):
                why = runner.go_on(rng.randrange(1, 30))
            assert why == whole
    finally:
        runner.close()


def test_a_region_whose_branches_would_not_reach_over_its_code_is_made_smaller() -> None:
    text = "mov edi, 2\n1:.rept 395\nrcl byte ptr [ebx], cl\n .endr\ndec edi\njne 1b"
    case = replace(pieces.case(1), code=assembled(text, long=False))
    found, sizes = [], []
    for options in (Options(longest_region=20), Options()):
        runner = cases.Runner(lambda s, o=options: TranslatingCpu(s, options=o), [case])  # type: ignore[misc]
        try:
            found.append(runner.run(0))
            cpu = runner.cpu
            assert isinstance(cpu, TranslatingCpu)
            sizes.append(next(iter(cpu.cache.blocks)).instructions)
        finally:
            runner.close()
    assert isinstance(found[0], cases.Answer)
    assert found[0] == found[1]
    assert sizes == [20, Options().longest_region // 2]
