"""Words back to text, and that text to the same words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emu import isa
from emu.assembler import assemble
from emu.bits import ByteOrder
from emu.disassembler import disassemble, format_listing

from .test_assembler_encodings import PREFIXED, lines_of_extended, lines_of_instruction

ORIGIN = 0x0100_0000


def texts(code: str, address: int = 0x100) -> list[str]:
    return [instruction.text for instruction in disassemble(bytes.fromhex(code), address)]


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("38600001", "li r3, 1"),
        ("44000022", "sc 1"),
        ("44000001", "scv 0"),
        ("44000fe1", "scv 127"),
        ("4c0000a4", "rfscv"),
        ("4bfffffc", "b 0xfc"),
        ("7c8b1a64", "tlbie r3, r4, 2, 1, 1"),
        ("7c002364", "slbie r4"),
        ("7c642e14", "addo r3, r4, r5"),
        ("f043fc97", "xxlor vs34, vs35, vs63"),
        ("4fe10202", "crand 4*cr7+un, 4*cr0+gt, 4*cr0+lt"),
        ("4e800020", "blr"),
        ("00000000", ".long 0x00000000"),
        ("0610000038600010", "paddi r3, r0, 16, 1"),
        ("0403ffffcc23fff0", "plxv vs33, -16(r3)"),
        ("04000000e4a40010", "pld r5, 16(r4)"),
        ("ec8848d8", "xvf32ger a1, vs8, vs9"),
        ("7c010162", "xxmtacc a0"),
        ("07900012ec8848d8", "pmxvf32ger a1, vs8, vs9, 1, 2"),
        ("06000000", ".long 0x06000000"),
        ("7c0007ff", ".long 0x7c0007ff"),
    ],
)
def test_word_is_shown_as(word: str, text: str) -> None:
    assert texts(word) == [text]


def test_undecodable_words_do_not_stop_the_rest() -> None:
    assert texts("00000000 60000000 00000001 4e800020 12") == [
        ".long 0x00000000",
        "nop",
        ".long 0x00000001",
        "blr",
    ]


def test_little_endian_words_are_read_as_such() -> None:
    code = bytes.fromhex("00000060 010000 44".replace(" ", ""))
    found = [i.text for i in disassemble(code, 0, ByteOrder.LITTLE)]
    assert found == ["nop", "scv 0"]


def test_listing_has_a_line_for_each_word_and_each_label() -> None:
    program = assemble("_start: li r3, 1\n1: b 1b\n", origin=0x100)
    listing = format_listing(disassemble(program.image(), 0x100), program.symbols)
    assert listing.splitlines() == [
        "_start:",
        "             100  38600001  li         r3, 1",
        "             104  48000000  b          0x104",
    ]


@pytest.mark.parametrize("part", range(4))
def test_the_text_of_every_instruction_assembles_to_its_word(part: int) -> None:
    lines = [line for i in isa.all_instructions() for line in lines_of_instruction(i)[:3]]
    lines += [
        line
        for entry in isa.all_extended()
        if entry.mnemonic != "load64"
        for line in lines_of_extended(entry)[:2]
    ]
    chosen = sorted(lines[part::4], key=lambda line: line.split()[0] not in PREFIXED)
    program = assemble("\n".join(chosen), origin=ORIGIN)  # no prefix before a 64-byte boundary
    found = list(disassemble(program.image(), ORIGIN))
    assert ".long" not in {instruction.mnemonic for instruction in found}
    again = assemble("\n".join(instruction.text for instruction in found), origin=ORIGIN)
    assert again.image() == program.image()


@given(st.binary(max_size=64), st.sampled_from(ByteOrder))
def test_every_word_becomes_one_instruction(code: bytes, order: ByteOrder) -> None:
    found = list(disassemble(code, ORIGIN, order))
    name = order.name_for_int
    assert b"".join(i.word.to_bytes(4, name) for i in found) == code[: len(code) // 4 * 4]
    assert [i.address for i in found] == list(range(ORIGIN, ORIGIN + 4 * len(found), 4))
