"""This host's processor, for all tests of floating point."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import pytest

from lx86.architecture import I386, Architecture

from . import native

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="session")
def processors(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Architecture], Path]:
    """The program of `native` for an architecture, built once."""
    directory = tmp_path_factory.mktemp("native")
    return functools.cache(lambda architecture: native.build(directory, architecture))


@pytest.fixture
def processor(processors: Callable[[Architecture], Path]) -> Path:
    return processors(I386)
