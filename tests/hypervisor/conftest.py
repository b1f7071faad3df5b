"""Partitions with one and with three virtual processors."""

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


@pytest.fixture
def lpar3() -> Iterator[Lpar]:
    """Three virtual processors; 1 and 2 are stopped."""
    with opened(processors=3) as made:
        yield made
