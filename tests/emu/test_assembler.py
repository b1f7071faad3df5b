"""The assembler's language: sections, directives, symbols, the program that comes out."""

from __future__ import annotations

import io
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from emu.assembler import assemble
from emu.bits import ByteOrder

if TYPE_CHECKING:
    from pathlib import Path

HELLO = """
        .equ    H_PUT_TERM_CHAR, 0x58
        .text
        .global _start
_start: load64  r5, message
        li      r4, end - message       # length
        li      r3, H_PUT_TERM_CHAR
        sc      1
1:      b       1b
        .rodata
message:.ascii  "hello\\n"
end:
        .bss
buffer: .space  100
"""


def image(source: str, **options: object) -> bytes:
    return assemble(source, **options).image()  # type: ignore[arg-type]


def words(source: str) -> str:
    return image(source).hex(" ", -4)


def test_sections_follow_each_other_from_the_origin_with_bss_last() -> None:
    program = assemble(HELLO, origin=0x100)
    names = [section.name for section in program.sections]
    assert names == [".text", ".rodata", ".bss"]
    assert [section.address for section in program.sections] == [0x100, 0x124, 0x12C]
    assert program.end == 0x12C + 100
    assert program.image().endswith(b"hello\n")


def test_symbols_and_entry_are_addresses_in_the_program() -> None:
    program = assemble(
        "nop\n_start: nop\n.data\nvalue: .quad _start\nsize = . - value", origin=0x80
    )
    assert program.entry == 0x84
    assert dict(program.symbols) == {"_start": 0x84, "value": 0x88, "size": 8}
    assert program.image()[8:] == (0x84).to_bytes(8, "big")


def test_entry_is_the_origin_without_start() -> None:
    assert assemble("nop", origin=0x4000).entry == 0x4000


@pytest.mark.parametrize(
    ("directive", "data"),
    [
        (".byte 1, -1, 0xff, 'a', 'b", "01ffff6162"),
        (".short 1, -2", "0001fffe"),
        (".half 0x1234", "1234"),
        (".long 1 << 31, -1", "80000000ffffffff"),
        (".int 5", "00000005"),
        (".quad -1, 0xfedcba9876543210", "ffffffffffffffff fedcba9876543210"),
        (".llong 1", "0000000000000001"),
        ('.ascii "a\\n\\t\\"\\\\", "\\x41\\101\\0"', "610a09225c414100"),
        ('.asciz "ab", "c"', "61620063 00"),
        ('.string "é"', "c3a900"),
        (".space 3", "000000"),
        (".skip 2, 0xaa", "aaaa"),
        (".zero 1", "00"),
        (".fill 2, 3, 0x10203", "010203010203"),
        (".byte 1; .align 2; .byte 2", "0100000002"),
        (".byte 1; .balign 4, 0x55; .byte 2", "0155555502"),
        (".byte 1; .p2align 1; .byte 2", "010002"),
        (".byte 1; .org 4; .byte 2", "0100000002"),
        ("here: .byte 1; .org here + 3, 9; .byte 2", "01090902"),
        ("x: .long x@h; .short (x + 0x18000)@ha, x + 0x12345@l", "0000000000022345"),
        (".rept 3; .byte 7; .endr", "070707"),
        (".irp n, 1, 2+3, 4; .byte \\n; .endr", "010504"),
    ],
)
def test_data_directive(directive: str, data: str) -> None:
    assert image(".data\n" + directive) == bytes.fromhex(data)


def test_align_fills_code_with_nops() -> None:
    assert words("blr\n.align 4") == "4e800020 60000000 60000000 60000000"


def test_align_counts_addresses_not_offsets() -> None:
    assert len(image("nop\n.align 8\nnop", origin=0xF8)) == 12


def test_little_and_big_turn_instructions_and_data_round() -> None:
    assert words("nop\n.little\nnop\n.long 1\n.big\nnop") == "60000000 00000060 01000000 60000000"
    assert image("nop\n.half 1", byte_order=ByteOrder.LITTLE) == bytes.fromhex("000000600100")


def test_a_source_can_tell_which_byte_order_it_is_assembled_for() -> None:
    source = ".ifdef __LITTLE_ENDIAN__\n.byte 1\n.else\n.byte 2\n.endif"
    assert image(source, byte_order=ByteOrder.LITTLE) == b"\1"
    assert image(source, byte_order=ByteOrder.BIG) == b"\2"


def test_a_program_is_entered_in_the_byte_order_of_its_first_instruction() -> None:
    source = "nop\n.big\n_start: nop\n.little\nnop"
    assert assemble(source, byte_order=ByteOrder.LITTLE).entry_order is ByteOrder.BIG
    assert assemble("nop", byte_order=ByteOrder.LITTLE).entry_order is ByteOrder.LITTLE


def test_numeric_labels_mean_the_nearest_before_or_after() -> None:
    source = "1: b 1f\n b 1b\n1: b 1b\n b 1f\n1: 2: b 2b"
    assert words(source) == "48000008 4bfffffc 48000000 48000004 48000000"


def test_comments_of_every_kind_are_ignored() -> None:
    source = '# one\nnop // two\n/* three\nfour */ nop /* five */ # "six\n'
    assert words(source) == "60000000 60000000"
    assert image('.ascii "#/*//;" # ;blr') == b"#/*//;"


def test_an_assigned_name_has_the_value_of_the_nearest_line_above() -> None:
    assert words("n = 1\n.long n\nn = n + 1\n.long n\n.set n, 7\n.long n") == (
        "00000001 00000002 00000007"
    )


def test_a_name_may_be_assigned_from_labels_that_come_later() -> None:
    assert words("size = b - a\nhalf = size / 2\n li r3, half\na: nop; nop\nb:") == (
        "38600004 60000000 60000000"
    )


def test_a_register_may_be_given_a_name() -> None:
    assert words(".set sp, r1\n.equ base, %r9\nstdu sp, -32(sp)\nlwz r3, 8(base)") == (
        "f821ffe1 80690008"
    )


def test_spr_names_condition_bits_and_parts_of_symbols() -> None:
    assert words("mtspr srr0, r3\nmfspr r4, 26\ncror 4*cr7+eq, lt, so\nbf 4*cr1+gt, .") == (
        "7c7a03a6 7c9a02a6 4fc01b82 40850000"
    )
    high = (
        "lis r3, far@ha\naddi r3, r3, far@l\nori r3, r3, far@l\nld r4, far@l+8(r3)\nfar = 0x18ff8"
    )
    assert words(high) == "3c600002 38638ff8 60638ff8 e8839000"


def test_macro_arguments_defaults_names_and_counter() -> None:
    source = """
        .macro put register, value=5, rest:vararg
        li \\register, \\value
        b skip\\@
        .ifnb \\rest
        .byte \\rest
        .align 2
        .endif
skip\\@: nop
        .endm
        put r3
        put value=7, register=r4
        PUT r5, 9, 1, 2
    """
    assert words(source) == (
        "38600005 48000004 60000000 38800007 48000004 60000000 38a00009 48000008 01020000 60000000"
    )


def test_macros_may_call_macros_and_define_names_that_abut() -> None:
    source = """
        .macro field name, size
        \\name\\()_offset = offset
        offset = offset + \\size
        .endm
        .macro fields
        field one, 4
        field two, 8
        .endm
        offset = 0
        fields
        .byte one_offset, two_offset, offset
    """
    assert image(source) == bytes((0, 4, 12))


def test_conditionals_nest_and_choose_one_branch() -> None:
    source = """
        .set level, 2
        .if level == 1
        .byte 1
        .elseif level == 2
          .ifdef undefined
          .byte 9
          .else
          .byte 2
          .endif
        .elseif 1
        .byte 3
        .else
        .byte 4
        .endif
        .ifndef level
        .error "never"
        .endif
        .if . - start == 1
        .byte 5
        .endif
    """
    assert image("start:" + source) == bytes((2, 5))


def test_include_asks_the_given_function_and_nothing_else() -> None:
    files = {"a/one.inc": '.include "two.inc"', "two.inc": "blr"}
    assert image('.include "a/one.inc"', include=files.__getitem__) == bytes.fromhex("4e800020")


def test_sections_may_be_pushed_and_popped() -> None:
    source = """
        .byte 1
        .pushsection .rodata
        .byte 2
        .popsection
        .byte 3
        .section .data.extra, "aw", @progbits
        .byte 4
        .previous
        .byte 5
    """
    program = assemble(source)
    data = {section.name: section.data for section in program.sections}
    assert data == {".text": bytes((1, 3, 5)), ".rodata": b"\2", ".data.extra": b"\4"}


def test_branches_reach_across_the_end_of_the_address_space() -> None:
    assert words("b -8") == "4bfffff8"
    assert words("ba 0xfffffffffffffffc") == "4bfffffe"


def test_listing_shows_addresses_words_and_lines() -> None:
    listing = assemble(HELLO, origin=0x100).listing().splitlines()
    assert listing[0] == "Section .text: 36 bytes at 0x100"
    assert "             114  38800006          li      r4, end - message       # length" in listing
    assert '             124  68656c6c 6f0a     message:.ascii  "hello\\n"' in listing


def test_lines_tell_where_each_address_comes_from() -> None:
    program = assemble("nop\n.macro twice\nnop\nnop\n.endm\ntwice\n", name="x.s")
    assert {address: line.number for address, line in program.lines.items()} == {0: 1, 4: 3, 8: 4}
    caller = program.lines[8].called_from
    assert caller is not None
    assert str(caller) == "x.s:6"


@pytest.mark.parametrize("order", list(ByteOrder))
def test_elf_is_read_by_pyelftools(order: ByteOrder) -> None:
    program = assemble(HELLO, origin=0x100, byte_order=order)
    elf = ELFFile(io.BytesIO(program.elf()))
    assert elf.little_endian == (order is ByteOrder.LITTLE)
    assert (elf["e_type"], elf["e_machine"], elf["e_entry"]) == ("ET_EXEC", "EM_PPC64", 0x100)
    loads = [(s["p_vaddr"], s["p_filesz"], s["p_memsz"]) for s in elf.iter_segments("PT_LOAD")]
    assert loads == [(0x100, 36, 36), (0x124, 6, 6), (0x12C, 0, 100)]
    stored = b"".join(s.data() for s in elf.iter_segments("PT_LOAD"))
    assert stored == program.image()
    table = elf.get_section_by_name(".symtab")
    assert isinstance(table, SymbolTableSection)
    symbols = {symbol.name: symbol["st_value"] for symbol in table.iter_symbols() if symbol.name}
    assert symbols == dict(program.symbols)


@pytest.mark.skipif(
    not shutil.which("powerpc64-linux-gnu-objdump"), reason="GNU objdump is not installed"
)
def test_elf_is_read_by_gnu_objdump(tmp_path: Path) -> None:
    file = tmp_path / "hello.elf"
    file.write_bytes(assemble(HELLO, origin=0x100).elf())
    command = ["powerpc64-linux-gnu-objdump", "-d", str(file)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "<_start>:" in shown.stdout
    assert "sc      1" in shown.stdout
    assert not shown.stderr


def test_five_hundred_lines_take_well_under_a_second() -> None:
    body = "\n".join(f"l{n}: lwz r{n % 32}, {n}*4(r1)\n addi r3, r3, {n}" for n in range(250))
    began = time.process_time()
    assemble(body)
    assert time.process_time() - began < 0.6
