"""Debian's i386 root, which is fetched once for all tests of a run."""

from __future__ import annotations

import fcntl
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from guests.packages import GuestFilesError
from tests.lx86 import suites
from tests.lx86.linux import debian

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def debian_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root of this worker's own; beside it, `kept` is for translated code of all of them."""
    if not suites.available():
        pytest.skip("apt is not there")
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with (shared / "debian.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        first = shared / "debian-first"
        if not first.exists():
            making = shared / "debian-making"
            try:
                debian.make_root(making)
            except GuestFilesError as refusal:
                pytest.skip(str(refusal))
            making.rename(first)
        root = base / "debian" / "root"
        root.parent.mkdir()
        subprocess.run(["cp", "-a", "--reflink=auto", str(first), str(root)], check=True)
    (root.parent / "kept").mkdir(mode=0o700)
    return root
