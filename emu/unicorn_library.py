"""Unicorn's shared library, found without its Python binding."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from .native import lib

REMEDY = "pip install --force-reinstall unicorn==2.1.4"


class EngineError(Exception):
    """The engine cannot be opened; the message says what is needed."""


def path() -> bytes:
    """Where the library is; raises `EngineError`."""
    spec = importlib.util.find_spec("unicorn")
    if spec is None or spec.origin is None:
        raise EngineError(f"unicorn is not installed: {REMEDY}")
    found = sorted((Path(spec.origin).parent / "lib").glob("libunicorn.so*"))
    if not found:
        raise EngineError(f"the unicorn package has no shared library: {REMEDY}")
    return bytes(found[0])


def load() -> None:
    """Load the library, so that the first engine need not; other threads go on meanwhile.

    What prevents that is for the engine to complain of.
    """
    try:
        lib.core_load(path())
    except EngineError:
        return
