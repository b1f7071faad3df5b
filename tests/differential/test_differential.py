"""Unprivileged instructions give what POWER9 and POWER10 give, as far as QEMU knows it."""

from __future__ import annotations

import shutil

import pytest

from emu.bits import ByteOrder

from .drive import MODELLED_GROUPS, drive, drive_model
from .generate import PROCESSORS
from .runners import EMULATORS

COUNT = 1280


@pytest.mark.skipif(
    not all(shutil.which(emulator) for emulator in EMULATORS.values()),
    reason="QEMU's user mode is not installed",
)
@pytest.mark.parametrize("order", list(ByteOrder))
@pytest.mark.parametrize("name", PROCESSORS)
def test_instructions_give_what_the_processor_gives(name: str, order: ByteOrder) -> None:
    found = [str(finding) for finding in drive(name, order, seed=1, count=COUNT)]
    assert not found, "\n".join(found[:5])


@pytest.mark.parametrize("order", list(ByteOrder))
@pytest.mark.parametrize("name", MODELLED_GROUPS)
def test_floating_point_gives_what_exact_arithmetic_gives(name: str, order: ByteOrder) -> None:
    """To the last bit of results and FPSCR, with exceptions enabled and in every rounding."""
    found = [str(finding) for finding in drive_model(name, order, seed=1, count=COUNT)]
    assert not found, "\n".join(found[:5])
