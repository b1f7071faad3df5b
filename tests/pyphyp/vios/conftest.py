"""A partition whose adapters a Virtual I/O Server serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hypervisor.lpar import Lpar, opened

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def lpar() -> Iterator[Lpar]:
    with opened() as made:
        yield made
