"""Programs of test suites that others wrote, translated."""

from __future__ import annotations

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


def _translated(program: Path) -> tuple[int, str]:
    """Its status, and what it wrote."""
    done = x86(str(program), cwd=program.parent, timeout=300)
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


@pytest.mark.parametrize("name", QEMU)
def test_qemus_x87_programs_find_no_fault(name: str) -> None:
    assert _translated(_built(suites.qemu, name)) == (0, "")
