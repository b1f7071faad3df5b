"""Programs with threads say, translated, what they say on this host's processor."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.lx86 import small
from tests.lx86.linux.test_run import x86

pytestmark = pytest.mark.skipif(not small.available(), reason=f"{small.COMPILER} is not there")

LIBRARIES = Path("/usr/i686-linux-gnu")
"""Where the cross compiler's C library is: a root for dynamic programs."""
SAID = """\
counting: 15
27000 with a mutex, 54000 and 0x465000004650 without
local: 154581
main's: 7 nobody
trading: 59700
in step: 20
signals: 6 right, 6 handled, 0 here
cancelled: 1, cleaned: 1000
late: 1, twice: 1
keys: 21
begun 1, ended 21
"""


@functools.cache
def _directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="lx86-threads-")


@functools.cache
def build(link: str) -> Path:
    out = Path(_directory().name) / f"threads{link}"
    source = Path(__file__).with_name("threads.c")
    command = [small.COMPILER, "-O2", "-march=i686", link, str(source), "-o", str(out)]
    subprocess.run([*command, "-pthread"], check=True)
    return out


def test_what_threads_say_here_is_what_they_say_on_this_hosts_processor() -> None:
    try:
        done = subprocess.run([build("-static")], capture_output=True, text=True, check=False)
    except OSError:
        pytest.skip("this host does not run i386 programs")
    assert (done.returncode, done.stdout) == (42, SAID)


@pytest.mark.parametrize("link", ["-static", "-pie"])
def test_threads_say_what_they_say_on_a_processor(link: str) -> None:
    program = build(link)
    place = f"/program/{program.name}"
    done = x86("--root", str(LIBRARIES), "--bind", f"{program.parent}:/program", "--", place)
    assert (done.returncode, done.stdout) == (42, SAID), done.stderr
