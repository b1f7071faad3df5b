from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pyphyp import Machine

from .saved import WORKS, started

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(epoch=0) as machine:
        yield machine


@pytest.fixture
def saved(machine: Machine, tmp_path: Path) -> Path:
    partition = started(machine, WORKS)
    partition.run(instructions=5000)
    partition.save(tmp_path / "saved.state")
    return tmp_path / "saved.state"
