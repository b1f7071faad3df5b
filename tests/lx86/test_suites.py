"""Programs of test suites that others wrote, translated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from guests.packages import GuestFilesError
from lx86.linux.run import World, run
from lx86.translating_cpu import TranslatingCpu

from . import suites

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


def _translated(program: Path, output: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Its ending's status, and what it wrote."""
    world = World(None, ((str(program.parent), program.parent),))
    outcome = run(str(program), [], world, TranslatingCpu)
    return outcome.ending.status, output.readouterr().out


@pytest.mark.parametrize(
    ("name", "cases"),
    [*zip(suites.VALGRIND, (1056, 384, 464, 103, 29, 154, 343), strict=True)],
)
def test_valgrinds_cases_are_all_ok(
    name: str, cases: int, capfd: pytest.CaptureFixture[str]
) -> None:
    status, output = _translated(_built(suites.valgrind, name), capfd)
    lines = output.splitlines()
    assert [line for line in lines if not line.endswith(" ... ok")] == []
    assert (status, len(lines)) == (0, cases)


@pytest.mark.parametrize("name", QEMU)
def test_qemus_x87_programs_find_no_fault(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert _translated(_built(suites.qemu, name), capfd) == (0, "")
