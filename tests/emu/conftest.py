"""A bare processor for whoever needs no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .machine import Bare, bare

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def processor() -> Iterator[Bare]:
    with bare() as processor:
        yield processor
