"""What the assembler refuses, and where it says the mistake is."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emu.assembler import AssemblyError, assemble, include_from

if TYPE_CHECKING:
    from pathlib import Path


def mistakes(source: str) -> list[tuple[int, int, str]]:
    with pytest.raises(AssemblyError) as caught:
        assemble(source, name="hello.s")
    return [(d.line.number, d.column, d.message) for d in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("source", "column", "message"),
    [
        ("addi r3, r4, 40000", 14, "40000 (0x9c40) does not fit operand si: -32768 to 32767 would"),
        ("add r3, r4, r32", 13, "'r32' is not defined"),
        ("add r3, r4, 32", 13, "32 does not fit operand rb: 0 to 31 would"),
        ("addd r3, r4, r5", 1, "no instruction 'addd'; did you mean add or maddld or maddhd?"),
        ("add r3, r4", 1, "wrong operands; right would be: add rt, ra, rb"),
        ("ld r3, r4, r5", 1, "wrong operands; right would be: ld rt, ds(ra)"),
        ("ld r3, 6(r4)", 8, "6 does not fit operand ds: -32768 to 32764 in steps of 4 would"),
        ("la r3, r4", 1, "wrong operands; right would be: la rt, d(ra)"),
        ("cmpw r3", 1, "wrong operands; right would be: cmpw ra, rb or cmpw bf, ra, rb"),
        ("li r3, r4", 8, "r4 stands where a signed value is wanted"),
        ("add r3, f4, r5", 9, "f4 stands where a general register (r0-r31) is wanted"),
        ("cror cr1, 2, 3", 6, "cr1 stands where a condition register bit (4*cr7+eq) is wanted;"
         " its bits are 4*cr1+lt, gt, eq, so"),
        ("xxlor vs1, vs2, v3", 17, "v3 stands where a VSX register (vs0-vs63) is wanted"
         " (v3 is vs35 there)"),
        ("lwzu r3, 4(r3)", 12, "lwzu cannot load r3 and update it as well"),
        ("slwi r3, r4, 32", 14, "32 does not fit operand sh: 0 to 31 would"),
        ("b . + 2", 3, "a branch to 0x2: instructions lie at multiples of 4"),
        ("beq . + 0x8000", 5, "branch out of range: 0x8000 is 32768 bytes away, 32768 can be"),
        ("b 1f", 3, "no label '1:' below this line"),
        ("b nowhere", 3, "'nowhere' is not defined"),
        ("start: b strat", 10, "'strat' is not defined; did you mean 'start'?"),
        ("a: nop; a: nop", 9, "'a' is defined already, at hello.s:1"),
        ("r3: nop", 1, "'r3' is the name of a register; another is needed"),
        ("a = b\nb = a", 5, "'b' is not defined"),
        (".byte 256", 7, "256 does not fit .byte: -128 to 255 would"),
        (".byte 1/0", 9, "division by zero"),
        (".byte 1 << 200", 9, "a shift by 200: from 0 to 127 is possible"),
        (".byte x@foo; x = 1", 8, "no @foo; there are @l @h @ha @high @higha @higher @highera"
         " @highest @highesta"),
        (".space -1", 8, ".space -1: a size is wanted"),
        (".space later; later:", 8, "'later' is not defined"),
        (".align 99", 8, ".align 99: a power of two is wanted, 0 to 24"),
        ("nop; .org 0", 11, ".org 0x0 leads back: .text has come to 0x4 already"),
        (".byte 1; nop", 10, "an instruction at offset 0x1 of .text: .align 2 is needed before it"),
        (".word 1", 1, ".word is 2 or 4 bytes, depending on whom one asks; .half or .long is"
         " clear"),
        (".foo", 1, "no directive '.foo'"),
        (".bss; .byte 1", 7, ".bss holds no bytes; .space is possible"),
        ('.error "no"', 1, "no"),
        ("li r3, (1", 10, "the line ends too early: an operator or a closing parenthesis would"
         " be right"),
        ("li r3,, 1", 7, "',' is not expected here: a register, a number, a symbol or another"
         " expression would be right"),
        ('.ascii "abc', 8, "a string without its closing quote, or where none may be"),
        (".long 09", 7, "09 starts with 0, so it is octal"),
        (".if 1", 1, ".if without .endif"),
        (".endif", 1, ".endif without .if"),
        (".rept 2", 1, ".rept without .endr"),
        (".endm", 1, ".endm without .macro"),
        (".macro m a:req; .endm; m", 1, "m needs its argument 'a'"),
        (".macro m a; .endm; m 1, 2", 1, "m takes up to 1 arguments, not 2"),
        ('.include "x.inc"', 9, "this source is assembled without files to include"),
        ('.include "../x.inc"', 9, "'../x.inc' leads outside; a name below the source is wanted"),
        ('.include "/etc/passwd"', 9, "'/etc/passwd' leads outside; a name below the source is"
         " wanted"),
    ],
)  # fmt: skip
def test_message_and_column(source: str, column: int, message: str) -> None:
    found = mistakes(source)
    assert [(c, m) for _, c, m in found][:1] == [(column, message)]


def test_message_shows_file_line_and_a_caret() -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble("nop\n\taddi r3, r4, 40000 # too big\n", name="hello.s")
    assert str(caught.value).splitlines() == [
        "hello.s:2:15: 40000 (0x9c40) does not fit operand si: -32768 to 32767 would",
        "     addi r3, r4, 40000 # too big",
        "                  ^",
    ]
    error = caught.value
    assert (error.file, error.line, error.column) == ("hello.s", 2, 15)


def test_several_mistakes_are_told_at_once_in_the_order_of_the_lines() -> None:
    source = "foo r3\nb nowhere\nli r3, 99999\nbar\n"
    assert [line for line, _, _ in mistakes(source)] == [1, 2, 3, 4]


def test_no_more_than_twenty_mistakes_are_told() -> None:
    assert len(mistakes("foo\n" * 100)) == 20


def test_a_mistake_in_a_macro_names_the_line_that_called_it() -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble(".macro m n\nli r3, \\n\n.endm\nnop\n m 99999\n", name="x.s")
    assert str(caught.value).splitlines()[0].startswith("x.s:2:8: 99999")
    assert str(caught.value).splitlines()[-1] == "  called from x.s:5: m 99999"


def test_names_defined_by_each_other_are_refused() -> None:
    assert mistakes("a = b + 1\nb = a + 1\n.long a") != []


@pytest.mark.parametrize(
    "source",
    [
        ".rept 1000000000\n.endr",
        ".rept 1000000000\nnop\n.endr",
        ".rept 100000\n.rept 100000\n.endr\n.endr",
        ".macro m\nm\n.endm\nm",
        ".macro m a\nm \\a\\a\n.endm\nm 12345678",
        ".macro m\nm\nm\n.endm\nm",
        ".space 1 << 40",
        ".rept 1000\n.space 1 << 20\n.endr",
        ".bss\n.space 1 << 41",
        ".org 1 << 60",
        ".fill 1 << 40, 8",
        ".balign 1 << 60",
        ".rept 1000\n.align 24\n.byte 1\n.endr",
        ".long " + "(" * 2000 + "1" + ")" * 2000 + "x",
        ".long " + "-" * 3000 + "1",
        ".long " + "1+" * 2000 + "1",
        ".long " + "9" * 5000,
        ".long 0x" + "9" * 4000,
        ".set x, 1 << 100; .long x * x",
        "x = x1\n" + "\n".join(f"x{n} = x{n + 1}" for n in range(1, 200)) + "\nx200 = 1\n.long x",
    ],
)
def test_a_source_without_bounds_is_refused_soon(source: str) -> None:
    began = time.process_time()
    assert mistakes(source) != []
    assert time.process_time() - began < 3


def test_includes_that_never_end_are_refused() -> None:
    with pytest.raises(AssemblyError, match="nest more than 64 deep"):
        assemble('.include "x"', include=lambda name: f'.include "{name}"')


def test_an_include_finds_files_below_its_directory_only(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "one.inc").write_text("nop")
    (tmp_path / "secret").write_text("nop")
    (tmp_path / "below" / "link").symlink_to(tmp_path / "secret")
    include = include_from(tmp_path / "below")
    assert assemble('.include "one.inc"', include=include).image() == bytes.fromhex("60000000")
    for name in ("../secret", "link", "none", "."):
        with pytest.raises(AssemblyError):
            assemble(f'.include "{name}"', include=include)


PIECES = [
    "add", "addi", "b", "bne+", "ld", "lis", ".byte", ".long", ".if", ".else", ".endif", ".rept 2",
    ".endr", ".macro m a", ".endm", "m", "\\a", ".space", ".align", ".org", ".set", ".equ x,",
    ".text", ".bss", ".data", ".asciz", '"a"', '"', "'", "1:", "1b", "1f", "a:", "a", "x", "=",
    "==", "r3", "r4", "cr1", "vs3", "f1", "(", ")", ",", "+", "-", "*", "/", "%", "<<", ">>", "?",
    ":", "@l", "@ha", "0x10", "99999999999", "3", ".", "#", "//", "/*", "*/", ";", "\n", "é", "\\",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30))
def test_no_text_makes_the_assembler_fail_in_another_way(pieces: list[str]) -> None:
    with suppress(AssemblyError):
        assemble(" ".join(pieces))
