from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pyphyp import Machine

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(epoch=0) as machine:
        yield machine
