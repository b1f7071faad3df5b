"""System calls, good and bad ones, answer as this host's kernel does."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.lx86.linux.compiled import compiled, for_each_architecture
from tests.lx86.linux.test_run import x86

_KINDS = {"i386": "-static", "x86-64": "-static-pie"}
"""Addresses of 64 bits are above 4 GiB in the latter, so that a call that cuts one shows."""
_TIME_AND_FILES_OF_64_BITS = ("-D_FILE_OFFSET_BITS=64", "-D_TIME_BITS=64")
_LEAST_LINES = 800
_LEFT_AT_THE_END = 7


@for_each_architecture
def test_system_calls_say_what_they_say_on_this_hosts_kernel(
    tmp_path: Path, architecture: str
) -> None:
    root, here, work = tmp_path / "root", tmp_path / "here", Path("root/work")
    for directory in (root, here, tmp_path / work):
        directory.mkdir()
    options = ("-pthread", *_TIME_AND_FILES_OF_64_BITS)
    program = compiled(architecture, "calls", root / "calls", *options, link=_KINDS[architecture])
    quiet = {"stdin": subprocess.DEVNULL, "check": False, "timeout": 120}
    native = subprocess.run([program], cwd=here, capture_output=True, text=True, **quiet)  # type: ignore[call-overload]
    done = x86("--root", str(root), "--clear-env", "-C", "/work", "/calls", **quiet)
    assert done.stdout.splitlines() == native.stdout.splitlines()
    assert (done.returncode, done.stderr) == (native.returncode, "")
    assert native.returncode == _LEFT_AT_THE_END
    assert len(native.stdout.splitlines()) >= _LEAST_LINES
