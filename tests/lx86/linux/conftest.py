"""Debian's roots of both architectures, each fetched once for all tests of a run."""

from __future__ import annotations

import fcntl
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from guests.packages import GuestFilesError
from guests.x86_root import AMD64, I386
from tests.lx86 import suites
from tests.lx86.linux import debian

if TYPE_CHECKING:
    from pathlib import Path


def _debian(factory: pytest.TempPathFactory, architecture: str) -> Path:
    """A root of this worker's own; beside it, `kept` is for translated code of all of them."""
    if not suites.available():
        pytest.skip("apt is not there")
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with (shared / f"{architecture}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        first = shared / f"{architecture}-first"
        if not first.exists():
            making = shared / f"{architecture}-making"
            try:
                debian.make_root(making, architecture)
            except GuestFilesError as refusal:
                pytest.skip(str(refusal))
            making.rename(first)
        root = base / architecture / "root"
        root.parent.mkdir()
        subprocess.run(["cp", "-a", "--reflink=auto", str(first), str(root)], check=True)
    (root.parent / "kept").mkdir(mode=0o700)
    return root


@pytest.fixture(scope="session")
def debian_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _debian(tmp_path_factory, I386)


@pytest.fixture(scope="session")
def debian_root_64(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _debian(tmp_path_factory, AMD64)


@pytest.fixture(params=["debian_root", "debian_root_64"], ids=["i386", "amd64"])
def either_root(request: pytest.FixtureRequest) -> Path:
    """The roots of both architectures, one after the other."""
    root: Path = request.getfixturevalue(request.param)
    return root
