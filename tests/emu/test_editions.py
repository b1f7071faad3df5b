"""Every instruction of the tables, in each mode: there if GNU as has it for that processor."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from emu import isa
from emu.bits import ByteOrder
from emu.isa_level import IsaLevel
from tests.emu.machine import PROBLEM, bare

from .test_assembler_encodings import AS, lines_of_instruction, needs_gnu_as

PROCESSORS = dict(zip(IsaLevel, ("power7", "power8", "power9", "power10"), strict=True))
FACILITIES = PROBLEM.replace(FP=1, VEC=1, VSX=1)
HERE = 0x4000
ILLEGAL = 1 << 19

# Branches, system calls and what waits for the hypervisor leave the program.
LEAVE = re.compile(r"b(?!rh|rw|rd|pe|cd).*|sc|scv|rfebb|stop|attn")
# Operands beside the usual samples, which are reserved here.
SAMPLES = {
    "lxvkq": "lxvkq 1, 1",
    **{f"xxgenpcv{size}m": f"xxgenpcv{size}m 1, 0, 3" for size in "bhwd"},
}
# What GNU as takes for newer or older than the Power ISA does, or does not take at all.
OTHERWISE = {
    **dict.fromkeys(("lbarx", "lharx", "stbcx.", "sthcx."), IsaLevel.V2_06),
    **dict.fromkeys(("lfdp", "stfdp", "lfdpx", "stfdpx", "lmw"), IsaLevel.V2_06),
    **dict.fromkeys(("icbt",), IsaLevel.V2_07),
    **dict.fromkeys(("lxvx", "stxvx", "vabsdub", "vabsduh", "vabsduw", "wait"), IsaLevel.V3_0),
    # In older editions they are mffs with reserved bits.
    **dict.fromkeys(
        ("mffsce", "mffscrn", "mffscrni", "mffscdrn", "mffscdrni", "mffsl"), IsaLevel.V2_06
    ),
}
# CAVEATS.md: not there; or an illegal instruction at a level where it would be privileged.
NEVER = re.compile(r"xsn?m(add|sub)qpo?|clrbhrb|doze|nap|sleep|rvwinkle|slbfee\.")
OF_HYPERVISORS = re.compile(r"slbmfe[ve]|msg.*")


@cache
def first_levels() -> list[tuple[str, IsaLevel]]:
    """Of each instruction an example, and the level that it is there from."""
    entries = [*isa.all_instructions(), *isa.all_prefixed()]
    names = [entry.mnemonic for entry in entries]
    lines = [SAMPLES.get(entry.mnemonic, lines_of_instruction(entry)[-1]) for entry in entries]
    levels = dict.fromkeys(range(len(lines)), IsaLevel.V2_06)
    with TemporaryDirectory() as directory:
        source = Path(directory) / "all.s"
        source.write_text("\n".join(lines) + "\n")
        for level, following in zip(IsaLevel, [*IsaLevel][1:], strict=False):
            command = [AS[ByteOrder.BIG], f"-m{PROCESSORS[level]}", "-o", "/dev/null", str(source)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            for number in re.findall(r":(\d+): Error:", done.stderr):
                levels[int(number) - 1] = following
    return [
        (line.replace("(31), 1", "(31)"), OTHERWISE.get(name, levels[n]))  # R needs RA = 0
        for n, (name, line) in enumerate(zip(names, lines, strict=True))
        if not (LEAVE.fullmatch(name) or NEVER.fullmatch(name) or OF_HYPERVISORS.fullmatch(name))
    ]


@needs_gnu_as
@pytest.mark.parametrize("level", IsaLevel)
def test_a_mode_has_the_instructions_of_its_processor(level: IsaLevel) -> None:
    wrong = []
    with bare() as cpu:
        cpu.identity_map()
        cpu.engine.set_isa_level(level)
        cpu.registers.set_spr("fscr", (1 << 56) - 1)
        for vector in range(0x100, 0x1000, 0x20):
            cpu.load(f"li r31,{vector}\n mfsrr1 r30\n sc 1", vector)
        for line, since in first_levels():
            cpu.run(f"{line}\n sc 1", FACILITIES, at=HERE, **dict.fromkeys(GPRS, 0x9000))
            srr1 = cpu.registers.gpr(30)
            illegal = cpu.registers.gpr(31) == 0x700 and bool(srr1 & ILLEGAL)
            if illegal == (level >= since):
                wrong.append(f"{line}: {since.name}, {'not ' * illegal}there")
    assert not wrong, "\n".join(wrong)


GPRS = [f"r{n}" for n in range(1, 32)]
