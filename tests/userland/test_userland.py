"""Programs of Debian in the guest say what they say under QEMU's user emulation."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from guests.userland import fetch_userland
from tests.bench.systems import Silent

from . import guest, reference
from .programs import PACKAGES, PROGRAMS, Program, files

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.linux,
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which(reference.QEMU), reason="no qemu-user on this host"),
]


@pytest.mark.parametrize(
    ("processor", "mmu"), [("power9", "radix"), ("power10", "radix"), ("power9", "hash")]
)
def test_programs_say_in_the_guest_what_they_say_under_qemu(
    processor: str, mmu: str, tmp_path: Path
) -> None:
    programs = [program for program in PROGRAMS if not program.long]
    userland = fetch_userland(PACKAGES, Silent())
    tree, work = tmp_path / "tree", tmp_path / "work"
    work.mkdir()
    reference.unpack(userland, tree)
    theirs = reference.run(programs, tree, work, files(), processor)
    ours = guest.run(programs, userland, files(), cpu_mode=processor, mmu=mmu)
    assert list(theirs) == list(ours) == [program.name for program in programs]
    for program in programs:
        assert ours[program.name] == theirs[program.name], program.name


def test_matrices_are_multiplied_in_accumulators_as_under_qemu(tmp_path: Path) -> None:
    directory = "/usr/lib/powerpc64le-linux-gnu/openblas-pthread"
    program = Program(
        "matrices",
        f"export LD_LIBRARY_PATH={directory} OPENBLAS_NUM_THREADS=1\n"
        "run python3 matrices.py libopenblas.so.0",
    )
    userland = fetch_userland(("python3-numpy", "libopenblas0-pthread"), Silent())
    tree, work = tmp_path / "tree", tmp_path / "work"
    work.mkdir()
    reference.unpack(userland, tree)
    theirs = reference.run([program], tree, work, files(), "power10")["matrices"]
    ours = guest.run([program], userland, files(), cpu_mode="power10")["matrices"]
    assert theirs.startswith("POWER10\n")
    assert ours == theirs


@pytest.mark.parametrize("mmu", ["radix", "hash"])
def test_processes_threads_signals_and_time_hold_on_four_processors(mmu: str) -> None:
    program = Program("kernel", "run python3 kernel.py")
    userland = fetch_userland(PACKAGES, Silent())
    words = guest.run([program], userland, files(), processors=4, mmu=mmu, seconds=60)["kernel"]
    said = words.splitlines()
    assert len(said) == 6
    assert all(line.endswith("True") for line in said[:-1]), said
