"""Unprivileged instructions give what POWER9 and POWER10 give, as far as QEMU knows it."""

from __future__ import annotations

import shutil

import pytest

from emu.bits import ByteOrder

from .drive import drive
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
