"""Programs of random bytes, and system calls with wild arguments: they end, and no more."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from pyphyp.commands.status import Status
from tests.lx86.linux.small_programs import DATA, call, write_program
from tests.lx86.linux.test_run import x86

if TYPE_CHECKING:
    from pathlib import Path

_WILD = (0, 1, 4, 0xFFFF_FFFF, 0x8000_0000, 0xBFFF_FFFC, 0xC000_0000, 0x0804_8000, DATA, 0x1000)
_WAIT_OR_END = {1, 2, 7, 29, 72, 114, 120, 142, 168, 177, 179, 190, 252, 256, 284, 308, 309, 435}
"""Calls that end the program, wait for ever or fork."""
_SEND_SIGNALS = {37, 178, 238, 270, 335}
_EXIT = 1


def _ended_orderly(tmp_path: Path, code: bytes) -> None:
    root = tmp_path / "root"
    root.mkdir()
    write_program(root / "program", code, bytes(range(256)))
    done = x86("--root", str(root), "--clear-env", "/program", text=False)
    assert done.returncode != Status.CRASH
    assert b"Traceback" not in done.stderr
    assert b"pyphyp:" not in done.stderr


@pytest.mark.parametrize("seed", range(4))
def test_random_bytes_as_code_end_a_program_and_no_more(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    alarm = call(27, 5)  # a loop ends, too
    _ended_orderly(tmp_path, alarm + chance.randbytes(1500))


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 13])
def test_system_calls_with_wild_arguments_are_answered(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    numbers = sorted({*range(1, 450)} - _WAIT_OR_END - _SEND_SIGNALS)
    code = call(27, 20)
    while len(code) < 1800:
        code += call(chance.choice(numbers), *(chance.choice(_WILD) for _ in range(6)))
    code += call(_EXIT, 9)
    _ended_orderly(tmp_path, code)
