"""Every instruction of the tables, compared with what GNU as makes of it."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from emu import isa
from emu.assembler import AssemblyError, assemble
from emu.bits import ByteOrder
from emu.isa import Extended, Instruction, Kind, Operand

if TYPE_CHECKING:
    from pathlib import Path

AS = {ByteOrder.BIG: "powerpc64-linux-gnu-as", ByteOrder.LITTLE: "powerpc64le-linux-gnu-as"}
OBJCOPY = "powerpc64-linux-gnu-objcopy"
needs_gnu_as = pytest.mark.skipif(
    not all(shutil.which(tool) for tool in (*AS.values(), OBJCOPY)),
    reason="GNU as for powerpc64 is not installed",
)

# GNU as refuses some invalid forms that this assembler takes as they are written.
INVALID_FORMS = (
    "source and target register operands must be different",
    "index register in load range",
    "address register in load range",
    "illegal L operand value",
    "illegal WC operand value",
    "invalid tbr number",
    "invalid counter access",
    "invalid R operand",
    "VSR overlaps ACC operand",
)
# Where GNU as means another number than Power ISA v3.0B: BookE's PIR, the unprivileged PSSCR.
OTHERWISE_IN_GNU_AS = {"mfpir", "mfpsscr", "mtpsscr"}
PREFIXED = {"pli", "pla", "psubi"}
SPECIAL_SAMPLES = {
    "bo": (4, 20, 12, 15, 6),  # the others are reserved or for bc alone
    "fxm": (128, 1, 16),
    "spr": (1, 8, 9, 26, 268, 272, 1023),
}
# Shift counts and the like: all combinations are within 32 bits.
COUNTS = {"n": (1, 3, 12, 16), "b": (0, 16, 5, 1)}
WIDER_COUNTS = {"n": (1, 3, 12, 0), "b": (31, 16, 20, 12)}  # for clrlsldi and clrlslwi, b >= n


def samples(operand: Operand) -> tuple[int, ...]:
    """Both ends, and some between."""
    if operand.name in SPECIAL_SAMPLES:
        return SPECIAL_SAMPLES[operand.name]
    allowed = operand.range
    picked = (0, len(allowed) - 1, len(allowed) // 2, len(allowed) // 3, 1)
    return tuple(allowed[n] for n in picked if n < len(allowed))


def written(operand: Operand | None, value: int) -> str:
    return f".{value:+}" if operand and operand.kind is Kind.RELATIVE else str(value)


def combinations(choices: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Every sample of every operand at least once, in step and out of step."""
    most = max((len(values) for values in choices), default=1)
    return [
        tuple(values[(turn + n * step) % len(values)] for n, values in enumerate(choices))
        for turn in range(most)
        for step in (0, 1)
    ]


def lines_of_instruction(instruction: Instruction) -> list[str]:
    lines = []
    for count in range(instruction.required, len(instruction.operands) + 1):
        operands = instruction.operands[:count]
        for values in combinations([samples(operand) for operand in operands]):
            named = dict(zip((operand.name for operand in operands), values, strict=True))
            if "rau" in named and named.get("rt", -1) == named["rau"]:
                continue
            if instruction.mnemonic == "mtcrf":
                values = (values[0] + 2, values[1])  # GNU as makes mtocrf of one field
            text = ""
            for operand, value in zip(operands, values, strict=True):
                shown = written(operand, value)
                comma = ", " if text else ""
                text += f"({shown})" if operand.in_parentheses else comma + shown
            lines.append(f"{instruction.mnemonic} {text}".strip())
    return list(dict.fromkeys(lines))


def lines_of_extended(extended: Extended) -> list[str]:
    counts = WIDER_COUNTS if extended.mnemonic.startswith("clrlsl") else COUNTS
    operands = [isa.OPERANDS.get(name) for name in extended.parameters]
    choices = [
        samples(operand) if operand else counts[name]
        for name, operand in zip(extended.parameters, operands, strict=True)
    ]
    lines = []
    for values in combinations(choices):
        shown = [written(operand, value) for operand, value in zip(operands, values, strict=True)]
        text = ", ".join(shown)
        if extended.in_parentheses:
            text = f"{shown[0]}, {shown[1]}({shown[2]})"
        lines.append(f"{extended.mnemonic} {text}".strip())
    return list(dict.fromkeys(lines))


def prefixed(line: str) -> bool:
    instruction = isa.find(line.split()[0])
    return instruction is not None and instruction.prefixed


def gnu_as(lines: list[str], order: ByteOrder, directory: Path) -> tuple[list[str], bytes]:
    """The lines GNU as takes (invalid forms become nop), and the bytes it makes of them."""
    source, made, image = (directory / f"gnu.{suffix}" for suffix in ("s", "o", "bin"))
    for _ in range(2):
        source.write_text("\n".join(lines) + "\n")
        command = [AS[order], "-mpower10", "-many", "-o", str(made), str(source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            break
        lines = list(lines)
        for number, message in re.findall(r":(\d+): Error: (.*)", done.stderr):
            unknown = re.match(r"unrecognized opcode: `m[tf]", message)
            offending = lines[int(number) - 1]
            nop = "pnop" if prefixed(offending) else "nop"
            assert offending == nop or unknown or message in INVALID_FORMS, (offending, message)
            lines[int(number) - 1] = nop
    else:
        pytest.fail(done.stderr)
    subprocess.run([OBJCOPY, "-O", "binary", str(made), str(image)], check=True)
    return lines, image.read_bytes()


def assert_agrees(lines: list[str], order: ByteOrder, directory: Path, size: int = 4) -> None:
    taken, theirs = gnu_as(lines, order, directory)
    ours = assemble("\n".join(taken), byte_order=order).image()
    differing = [
        f"{line}: {theirs[at : at + size].hex()} in GNU as, {ours[at : at + size].hex()} here"
        for at, line in zip(range(0, len(theirs), size), taken, strict=True)
        if theirs[at : at + size] != ours[at : at + size]
    ]
    assert not differing, "\n".join(differing)
    assert len(ours) == len(theirs) == size * len(lines)


@needs_gnu_as
@pytest.mark.parametrize("part", range(4))
def test_every_instruction_is_encoded_as_gnu_as_encodes_it(part: int, tmp_path: Path) -> None:
    entries = isa.all_instructions()[part::4]
    lines = [line for entry in entries for line in lines_of_instruction(entry)]
    assert_agrees(lines, ByteOrder.BIG, tmp_path)


@needs_gnu_as
@pytest.mark.parametrize("part", range(4))
def test_every_extended_mnemonic_is_encoded_as_gnu_as_encodes_it(part: int, tmp_path: Path) -> None:
    entries = [
        entry
        for entry in isa.all_extended()
        if entry.mnemonic not in OTHERWISE_IN_GNU_AS | PREFIXED | {"load64"}
    ][part::4]
    lines = [line for entry in entries for line in lines_of_extended(entry)]
    assert_agrees(lines, ByteOrder.BIG, tmp_path)


@needs_gnu_as
@pytest.mark.parametrize("order", ByteOrder)
def test_prefixed_instructions_are_encoded_as_gnu_as_encodes_them(
    order: ByteOrder, tmp_path: Path
) -> None:
    lines = [line for entry in isa.all_prefixed() for line in lines_of_instruction(entry)]
    lines += ["pli 3, -0x200000000", "pla 4, 0x1ffffffff(5)", "psubi 6, 7, 8"]
    assert_agrees(lines, order, tmp_path, size=8)


def test_a_prefixed_instruction_must_not_cross_a_64_byte_boundary() -> None:
    with pytest.raises(AssemblyError, match="64-byte boundary"):
        assemble("pnop", origin=60)
    assert len(assemble("nop\n pnop", origin=60).image()) == 12


@needs_gnu_as
def test_little_endian_words_are_those_of_gnu_as(tmp_path: Path) -> None:
    multiple = {"lmw", "stmw", "lswi", "lswx", "stswi", "stswx"}  # alignment interrupts there
    entries = [entry for entry in isa.all_instructions() if entry.mnemonic not in multiple]
    lines = [lines_of_instruction(entry)[-1] for entry in entries]
    assert_agrees(lines, ByteOrder.LITTLE, tmp_path)


def test_no_two_instructions_share_their_fixed_bits_and_operands() -> None:
    seen: dict[tuple[int, tuple[str, ...]], str] = {}
    for entry in isa.all_instructions():
        key = (entry.word, tuple(operand.name for operand in entry.operands))
        assert key not in seen, f"{entry.mnemonic} is {seen[key]}"
        seen[key] = entry.mnemonic


def test_every_extended_mnemonic_stands_for_instructions() -> None:
    names = {entry.mnemonic for entry in [*isa.all_instructions(), *isa.all_prefixed()]}
    steps = {step.mnemonic for entry in isa.all_extended() for step in entry.steps}
    assert steps <= names


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0x0123_4567_89AB_CDEF, "3c600123 60634567 786307c6 646389ab 6063cdef"),
        (-1, "3c60ffff 6063ffff 786307c6 6463ffff 6063ffff"),
    ],
)
def test_load64_builds_any_doubleword_in_five_instructions(value: int, words: str) -> None:
    assert assemble(f"load64 r3, {value}").image() == bytes.fromhex(words)
