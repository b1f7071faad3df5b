"""Programs of test suites that others wrote, translated."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from guests.packages import GuestFilesError

from . import suites
from .linux.test_run import x86

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not suites.available(), reason="a compiler for i386 or apt is not there"),
]

QEMU = (
    "f2xm1", "fbstp", "fldcst", "fpatan", "fscale", "fxam", "fxtract", "fyl2x", "fyl2xp1",
    "pseudo-denormal", "snan-convert",
)  # fmt: skip
"""They compare with exact results, and say and return nothing if all is well."""


def _built(build: Callable[[str], Path], name: str) -> Path:
    try:
        return build(name)
    except GuestFilesError as refusal:
        pytest.skip(str(refusal))


def _translated(program: Path, *options: str) -> tuple[int, str]:
    """Its status, and what it wrote."""
    done = x86(*options, str(program), cwd=program.parent, timeout=300)
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("name", "cases"),
    [*zip(suites.VALGRIND, (1056, 384, 464, 103, 29, 154, 343), strict=True)],
)
def test_valgrinds_cases_are_all_ok(name: str, cases: int) -> None:
    status, output = _translated(_built(suites.valgrind, name))
    lines = output.splitlines()
    assert [line for line in lines if not line.endswith(" ... ok")] == []
    assert (status, len(lines)) == (0, cases)


@pytest.mark.parametrize(
    ("name", "cases"), [*zip(suites.VALGRIND_64, (1286, 464, 105, 154, 343), strict=True)]
)
def test_valgrinds_64_bit_cases_are_all_ok(name: str, cases: int) -> None:
    status, output = _translated(_built(suites.valgrind_64, name))
    lines = output.splitlines()
    assert [line for line in lines if not line.endswith(" ... ok")] == []
    assert (status, len(lines)) == (0, cases)


@pytest.mark.parametrize(("name", "cases"), [*zip(suites.VALGRIND_LATER, (43, 188), strict=True)])
def test_valgrinds_cases_of_sse3_and_ssse3_are_all_ok(name: str, cases: int) -> None:
    for build in (suites.valgrind, suites.valgrind_64):
        status, output = _translated(_built(build, name), "--cpu", "core2")
        lines = output.splitlines()
        assert [line for line in lines if not line.endswith(" ... ok")] == []
        assert (status, len(lines)) == (0, cases)


def test_valgrinds_program_of_sse4_says_what_it_says_on_this_hosts_processor() -> None:
    program = _built(lambda _: suites.valgrind_sse4(), "")
    native = subprocess.run([program], capture_output=True, text=True, check=True)
    assert len(native.stdout.splitlines()) > 1000
    assert _translated(program, "--cpu", "nehalem") == (0, native.stdout)


@pytest.mark.parametrize("name", QEMU)
def test_qemus_x87_programs_find_no_fault(name: str) -> None:
    assert _translated(_built(suites.qemu, name)) == (0, "")


def test_qemus_integer_program_says_what_it_says_on_this_hosts_processor() -> None:
    """But for C1 of the status words it shows, and words shifted further than they are long."""
    program = _built(lambda _: suites.qemu_integer(), "")
    try:
        native = subprocess.run([program], capture_output=True, text=True, check=False)
    except OSError:
        pytest.skip("this host runs no i386 programs")
    status, output = _translated(program)
    assert len(output.splitlines()) > 4000
    assert _compared(output) == _compared(native.stdout)
    assert status == native.returncode


_FURTHER = re.compile(r"sh[lr]dw .* C=0000001[1-9a-f] ")
"""SHLD and SHRD of words by more than 16: undefined, and processors of two makers do differ."""


def _compared(output: str) -> list[str]:
    def cleared(found: re.Match[str]) -> str:
        return f"fpus={int(found[1], 16) & ~0x200:04x}"

    lines = (line for line in output.splitlines() if not _FURTHER.match(line))
    return [re.sub(r"fpus=(\w+)", cleared, line) for line in lines]
